"""What is to be built: the tables of vjpgen.toml, or of [tool.vjpgen] in pyproject.toml."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vjpgen import build_inputs
from vjpgen.build_values import Asked, Complain, asked, checked
from vjpgen.errors import ConfigError, OptionError
from vjpgen.places import python_file, suite_of

NAMES = ("vjpgen.toml", "pyproject.toml")
_TOP = ("defaults", "function", "include")


@dataclass(frozen=True, slots=True)
class Function:
    """One function to generate.

    Attributes:
        name: what it is called.
        output: the module's file.
        tests: its tests' file; None for none.
        asked: arguments of `generate`, with the formula by one of `build_inputs.KEYS`, or of another
            function of the library, see `build_worker.Task`.
        folder: that of the tables, which files and modules with a formula are seen from.
        templates: a folder of templates that stand in for vjpgen's own; None for none.
        timeout: seconds that it may take; None for the command's.
        where: the file and the table, for messages.
    """

    name: str
    output: Path
    tests: Path | None
    asked: Asked
    folder: Path
    templates: Path | None
    timeout: float | None
    where: str


@dataclass(frozen=True, slots=True)
class Module:
    """One file to write, with its tests.

    Attributes:
        path: the file.
        functions: what it defines, in order; each may have a file of tests.
    """

    path: Path
    functions: tuple[Function, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are written."""
        return (self.path, *(f.tests for f in self.functions if f.tests is not None))


@dataclass(frozen=True, slots=True)
class Project:
    """Everything to build.

    Attributes:
        root: the folder of the first of the tables' files.
        sources: the files that hold the tables.
        modules: in the order in which they first appear.
    """

    root: Path
    sources: tuple[Path, ...]
    modules: tuple[Module, ...]

    @property
    def templates(self) -> tuple[Path, ...]:
        """Every template of the user's."""
        folders = dict.fromkeys(f.templates for m in self.modules for f in m.functions)
        return tuple(p for folder in folders if folder is not None for p in sorted(folder.rglob("*.j2")))

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file that a formula is in, besides the tables."""
        found = (build_inputs.files(f.asked, f.folder) for m in self.modules for f in m.functions)
        return tuple(dict.fromkeys(path for paths in found for path in paths))

    def named(self, path: Path) -> str:
        """A file as seen from the project's folder."""
        return Path(os.path.relpath(path, self.root)).as_posix()


def find(start: Path) -> Path:
    """The file with the tables in a folder or the nearest one above it.

    Raises:
        ConfigError: there is none.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        for name in NAMES:
            if (folder / name).is_file() and (name == NAMES[0] or _tool(_loaded(folder / name)) is not None):
                return folder / name
    raise ConfigError(
        f"there is no {NAMES[0]} in {start} or above it, and no pyproject.toml with [tool.vjpgen]",
        hint="write one [[tool.vjpgen.function]] table for each function, with expr and output",
    )


def read(path: Path) -> Project:
    """What the tables of a file, and of those that it includes, ask for.

    Paths in a file are seen from its own folder.

    Raises:
        ConfigError: they cannot be used; the message says where.
    """
    path = path.absolute()
    table = _tables(path)
    shared = _values(table.get("defaults", {}), path, "defaults")
    sources, functions = [path], _functions(table, path, shared)
    for place in _included(table.get("include", []), path):
        more = _tables(place)
        if "include" in more:
            raise _complaint(place, "include")("an included file includes no others", f"name them in {path}")
        sources.append(place)
        own = _values(more.get("defaults", {}), place, "defaults")
        functions += _functions(more, place, {**shared, **own})
    if not functions:
        raise ConfigError(f"{path}: there are no functions", hint="write a [[function]] table for each")
    return Project(path.parent, tuple(sources), _modules(functions))


def _functions(table: Mapping[str, Any], path: Path, shared: Mapping[str, Any]) -> list[Function]:
    given = table.get("function", [])
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise _complaint(path, "function")("this is a list of tables", "write [[function]] above each")
    return [_function(entry, path, k, shared) for k, entry in enumerate(given, 1)]


def _function(entry: dict[str, Any], path: Path, k: int, shared: Mapping[str, Any]) -> Function:
    label = entry.get("name", "")
    where = f"function {k}" + (f" ({label})" if isinstance(label, str) and label else "")
    complain = _complaint(path, where)
    own = _values(entry, path, where)
    values = {**shared, **own}
    if "output" not in values:
        raise complain("there is no output", "name the module's file: output = 'src/ops.py'")
    output = values["output"]
    return Function(
        name=values.get("name") or output.stem,
        output=output,
        tests=values.get("tests", output.parent) or None,
        asked=asked(values, own, complain),
        folder=path.parent,
        templates=values.get("templates"),
        timeout=values.get("timeout"),
        where=f"{path.name}, {where}",
    )


def _values(table: Any, path: Path, where: str) -> dict[str, Any]:
    """The values of a table, with its paths from the root of the file system."""
    complain = _complaint(path, where)
    if not isinstance(table, dict):
        raise complain("this is a table", "")
    found = checked(table, complain)
    for key in ("output", "tests", "templates"):
        if isinstance(found.get(key), str):
            found[key] = _place(found[key], key, path, complain)
    return found


def _place(text: str, key: str, path: Path, complain: Complain) -> Path:
    place = Path(os.path.normpath(path.parent / text))
    if key == "output" or (key == "tests" and place.suffix == ".py"):
        try:
            python_file(str(place), "--tests" if key == "tests" else key)
        except OptionError as error:
            raise complain(error.message, error.hint) from None
    return place


def _modules(functions: Sequence[Function]) -> tuple[Module, ...]:
    """The functions by file, each with its file of tests.

    Raises:
        ConfigError: a name is given twice in a module, or two files have one place.
    """
    by_path: dict[Path, list[Function]] = {}
    for f in functions:
        by_path.setdefault(f.output, []).append(f)
    modules = []
    for path, inside in by_path.items():
        several = len(inside) > 1
        for k, f in enumerate(inside):
            if f.name in [other.name for other in inside[:k]]:
                message = f"{path.name} would hold two functions {f.name}"
                raise ConfigError(f"{f.where}: {message}", hint="give each a name of its own")
        modules.append(Module(path, tuple(_with_tests(f, several) for f in inside)))
    taken: dict[Path, str] = {}
    for m in modules:
        for place, where in [(m.path, m.functions[0].where), *((f.tests, f.where) for f in m.functions)]:
            if place is None:
                continue
            if place in taken:
                hint = "give tests, or another folder for them, in one of the two"
                raise ConfigError(f"{where}: {place.name} is written for {taken[place]} as well", hint=hint)
            taken[place] = where
    return tuple(modules)


def _with_tests(function: Function, several: bool) -> Function:
    """Where only a folder is said, the tests' file in it."""
    place = function.tests
    if place is None or place.suffix == ".py":
        return function
    name = suite_of(function.output, function.name if several else "").name
    return replace(function, tests=place / name)


def _included(given: Any, path: Path) -> list[Path]:
    complain = _complaint(path, "include")
    globs = [given] if isinstance(given, str) else given
    if not isinstance(globs, list) or not all(isinstance(pattern, str) for pattern in globs):
        raise complain("this is a list of paths, in which * stands for any name", "")
    found: dict[Path, None] = {}
    for pattern in globs:
        try:
            places = sorted(place.resolve() for place in path.parent.glob(pattern) if place.is_file())
        except (NotImplementedError, ValueError):
            raise complain(f"'{pattern}' is no path seen from the folder of {path.name}", "") from None
        if not places:
            raise complain(f"no file fits '{pattern}'", "")
        found |= dict.fromkeys(place for place in places if place != path.resolve())
    return list(found)


def _tables(path: Path) -> dict[str, Any]:
    """vjpgen's tables in a file: all of it, or [tool.vjpgen] of a pyproject.toml."""
    whole = _loaded(path)
    found = _tool(whole) if path.name == "pyproject.toml" else whole
    if not isinstance(found, dict):
        raise ConfigError(f"{path} has no table [tool.vjpgen]")
    for key in found:
        if key not in _TOP:
            raise _complaint(path, "top")(f"unknown key '{key}'", f"the tables are {', '.join(_TOP)}")
    return found


def _tool(whole: Mapping[str, Any]) -> Any:
    tool = whole.get("tool")
    return tool.get("vjpgen") if isinstance(tool, dict) else None


def _loaded(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None


def _complaint(path: Path, where: str) -> Complain:
    return lambda message, hint: ConfigError(f"{path.name}, {where}: {message}", hint=hint)
