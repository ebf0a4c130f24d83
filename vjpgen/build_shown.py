"""What `vjpgen build` shows: how far it is, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from vjpgen.build_config import Project
from vjpgen.build_worker import Made
from vjpgen.building import BUILT, FAILED, Built, Outcome, Watcher
from vjpgen.terminal import printing, ulp_text


@contextmanager
def watcher() -> Iterator[Watcher]:
    """A bar on standard error, where that is a terminal."""
    console = Console(stderr=True, highlight=False)
    columns = TextColumn("generating"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    last = TextColumn("{task.description}", markup=False)
    with Progress(*columns, last, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def done(made: Made) -> None:
            bar.update(task, advance=1, description=made.name)

        def wait() -> None:
            print("another build of this project is running; this one waits for it", file=sys.stderr)

        yield Watcher(lambda count: bar.update(task, total=count), done, wait)


def show(project: Project, built: Built) -> None:
    """Prints a table of what was built, and below it what failed and why."""
    with printing(sys.stdout) as console:
        if any(o.state == BUILT for o in built.outcomes):
            console.print(_table(project, built))
        for outcome in built.outcomes:
            for line in _failures(project, outcome):
                console.print(line)
        for note in built.notes:
            console.print(Text(note))
        console.print(Text(_summary(built)))


def _table(project: Project, built: Built) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("module", overflow="fold")
    table.add_column("function", overflow="fold")
    for heading in ("max", "mean", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in built.outcomes:
        for k, made in enumerate(outcome.made if outcome.state == BUILT else ()):
            first = project.named(outcome.module.path) if k == 0 else ""
            table.add_row(*map(Text, (first, made.name, *_figures(made), f"{made.seconds:.1f} s")))
    return table


def _figures(made: Made) -> tuple[str, str]:
    """The worst of the value and the partials."""
    if not made.figures:
        return "-", "-"
    worst, bits = max(f[1] for f in made.figures), max(f[2] for f in made.figures)
    return "inf" if worst >= 2.0**32 else ulp_text(worst), f"{bits:.2f} bits"


def _failures(project: Project, outcome: Outcome) -> Iterator[Text | Padding]:
    if outcome.state != FAILED:
        return
    yield Text(f"{project.named(outcome.module.path)} was not written", style="bold red")
    if outcome.error:
        yield Padding(Text(outcome.error), (0, 0, 0, 2))
    for function, made in zip(outcome.module.functions, outcome.made, strict=False):
        if made.error:
            yield Padding(Text(f"{function.where}: {made.error}"), (0, 0, 0, 2))


def _summary(built: Built) -> str:
    count = {state: sum(o.state == state for o in built.outcomes) for state in (BUILT, FAILED)}
    rest = len(built.outcomes) - sum(count.values())
    said = [f"{count[BUILT]} of {len(built.outcomes)} modules built"]
    said += [f"{count[FAILED]} failed"] if count[FAILED] else []
    said += [f"{rest} were up to date"] if rest else []
    return ", ".join(said)
