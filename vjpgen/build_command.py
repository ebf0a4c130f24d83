"""`vjpgen build`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vjpgen.command_words import SETTINGS, to_json
from vjpgen.errors import OptionError, VjpgenError

if TYPE_CHECKING:
    from vjpgen.build_config import Module, Project
    from vjpgen.building import How

_EPILOG = """\b
The tables, in vjpgen.toml (in pyproject.toml they are called tool.vjpgen.function):
  [[function]]
  expr = "log(1+exp(x))"
  output = "src/ops/softplus.py"

\b
In place of expr: latex, srepr, fpcore, function, external, inverse, integral.
All keys, shared defaults, includes, build back ends, pre-commit, Make and ninja:
docs/builds.md.

\b
Exit status: 0 all is up to date now, 1 something failed or, with --check, is out of date,
2 the tables or the options were refused, 130 interrupted.
"""


@click.command("build", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("outputs", metavar="[MODULE.py...]", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The tables.  [default: vjpgen.toml or pyproject.toml, here or above]",
)
@click.option("--check", is_flag=True, help="Write nothing; say what is out of date, and why.")
@click.option("--watch", is_flag=True, help="Go on, and build again whenever a table changes.")
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes.  [default: one per core]")
@click.option("--force", is_flag=True, help="Build everything, over files changed by hand too.")
@click.option("--any-versions", is_flag=True, help="What other versions made counts as up to date.")
@click.option("--no-cache", is_flag=True, help="Search everything anew.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
    envvar="VJPGEN_TIMEOUT",
    show_envvar=True,
    metavar="S",
    help="Seconds for each function.",
)
@click.option(
    "--depfile",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write there what the modules depend on, for Make and ninja.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    outputs: tuple[Path, ...],
    config: Path | None,
    check: bool,
    watch: bool,
    jobs: int | None,
    force: bool,
    any_versions: bool,
    no_cache: bool,
    timeout: float,
    depfile: Path | None,
    as_json: bool,
) -> int:
    """Generate the modules of a project that are out of date.

    Without MODULE.py, all of them.
    """
    from vjpgen import build_config
    from vjpgen.building import How
    from vjpgen.cache import default

    if check and (watch or force or depfile):
        raise OptionError("--check writes nothing", hint="leave --watch, --force and --depfile out")
    if watch and as_json:
        raise OptionError("--watch does not go with --json")
    how = How(jobs, force, any_versions, False if no_cache else default(), timeout)
    place = config or build_config.find(Path.cwd())

    def run() -> tuple[Project, int]:
        project = build_config.read(place)
        return project, _once(project, outputs, how, check=check, depfile=depfile, as_json=as_json)

    return _watched(run, place) if watch else run()[1]


def _once(
    project: Project, outputs: Sequence[Path], how: How, *, check: bool, depfile: Path | None, as_json: bool
) -> int:
    from vjpgen import building

    chosen = building.choose(project, outputs)
    if check:
        return _checked(project, chosen, how, as_json)
    if not how.force and not building.stale(project, chosen, how):
        built = building.fresh(project, chosen)
    else:
        from vjpgen import build_shown

        with build_shown.watcher() as watcher:
            built = building.build(project, chosen, how, watcher)
        if not as_json:
            build_shown.show(project, built)
    if as_json:
        click.echo(to_json(building.to_dict(project, built)))
    elif not any(o.made or o.error for o in built.outcomes):
        click.echo(f"{_counted(chosen)} up to date")
    for name in () if as_json else built.left_over:
        click.echo(f"{name} is not asked for any more; delete it if nothing needs it")
    if depfile is not None:
        from vjpgen import depfiles

        depfiles.write(depfile, project, chosen)
    return 1 if built.failed else 0


def _checked(project: Project, chosen: Sequence[Module], how: How, as_json: bool) -> int:
    from vjpgen import building, lockfile

    stale = building.stale(project, chosen, how)
    lock = lockfile.read(project.root)
    left = lockfile.left_over(project, lock)
    if as_json:
        reasons = {project.named(path): why for path, why in stale.items()}
        click.echo(to_json({"up_to_date": not stale and not left, "stale": reasons, "left_over": left}))
        return 1 if stale or left else 0
    if lock.note:
        click.echo(lock.note)
    for path, why in stale.items():
        click.echo("\n  ".join([f"{project.named(path)} is out of date:", *why]))
    for name in left:
        click.echo(f"{name} is not asked for any more")
    if stale or left:
        click.echo(
            f"{len(stale)} of {len(chosen)} modules are out of date; vjpgen build brings them up to date"
        )
        return 1
    click.echo(f"{_counted(chosen)} up to date")
    return 0


def _counted(chosen: Sequence[Module]) -> str:
    return f"all {len(chosen)} modules are" if len(chosen) > 1 else "the module is"


def _watched(run: Callable[[], tuple[Project, int]], place: Path) -> int:
    """Runs again and again; errors are shown, and the next change may mend them."""
    from vjpgen import watching

    project: Project | None = None
    while True:
        try:
            project, _ = run()
        except VjpgenError as error:
            click.echo(f"vjpgen: {error}", err=True)
        sources = (place,) if project is None else project.sources
        folders = [] if project is None else [style.parent for style in project.templates]
        click.echo(f"watching {', '.join(sorted({source.name for source in sources}))}; Ctrl-C ends it")
        with suppress(StopIteration):
            watching.change(sources, folders, () if project is None else project.inputs)
