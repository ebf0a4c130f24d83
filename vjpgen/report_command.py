"""`vjpgen report`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vjpgen.command_words import SETTINGS, Command, asked, limited, searched, the_formula

_EPILOG = """\b
Examples:
  vjpgen report "x*tanh(log(1+exp(x)))" -o mish.html
  vjpgen report "x*log(1 + y)" --args x,y --assume "y > -1" --name growth
  vjpgen report "x*tanh(log(1+exp(x)))" --beside jax.nn:mish --plot mish.svg

\b
Exit status: 0 done, 1 a file could not be written, 2 the formula, a function or an
option was refused, 3 out of time.
"""


@click.command("report", cls=Command, epilog=_EPILOG, context_settings=SETTINGS)
@the_formula
@click.option("--grad-clip", "clip", multiple=True, metavar="X=LOW:HIGH", help="Clip the cotangent of X.")
@click.option("-o", "--output", metavar="FILE.html", help="Write the page here.  [default: NAME.html]")
@click.option("--name", help="The function's name.  [default: FILE's stem where it is a name, or f]")
@click.option("--plot", metavar="FILE", help="Write a still picture too, to FILE.png or FILE.svg.")
@click.option("--beside", metavar="MODULE:FUNCTION", help="A function to show beside both.")
@click.option("--force", is_flag=True, help="Overwrite files that vjpgen did not generate.")
@searched
@limited
def command(
    expression: str,
    output: str | None,
    name: str | None,
    plot: str | None,
    beside: str | None,
    force: bool,
    effort: str,
    prefer: str,
    residuals: str,
    seed: int,
    timeout: float,
    **given: Any,
) -> int:
    """Write a page that shows the generated function of a formula, and how far off it is.

    The page is one HTML file that needs no network: the formula and its derivatives, the forms that compute
    them, their errors against exact arithmetic beside plain autodiff, the worst points, accuracy against
    cost, what is kept for the backward pass, and the source of the module.
    """
    from vjpgen import deadline, files, settings, terminal
    from vjpgen.asking import specify
    from vjpgen.pipeline import generate
    from vjpgen.reporting import pictures

    options = asked(**given)
    stem = Path(output).stem if output is not None else ""
    wanted = name if name is not None else stem if stem.isidentifier() else None
    checked = {option: value for option, value in options.items() if option != "grad_clip"}
    spec = specify(expression, name=wanted, **checked)  # before anything slow is imported
    found = pictures(output or f"{spec.name}.html", plot, option="-o", beside=beside, seed=seed)
    files.check(found.places, force=force)
    with terminal.progress() as say, deadline.steps(timeout, say) as step:
        how = settings.How(effort, prefer, residuals)
        made = generate(expression, name=spec.name, progress=step, **options, **asdict(how))
        written = found.draw(made, step, how)
    files.write_all(written, force=force)
    terminal.show(made.report, found.places, to_stderr=False)
    return 0
