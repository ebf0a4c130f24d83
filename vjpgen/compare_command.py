"""`vjpgen compare`."""

from __future__ import annotations

from typing import Any

import click

from vjpgen.command_words import SETTINGS, Command, about_the_formula, asked, limited, to_json

_EPILOG = """\b
Examples:
  vjpgen compare mypackage.ops:softplus "log(1+exp(x))"
  vjpgen compare ops.py:growth "x*log(1 + y)" --args x,y --assume "y > -1" --alone
  vjpgen compare jax.numpy:sinc "sin(pi*x)/(pi*x)" --json

\b
Exit status: 0 within 16 ulp wherever the exact result is a normal number or zero,
1 not so, 2 the formula or the function was refused, 3 out of time.
"""


@click.command("compare", cls=Command, epilog=_EPILOG, context_settings=SETTINGS)
@about_the_formula
@click.option("--alone", is_flag=True, help="Leave the generated code out, which costs a search.")
@click.option(
    "--effort",
    type=click.Choice(["low", "normal", "high"]),
    default="normal",
    show_default=True,
    help="How far that search goes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@limited
def command(
    target: str,
    expression: str,
    alone: bool,
    effort: str,
    as_json: bool,
    seed: int,
    timeout: float,
    **given: Any,
) -> int:
    """Judge a function that somebody wrote against a formula in exact arithmetic.

    MODULE:FUNCTION is a dotted name such as mypackage.ops:softplus, or path/file.py:softplus; EXPR is the
    formula that it is meant to compute. Beside it stand plain autodiff of the formula and what vjpgen would
    generate.
    """
    from vjpgen import tables, terminal
    from vjpgen.comparing import compare

    with terminal.progress() as say:
        found = compare(
            target,
            expression,
            alone=alone,
            effort=effort,
            seed=seed,
            timeout=timeout,
            progress=say,
            **asked(**given),
        )
    if as_json:
        click.echo(to_json(found.to_dict()))
    else:
        tables.show_comparison(found)
    return 0 if found.holds else 1
