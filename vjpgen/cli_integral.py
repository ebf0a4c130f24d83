"""The command's part about integrals: its options, and what it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vjpgen.cli_implicit import NOT_TOGETHER
from vjpgen.command_words import deliver, in_order, refuse_choices
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
    for option, spelled in {**NOT_TOGETHER, **others}.items():
        if given[option]:
            raise OptionError(f"{spelled} does not go with --integral", hint="leave it out")
    refuse_choices(given, "--integral")
    wanted = {
        "name": given["name"] if given["name"] is not None or not places else places[0].stem,
        "args": given["names"],
        "assume": given["assume"],
    }
    read_integral(given["integral"], given["over"], **wanted)  # before anything slow is imported
    files.check(places, force=force)
    with terminal.progress() as say:
        generated = generate_integral(
            given["integral"],
            given["over"],
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


def _lines(generated: GeneratedIntegral, places: tuple[Path, ...]) -> list[str]:
    spec = generated.spec
    lines = ["    ".join([spec.title, *([", ".join(map(str, places))] if places else [])])]
    width = max(len(label) for label, _ in generated.figures)
    for label, f in generated.figures:
        if f.points:
            lines.append(
                f"  {label:{width}}  max {f.max_ulps:.0f} ulp, 99% within {f.p99_ulps:.0f} ulp,"
                f" mean {f.mean_bits:.3f} bits"
            )
    lines += [f"  {line}" for line in generated.missed]
    lines.append(f"  computed by {generated.how}")
    lines.append(f"  kept for the backward pass: {generated.kept}")
    count = max(f.points for _, f in generated.figures)
    lines.append(f"  measured at {count} float32 points of {spec.domain}, against exact integrals")
    return [*lines, *(f"  note: {note}" for note in spec.notes)]
