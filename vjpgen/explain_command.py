"""`vjpgen explain`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from vjpgen.command_words import SETTINGS, Command, timeout, to_json

_EPILOG = """\b
Columns:
  kept             what the forward pass hands to the backward pass
  bytes            held for each element, in float32
  operations       of the backward pass, and how many of them are exponentials and the like
  bits             mean error of the partials from what was kept, log2(1 + ulps)
  --residuals      the choices that keep just this

\b
Exit status: 0 done, 1 FILE is none of vjpgen's, 2 the options were refused, 3 out of time.
"""


@click.command("explain", cls=Command, epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("path", metavar="FILE.py", type=click.Path())
@click.option("--function", metavar="NAME", help="Which function, where FILE holds several.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@timeout
def command(path: str, function: str | None, as_json: bool, timeout: float) -> int:
    """Show what a generated module could keep between its passes, and what each choice costs."""
    from vjpgen import deadline, tables, terminal
    from vjpgen.explaining import explain
    from vjpgen.recorded import read

    recorded = read(Path(path), function)
    with terminal.progress() as say, deadline.steps(timeout, say) as step:
        found = explain(recorded.formula, recorded.how, step)
    if as_json:
        click.echo(to_json([asdict(k) for k in found]))
    else:
        tables.show_kept(recorded.spec.name, found)
    return 0
