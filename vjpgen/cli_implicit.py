"""The command's part about functions that an equation defines: its options, and what it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vjpgen.cli_passing import SPELLED
from vjpgen.command_words import deliver, in_order, refuse_choices
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
    click.option("--solve", metavar="Y", help="EXPR is an equation in Y: generate Y; see docs/implicit.md."),
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
    from vjpgen.implicit import read_equation, read_inverse
    from vjpgen.pipeline_implicit import generate_implicit

    asks = "--solve" if given["solve"] is not None else "--inverse"
    for option, spelled in NOT_TOGETHER.items():
        if given[option]:
            raise OptionError(f"{spelled} does not go with {asks}", hint="leave it out")
    refuse_choices(given, asks)
    wanted = {
        "name": given["name"] if given["name"] is not None or not places else places[0].stem,
        "args": given["names"],
        "assume": given["assume"],
        "guess": given["guess"],
    }
    if given["solve"] is None:
        text = given["inverse"]
        read_inverse(text, **wanted)  # before anything slow is imported
    elif expression is None:
        raise click.UsageError("Missing argument 'EXPR': the equation.")
    else:
        text = expression
        read_equation(text, given["solve"], **wanted)
    files.check(places, force=force)
    with terminal.progress() as say:
        generated = generate_implicit(
            text,
            solve=given["solve"],
            **wanted,
            output=places[0] if places else None,
            tests_path=places[1] if len(places) > 1 else None,
            effort=given["effort"],
            templates=given["templates"],
            timeout=given["timeout"],
            progress=say,
        )
    deliver((generated.module, generated.tests), places, force)
    click.echo("\n".join(_lines(generated, places)), err=not places)


def _lines(generated: GeneratedImplicit, places: tuple[Path, ...]) -> list[str]:
    from vjpgen.render_implicit import kept, sought

    spec = generated.spec
    lines = ["    ".join([spec.title, *([", ".join(map(str, places))] if places else [])])]
    width = max(len(label) for label, _ in generated.figures)
    for label, f in generated.figures:
        if f.points:
            missed = f", {f.off} of {f.points} more than 16 ulp off" if f.off else ""
            lines.append(
                f"  {label:{width}}  max {f.max_ulps:.0f} ulp, 99% within {f.p99_ulps:.0f} ulp,"
                f" mean {f.mean_bits:.3f} bits{missed}"
            )
    lines.append(f"  {spec.unknown} is sought {sought(spec)}")
    lines.append(f"  kept for the backward pass: {kept(spec)}")
    count = max(f.points for _, f in generated.figures)
    domain = " & ".join(spec.assume_text) or "all of float32"
    lines.append(f"  measured at {count} float32 points of {domain}, against exact solutions")
    return [*lines, *(f"  note: {note}" for note in spec.notes)]
