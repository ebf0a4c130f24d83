"""What `vjpgen check`, `vjpgen compare` and `vjpgen explain` show."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vjpgen.checking import Checked
from vjpgen.comparing import Comparison
from vjpgen.explaining import Kept
from vjpgen.judged import Judged, Miss
from vjpgen.terminal import printing, ulp_text

_MOST = 6  # worst points shown of a function


def show_checked(found: Checked) -> None:
    """Prints what was found of one module."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for f in found.findings:
        mark = Text("holds") if f.holds else Text("fails", style="bold red")
        table.add_row(Text(f"  {f.what}"), mark, Text(f.said))
    title = f"{found.path}    {found.name}({', '.join(found.args)}) = {found.formula}"
    points = f"measured at {found.points} fresh float32 points of {found.domain} (seed {found.seed})"
    verdict = "all of it holds" if found.holds else "not all of it holds"
    _print(title, table, [f"{points}; {verdict}"])


def show_comparison(found: Comparison) -> None:
    """Prints the figures of every contender, and the worst points of the function that is judged."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in ("mean", "max", "> 16 ulp", "not finite"):
        table.add_column(heading, justify="right", no_wrap=True)
    for k, target in enumerate(found.contenders[0].targets):
        if target.mode == "forward" and target.figures == found.contenders[0].targets[k - 1].figures:
            continue  # nothing new
        rows = _rows(found, target)
        for name, judged in rows:
            first = f"  {_told(target)}" if name == found.target else ""
            table.add_row(*map(Text, (first, name, *_cells(judged))))
    _print(f"{found.target} for {found.formula}", table, [*_lines(found)])


def show_kept(name: str, found: Sequence[Kept]) -> None:
    """Prints what could be kept between the passes of a function."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("  kept", overflow="fold")
    for heading in ("bytes", "operations", "bits"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("--residuals", no_wrap=True)
    for k in found:
        operations = f"{k.operations} ({k.transcendentals} transcendental)"
        first = f"  {', '.join(k.arrays) or 'nothing'}"
        table.add_row(*map(Text, (first, str(k.bytes), operations, f"{k.bits:.2f}", ", ".join(k.choices))))
    _print(f"{name}: what its passes can keep", table, ["bytes for each element of float32 arrays"])


def _rows(found: Comparison, target: Judged) -> Iterator[tuple[str, Judged]]:
    for c in found.contenders:
        for t in c.targets:
            if (t.label, t.mode) == (target.label, target.mode):
                yield c.name, t


def _told(target: Judged) -> str:
    return f"{target.label} forward" if target.mode == "forward" else target.label


def _cells(judged: Judged) -> tuple[str, ...]:
    f = judged.figures
    if not f.points:
        return "-", "-", "-", "-"
    share = f"{100 * f.off / f.points:.2g} %" if f.off else "0"
    worst = "inf" if f.max_ulps >= 2.0**32 else ulp_text(f.max_ulps)
    return f"{f.mean_bits:.2f} bits", worst, share, str(f.bad)


def _lines(found: Comparison) -> Iterator[str]:
    own = found.contenders[0]
    missed = sorted(((k, t, m) for t in own.targets for k, m in enumerate(t.misses)), key=lambda row: row[0])
    shown: dict[tuple[object, ...], str] = {}
    for _, t, m in missed:
        shown.setdefault((t.label, m.inputs), f"worst: {_told(t)} {_miss(found.args, m)}")
    yield from [*shown.values()][:_MOST]
    kept = ", ".join(f"{c.name} {c.residual_bytes:g}" for c in found.contenders)
    yield f"kept for the backward pass, in bytes per element: {kept}"
    yield (
        f"measured at {found.points} float32 points of {found.domain} and {found.references} chosen ones,"
        " against exact arithmetic"
    )
    off = sum(t.figures.off for t in own.targets)
    yield f"{found.target} is " + (
        "within 16 ulp at all of them"
        if found.holds
        else f"more than 16 ulp off at {off} points, counted by target"
    )


def _miss(args: Sequence[str], m: Miss) -> str:
    at = ", ".join(f"{a} = {v:.9g}" for a, v in zip(args, m.inputs, strict=True))
    far = "" if m.ulps >= 2.0**32 else f", {ulp_text(m.ulps)}"
    return f"at {at}: {m.got:.9g}, exactly {m.truth:.9g}{far}"


def _print(title: str, table: Table, lines: Sequence[str]) -> None:
    with printing(sys.stdout) as console:
        console.print(Text(title, style="bold"))
        console.print(table)
        for line in lines:
            console.print(Padding(Text(line), (0, 0, 0, 2)))
