"""For notebooks: `%load_ext vjpgen`, then the cell magic `%%vjpgen`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from vjpgen.command_words import SETTINGS, Command, asked, formula_options

if TYPE_CHECKING:
    from vjpgen.pipeline import Generated


def load_ipython_extension(ipython: Any) -> None:
    """Called by `%load_ext vjpgen`: registers the magic with a running IPython."""

    def magic(line: str, cell: str) -> Generated | None:
        return define(ipython.user_ns, line, cell)

    magic.__doc__ = define.__doc__
    ipython.register_magic_function(magic, "cell", "vjpgen")


def define(names: dict[str, Any], line: str, cell: str) -> Generated | None:
    """`%%vjpgen NAME [options]`: the cell is a formula, and NAME becomes its function.

    Args:
        names: where the function is put.
        line: NAME, and options as those of `vjpgen report` about the formula; `--mode jvp` for forward mode.
        cell: the formula.

    Returns:
        What was generated, which displays itself as a report; None where `--help` was asked for.

    Raises:
        InputError: as `generate`.
        click.UsageError: an option is unknown.
    """
    from vjpgen.api import live
    from vjpgen.pipeline import generate

    given = _line.main(shlex.split(line), prog_name="%%vjpgen", standalone_mode=False)
    if not isinstance(given, dict):
        return None
    name, mode, effort = (given.pop(word) for word in ("name", "mode", "effort"))
    made = generate(cell.strip(), name=name, effort=effort, **asked(**given))
    names[name] = live(made, mode)
    return made


@click.command("%%vjpgen", cls=Command, context_settings=SETTINGS)
@click.argument("name")
@formula_options
@click.option("--grad-clip", "clip", multiple=True, metavar="X=LOW:HIGH", help="Clip the cotangent of X.")
@click.option("--mode", type=click.Choice(["vjp", "jvp"]), default="vjp", help="Reverse or forward mode.")
@click.option(
    "--effort",
    type=click.Choice(["low", "normal", "high"]),
    default="normal",
    help="How far the search goes.",
)
def _line(**given: Any) -> dict[str, Any]:
    """The cell is a formula, and NAME becomes its function."""
    return given
