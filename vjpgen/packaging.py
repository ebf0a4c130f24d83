"""Building a user's package: its modules are generated before they are packed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vjpgen import build_config
from vjpgen.build_config import Function, Project
from vjpgen.building import How, build
from vjpgen.errors import OutputError
from vjpgen.lockfile import NAME


def generated(root: Path, *, any_versions: bool = True, config: str | None = None) -> list[Path]:
    """Brings the modules of a project up to date, and their tests where there is a folder for them.

    Args:
        root: the folder of pyproject.toml.
        any_versions: whether modules that other versions made, in a source distribution say, are kept.
        config: the file with the tables, seen from the root; default vjpgen.toml or pyproject.toml there.

    Returns:
        The modules.

    Raises:
        ConfigError: the tables cannot be used.
        OutputError: a module could not be generated.
    """
    place = build_config.find(root) if config is None else root / config
    project = _without_missing_tests(build_config.read(place))
    built = build(project, project.modules, How(any_versions=any_versions))
    for outcome in built.outcomes:
        errors = [outcome.error, *(made.error for made in outcome.made)]
        for error in filter(None, errors):
            raise OutputError(f"{project.named(outcome.module.path)} was not generated: {error}")
    return [module.path for module in project.modules]


def _without_missing_tests(project: Project) -> Project:
    """The project without tests that have no place: a source distribution may leave them out."""

    def placed(function: Function) -> Function:
        there = function.tests is None or function.tests.parent.is_dir()
        return function if there else replace(function, tests=None)

    modules = (replace(m, functions=tuple(map(placed, m.functions))) for m in project.modules)
    return replace(project, modules=tuple(modules))


def sources(root: Path) -> list[Path]:
    """What the modules are generated from: the files with the tables, the lock, a user's templates, and the
    project's files that formulas are read from.

    Raises:
        ConfigError: the tables cannot be used.
    """
    project = build_config.read(build_config.find(root))
    read = [path for path in project.inputs if path.is_relative_to(project.root)]
    found = (*project.sources, project.root / NAME, *project.templates, *read)
    return [path for path in found if path.is_file()]
