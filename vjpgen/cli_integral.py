"""The command's part about integrals: its options, and what it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vjpgen.cli_implicit import NOT_TOGETHER
from vjpgen.command_words import deliver, figures_shown, generating, in_order, named, refuse_together
from vjpgen.errors import OptionError

if TYPE_CHECKING:
    from vjpgen.pipeline_integral import GeneratedIntegral

_HOW = "write --over VARIABLE=LOWER..UPPER, such as --over 't=0..y'"

options = in_order(
    click.option(
        "--integral", metavar="FORMULA", help="Generate the integral of FORMULA; see docs/integrals.md."
    ),
    click.option(
        "--over", metavar="T=LOW..HIGH", help="What --integral integrates over, from where to where."
    ),
)


def asked(expression: str | None, given: Mapping[str, Any]) -> bool:
    """Whether the command is about an integral.

    Raises:
        OptionError: options contradict each other.
    """
    if given["integral"] is None:
        if given["over"] is not None:
            raise OptionError("--over is for an integral", hint="say of what: --integral FORMULA")
        return False
    if expression is not None:
        raise OptionError(
            f"--integral and the formula '{expression}' contradict each other", hint="leave one of them out"
        )
    if given["over"] is None:
        raise OptionError("--integral needs --over", hint=_HOW)
    return True


def run(places: tuple[Path, ...], given: Mapping[str, Any], *, force: bool) -> None:
    """Generates the module of an integral, writes and shows it.

    Args:
        places: where the module goes, and the tests if any.
        given: the options by their names.
        force: whether files that vjpgen did not generate are overwritten.
    """
    from vjpgen import files, terminal
    from vjpgen.integral import read_integral
    from vjpgen.pipeline_integral import generate_integral

    others = {"solve": "--solve", "inverse": "--inverse", "guess": "--guess"}
    refuse_together(given, {**NOT_TOGETHER, **others}, "--integral")
    wanted = named(given, places)
    read_integral(given["integral"], given["over"], **wanted)  # before anything slow is imported
    files.check(places, force=force)
    with terminal.progress() as say:
        how = generating(given, places, say)
        generated = generate_integral(given["integral"], given["over"], **wanted, **how)
    deliver((generated.module, generated.tests), places, force)
    click.echo("\n".join(_lines(generated, places)), err=not places)


def _lines(generated: GeneratedIntegral, places: tuple[Path, ...]) -> list[str]:
    from vjpgen.domain_points import in_words

    spec = generated.spec
    lines = figures_shown(spec.title, generated.figures, places, missed=False)
    lines += [f"  {line}" for line in generated.missed]
    lines.append(f"  computed by {generated.how}")
    lines.append(f"  kept for the backward pass: {generated.kept}")
    count = max(f.points for _, f in generated.figures)
    lines.append(f"  measured at {count} float32 points of {in_words(spec)}, against exact integrals")
    return [*lines, *(f"  note: {note}" for note in spec.notes)]
