"""The command's part about functions outside JAX: its options, and what it does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vjpgen.cli_passing import SPELLED
from vjpgen.command_words import deliver, generating, in_order, named, refuse_together
from vjpgen.errors import OptionError

if TYPE_CHECKING:
    from vjpgen.pipeline_external import GeneratedExternal

_NOT_TOGETHER = {
    "surrogate": "--surrogate", "scale": "--grad-scale", "clip": "--grad-clip", "mask": "--grad-mask",
}  # fmt: skip


options = in_order(
    click.option(
        "--external",
        metavar="MODULE:NAME",
        help="Wrap this function outside JAX, in place of EXPR; see docs/external.md.",
    ),
    click.option(
        "--also",
        multiple=True,
        metavar="NAME=MODULE:NAME",
        help="Another such function, which --grad may call.",
    ),
    click.option(
        "--missing",
        multiple=True,
        metavar="X=WAY",
        help="The gradient to X by difference, complex-step or zero, where --grad gives none.",
    ),
    click.option("--elementwise", is_flag=True, help="The function takes single numbers, not arrays."),
    click.option(
        "--call-dtype",
        metavar="DTYPE",
        help="What the function gets: float64, float32 or same.  [default: float64]",
    ),
)


def without_external(
    also: Sequence[str], missing: Sequence[str], elementwise: bool, call_dtype: object
) -> None:
    """Refuses options that mean nothing beside a formula.

    Raises:
        OptionError: one of them is given.
    """
    given = {"--also": also, "--missing": missing, "--elementwise": elementwise, "--call-dtype": call_dtype}
    for option, value in given.items():
        if value:
            hint = "name the function: --external MODULE:NAME"
            raise OptionError(f"{option} is for a function outside JAX", hint=hint)


def run(
    expression: str | None,
    external: str,
    places: tuple[Path, ...],
    given: Mapping[str, Any],
    *,
    force: bool,
) -> None:
    """Generates the module of a function outside JAX, writes and shows it.

    Args:
        expression: refused where there is one.
        external: the function.
        places: where the module goes, and the tests if any.
        given: the other options by their names.
        force: whether files that vjpgen did not generate are overwritten.
    """
    from vjpgen import files
    from vjpgen.external import read
    from vjpgen.names import split_names

    if expression is not None:
        hint = "leave one of them out; a gradient goes to --grad"
        raise OptionError(f"--external and the formula '{expression}' contradict each other", hint=hint)
    for option, spelled in _NOT_TOGETHER.items():
        if given[option]:
            hint = "write the whole gradient with --grad"
            raise OptionError(f"{spelled} does not go with --external", hint=hint)
    refuse_together(given, {"report": "--report", "plot": "--plot", **SPELLED}, "--external")
    wanted = {
        **named(given, places),
        "grad": _split("--grad", given["grad"], "X=FORMULA"),
        "also": _split("--also", given["also"], "NAME=MODULE:NAME"),
        "stop": tuple(a for names in given["stop"] for a in split_names(names)),
        "missing": _split("--missing", given["missing"], "X=WAY"),
        "elementwise": given["elementwise"],
        "call_dtype": given["call_dtype"] or "float64",
    }
    target = read(external, **wanted).target  # before anything slow is imported
    for place in places[:1]:
        if place.stem == target.package:
            hint = "choose another name for the file; --name names the function"
            raise OptionError(f"a file {place.name} would hide the module {target.package}", hint=hint)
    files.check(places, force=force)
    _deliver(_generate(external, wanted, places, given), places, force)


def _generate(
    external: str, wanted: Mapping[str, Any], places: Sequence[Path], given: Mapping[str, Any]
) -> GeneratedExternal:
    from vjpgen import terminal
    from vjpgen.pipeline_external import generate_external

    tables = {option: dict(wanted[option]) for option in ("grad", "also", "missing")}
    with terminal.progress() as say:
        return generate_external(external, **{**wanted, **tables}, **generating(given, places, say))


def _deliver(generated: GeneratedExternal, places: Sequence[Path], force: bool) -> None:
    from vjpgen.render_external import gradients, kept, takes

    deliver((generated.module, generated.tests), places, force)
    spec = generated.spec
    call = f"({', '.join(spec.args)})"
    title = f"{spec.name}{call} = {spec.target}{call}"
    lines = ["    ".join([title, *([", ".join(map(str, places))] if places else [])])]
    width = max(map(len, spec.args))
    lines += [f"  grad {a:{width}}  {text}" for a, text in gradients(spec)]
    lines += [f"  the function gets {takes(spec)}", f"  kept for the backward pass: {kept(spec)}"]
    lines += [f"  note: {note}" for note in spec.notes]
    click.echo("\n".join(lines), err=not places)


def _split(option: str, words: Sequence[str], what: str) -> tuple[tuple[str, str], ...]:
    from vjpgen.wishes import assignments

    return assignments(option, words, what, lambda word: f"{option} {what}")
