"""What the command shows: a table of what was found, and progress while it works."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vjpgen.report import Failure, Figures, Report, Target
from vjpgen.shortfall import sentence

_WIDTH = 110  # where the output is no terminal
_FORM = 200
_SERIES = re.compile(r"(?:, -?\d+(?:/\d+)?){5,}")


@contextmanager
def progress() -> Iterator[Callable[[str], None] | None]:
    """A function that shows the step the work is at, on standard error; None where that is no terminal."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield None
        return
    with console.status("reading the formula") as status:
        yield lambda step: status.update(Text(step))


def show(report: Report, places: Sequence[Path], *, to_stderr: bool) -> None:
    """Prints the table, on standard error where standard output holds the module."""
    with printing(sys.stderr if to_stderr else sys.stdout) as console:
        title = Text(_title(report), style="bold")
        console.print(title, Text(", ".join(map(str, places)), style="dim"), sep="    ")
        for line in report.meant:
            console.print(Padding(Text(line), (0, 0, 0, 2)))
        console.print(_table(report))
        missed = (f"missed: {sentence(s, report.args)}" for s in report.shortfalls)
        notes = (f"note: {note}" for note in report.notes)
        for line in (_residuals(report), _checked(report), *missed, *notes):
            console.print(Padding(Text(line), (0, 0, 0, 2)))


@contextmanager
def printing(stream: TextIO) -> Iterator[Console]:
    """A console of which the lines are printed at the end, without spaces behind them."""
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDTH)
    with console.capture() as captured:
        yield console
    for line in captured.get().splitlines():
        print(line.rstrip(), file=stream)


def _title(report: Report) -> str:
    return f"{report.name}({', '.join(report.args)}) = {' '.join(report.formula.split())}"


def _table(report: Report) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("computed as", ratio=3, overflow="fold")
    table.add_column("max", justify="right", no_wrap=True)
    table.add_column("99%", justify="right", no_wrap=True)
    plain = "plain jnp as typed" if report.meant else "plain jnp under autodiff"
    table.add_column(plain, ratio=2, overflow="fold")
    for target in (*report.targets, *report.higher):
        table.add_row(*(Text(cell) for cell in _row(target, report.args)))
    return table


def _row(target: Target, args: Sequence[str]) -> tuple[str, ...]:
    figures = target.figures
    return (
        "  " + target.label,
        _short(target.form),
        ulp_text(figures.max_ulps) if figures.points else "-",
        ulp_text(figures.p99_ulps) if figures.points else "-",
        _plain(target.plain, target.failure, args),
    )


def _short(form: str) -> str:
    """A form with its series cut after three coefficients, and cut itself where it is still long."""
    form = _SERIES.sub(lambda match: ", ".join(match.group().split(", ")[:4]) + ", ...", form)
    return form if len(form) <= _FORM else form[: _FORM - 3] + "..."


def ulp_text(value: float) -> str:
    """An error in ulps, short."""
    return f"{value:.0f} ulp" if value < 10_000 else f"{value:.0e} ulp".replace("e+0", "e")


def _plain(plain: Figures, failure: Failure | None, args: Sequence[str]) -> str:
    if failure is None:
        return f"max {ulp_text(plain.max_ulps)}" if plain.points else "-"
    at = ", ".join(f"{a} = {v:.6g}" for a, v in zip(args, failure.inputs, strict=True))
    return f"{failure.got:.6g} at {at} (exactly {failure.truth:.6g})"


def _residuals(report: Report) -> str:
    kept, plain = report.residual_bytes, report.plain_residual_bytes
    return (
        f"kept for the backward pass: {report.residuals}; {kept:g} bytes per element (plain jnp: {plain:g})"
    )


def _checked(report: Report) -> str:
    points = max((t.figures.points for t in report.targets), default=0)
    return f"measured at {points} {report.dtype} points of {report.domain}, against exact arithmetic"
