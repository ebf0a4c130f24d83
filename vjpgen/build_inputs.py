"""Where a build's formulas come from besides its tables: FPCore files and JAX functions."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from vjpgen import deadline, fpcore_files
from vjpgen.callee import Callee, callee
from vjpgen.errors import InputError

KEYS = ("expr", "latex", "srepr", "fpcore", "function")  # of a table: a formula is given by one of them
_PYTHON = 1_000_000  # bytes of a module that is looked into


def generated(asked: Mapping[str, Any], folder: Path, timeout: float) -> dict[str, Any]:
    """The arguments of `generate`, the formula read from wherever it is.

    Args:
        asked: what a table asks for.
        folder: where files and modules are seen from.
        timeout: seconds that reading may take.

    Raises:
        InputError: the formula cannot be read.
    """
    found = dict(asked)
    with deadline.limit(timeout):
        if "latex" in found:
            from vjpgen.latex import from_latex

            found["expr"] = from_latex(found.pop("latex"))
        elif "srepr" in found:
            from vjpgen.srepr import from_srepr

            found["expr"] = from_srepr(found.pop("srepr"))
        elif "fpcore" in found:
            found["expr"] = _core(found.pop("fpcore"), folder)
        elif "function" in found:
            from vjpgen.tracing import from_function

            target, args = found.pop("function"), found.pop("args", None)
            found["expr"] = from_function(target, args=args, folder=str(folder))
    return found


def files(asked: Mapping[str, Any], folder: Path) -> tuple[Path, ...]:
    """The files that the formula is in: of a function its module, and what that imports from the project."""
    if "fpcore" in asked:
        place = fpcore_files.place(asked["fpcore"], folder)
        return () if place is None else (place,)
    if "function" in asked:
        try:
            return tuple(_modules(callee(asked["function"], str(folder)), folder))
        except InputError:
            return ()
    return ()


def digest(asked: Mapping[str, Any], folder: Path) -> str:
    """A digest of what the tables do not say themselves; empty where they say it all.

    Of an FPCore it is one of its formula, so that others in its file may change; of a function, one of the
    texts of its modules.
    """
    if "fpcore" in asked:
        try:
            text = repr(_core(asked["fpcore"], folder))
        except InputError as error:
            text = error.message
        return _sum(text.encode())
    if "function" in asked:
        return _sum(*(_bytes(path).replace(b"\r\n", b"\n") for path in files(asked, folder)))
    return ""


def _core(word: str, folder: Path) -> Any:
    found = fpcore_files.named(word, folder)
    if found is None:
        raise InputError(f"'{word}' is no FPCore", hint="write FILE.fpcore, FILE.fpcore:NAME or (FPCore ...)")
    return fpcore_files.one(found, f"name one of them: {word.strip()}:{found[0].name}")


def _sum(*texts: bytes) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)}\0".encode() + text)
    return f"sha256:{found.hexdigest()[:32]}"


def _modules(at: Callee, folder: Path) -> Iterator[Path]:
    """The files of a function's module and of what it imports from the project; nothing is imported."""
    waiting = [(at.module, Path(at.path))] if at.path else [*_found(at.module, folder)]
    seen: set[Path] = set()
    own = True
    while waiting:
        name, path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        if own or _of_the_project(path, folder):
            yield path
            for other in _imports(path, name):
                waiting += _found(other, folder)
        own = False


def _of_the_project(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve()) and "site-packages" not in path.parts


def _imports(path: Path, name: str) -> Iterator[str]:
    """The modules that a file imports, by their dotted names, and what may be one."""
    text = _bytes(path)
    try:
        tree = ast.parse(text) if len(text) <= _PYTHON else ast.Module([], [])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # importing it will say so
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) + 1 - node.level])
            base = ".".join(filter(None, (above if node.level else "", node.module or "")))
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _bytes(path: Path) -> bytes:
    """What a file holds; nothing where it cannot be read, which whoever needs it will say."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _found(name: str, folder: Path) -> list[tuple[str, Path]]:
    """The files of a module and of the packages around it, as far as there are such."""
    found: list[tuple[str, Path]] = []
    where: list[str] | None = None
    parts = name.split(".")
    for k in range(1, len(parts) + 1):
        spec = _spec(".".join(parts[:k]), folder, where)
        if spec is None:
            break
        if spec.origin is not None and spec.origin.endswith(".py"):
            found.append((spec.name, Path(spec.origin)))
        where = list(spec.submodule_search_locations or [])
    return found[::-1]


def _spec(name: str, folder: Path, where: list[str] | None) -> ModuleSpec | None:
    if where is not None:
        return PathFinder.find_spec(name, where)
    finders = (finder.find_spec for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return PathFinder.find_spec(name, [str(folder)]) or next(
        (spec for find in finders if (spec := find(name, None))), None
    )
