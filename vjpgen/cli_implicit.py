"""The command's part about functions that an equation defines: its options, and what it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vjpgen.cli_passing import SPELLED
from vjpgen.command_words import deliver, figures_shown, generating, in_order, named, refuse_together
from vjpgen.errors import OptionError

if TYPE_CHECKING:
    from vjpgen.pipeline_implicit import GeneratedImplicit

NOT_TOGETHER = {
    "external": "--external", "grad": "--grad", "surrogate": "--surrogate", "stop": "--stop",
    "scale": "--grad-scale", "clip": "--grad-clip", "mask": "--grad-mask", "also": "--also",
    "missing": "--missing", "elementwise": "--elementwise", "call_dtype": "--call-dtype",
    "report": "--report", "plot": "--plot", **SPELLED,
}  # fmt: skip


options = in_order(
    click.option(
        "--solve",
        metavar="Y",
        help="EXPR is an equation in Y, or equations in Y,Z: generate them; see docs/implicit.md.",
    ),
    click.option("--inverse", metavar="FORMULA", help="Generate the inverse of FORMULA, in place of EXPR."),
    click.option("--guess", metavar="FORMULA", help="Where the solution is first sought."),
)


def asked(expression: str | None, solve: str | None, inverse: str | None, guess: str | None) -> bool:
    """Whether the command is about an equation.

    Raises:
        OptionError: options contradict each other.
    """
    if inverse is not None and (solve is not None or expression is not None):
        other = "--solve" if solve is not None else f"the formula '{expression}'"
        raise OptionError(f"--inverse and {other} contradict each other", hint="leave one of them out")
    if guess is not None and solve is None and inverse is None:
        raise OptionError(
            "--guess is for an equation", hint="say what is sought: --solve y, or --inverse FORMULA"
        )
    return solve is not None or inverse is not None


def run(expression: str | None, places: tuple[Path, ...], given: Mapping[str, Any], *, force: bool) -> None:
    """Generates the module of a solution, writes and shows it.

    Args:
        expression: the equation; None for an inverse.
        places: where the module goes, and the tests if any.
        given: the options by their names.
        force: whether files that vjpgen did not generate are overwritten.
    """
    from vjpgen import files, terminal
    from vjpgen.pipeline_implicit import asked_for, generate_implicit

    asks = "--solve" if given["solve"] is not None else "--inverse"
    refuse_together(given, NOT_TOGETHER, asks)
    wanted = {**named(given, places), "guess": given["guess"]}
    if given["solve"] is not None and expression is None:
        raise click.UsageError("Missing argument 'EXPR': the equation.")
    text = given["inverse"] if expression is None else expression
    asked_for(text, given["solve"], **wanted)  # before anything slow is imported
    files.check(places, force=force)
    with terminal.progress() as say:
        how = generating(given, places, say)
        generated = generate_implicit(text, solve=given["solve"], **wanted, **how)
    deliver((generated.module, generated.tests), places, force)
    click.echo("\n".join(_lines(generated, places)), err=not places)


def _lines(generated: GeneratedImplicit, places: tuple[Path, ...]) -> list[str]:
    from vjpgen import render_implicit, render_system
    from vjpgen.domain_points import in_words
    from vjpgen.system import System

    spec = generated.spec
    lines = figures_shown(spec.title, generated.figures, places, missed=True)
    if isinstance(spec, System):
        sought, kept = render_system.sought(spec), render_system.kept(spec)
    else:
        sought = f"{spec.unknown} is sought {render_implicit.sought(spec)}"
        kept = render_implicit.kept(spec)
    lines += [f"  {sought}", f"  kept for the backward pass: {kept}"]
    count = max(f.points for _, f in generated.figures)
    lines.append(f"  measured at {count} float32 points of {in_words(spec)}, against exact solutions")
    return [*lines, *(f"  note: {note}" for note in spec.notes)]
