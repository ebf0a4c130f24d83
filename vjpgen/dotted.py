"""Names of functions outside JAX, `package.module:attribute.path`: read as text, then looked up once."""

from __future__ import annotations

import contextlib
import keyword
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from vjpgen.errors import OptionError
from vjpgen.unknown import nearest

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = re.compile(rf"({_NAME}(?:\.{_NAME})*):({_NAME}(?:\.{_NAME})*)")
_SHAPE = "write MODULE:NAME, such as scipy.special:jv"
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Dotted:
    """A function by its module and its place in it.

    Attributes:
        module: dotted name of the module.
        path: dotted name of the function in the module.
    """

    module: str
    path: str

    def __str__(self) -> str:
        return f"{self.module}:{self.path}"

    @property
    def package(self) -> str:
        """The name that an import of the module binds."""
        return self.module.partition(".")[0]

    @property
    def last(self) -> str:
        """What the function is called."""
        return self.path.rpartition(".")[2]


def dotted(text: str, option: str) -> Dotted:
    """The name in a text; nothing is imported.

    Raises:
        OptionError: the text is no dotted name, or names what no module could import.
    """
    match = _DOTTED.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
        hint = _SHAPE
        if re.fullmatch(rf"{_NAME}(\.{_NAME})+", text.strip()):
            module, _, name = text.strip().rpartition(".")
            hint = f"write {module}:{name}"
        raise OptionError(f"{option} takes the dotted name of a function, not '{shown}'", hint=hint)
    found = Dotted(match[1], match[2])
    for part in (*found.module.split("."), *found.path.split(".")):
        if keyword.iskeyword(part):
            raise OptionError(f"{option} {found}: '{part}' is a Python keyword", hint=_SHAPE)
    if found.package == "__main__":
        hint = "put the function into a file of its own and name that"
        raise OptionError(f"{option} {found}: a generated module cannot import __main__", hint=hint)
    if found.package in ("jax", "jaxlib"):
        hint = "write a formula; a callback that runs JAX can wait for itself for ever"
        raise OptionError(f"{option} {found}: a function of JAX is not called from outside", hint=hint)
    return found


def look_up(name: Dotted, option: str, folders: Sequence[Path] = ()) -> None:
    """Imports the module and finds the function in it; the function is not called.

    Args:
        name: from `dotted`.
        option: the option to blame.
        folders: where modules lie besides Python's own path, such as the current folder.

    Raises:
        OptionError: there is no such module or function, or it cannot be called.
    """
    found, missing, near = reach(_imported(name, option, folders), name.path)
    if missing:
        hint = f"did you mean {near}?" if near else f"see what help({name.module}) lists"
        raise OptionError(f"{option} {name}: {name.module} has no '{missing}'", hint=hint)
    if not callable(found):
        kind = type(found).__name__
        raise OptionError(f"{option} {name} is not a function but of type {kind}", hint=_SHAPE)


def reach(root: Any, path: str) -> tuple[Any, str, str]:
    """What a dotted path leads to; else the first part that is missing, and what is most like it, or ""."""
    for part in path.split("."):
        if not hasattr(root, part):
            return None, part, nearest(part, tuple(n for n in dir(root) if not n.startswith("_")))
        root = getattr(root, part)
    return root, "", ""


def absent(module: str, error: ModuleNotFoundError) -> bool:
    """Whether it is the module itself, or a package around it, that an import did not find."""
    return error.name is not None and f"{module}.".startswith(f"{error.name}.")


def _imported(name: Dotted, option: str, folders: Sequence[Path]) -> Any:
    before = list(sys.path)
    sys.path.extend(str(folder.resolve()) for folder in folders)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for the generated module
            return import_module(name.module)
    except ModuleNotFoundError as error:
        if not absent(name.module, error):
            raise OptionError(f"{option} {name}: importing {name.module} needs {error.name}",
                              hint=f"install {error.name}") from None  # fmt: skip
        hint = "install it, or run vjpgen in the folder that holds it"
        raise OptionError(f"{option} {name}: there is no module {error.name}", hint=hint) from None
    except (Exception, SystemExit) as error:
        message = f"{option} {name}: importing {name.module} failed: {type(error).__name__}: {error}"
        raise OptionError(message, hint=f"python -c 'import {name.module}' shows where") from None
    finally:
        sys.path[:] = before


def bindings(names: Sequence[Dotted], taken: Sequence[str]) -> tuple[tuple[str, ...], dict[Dotted, str]]:
    """Import statements for the functions' modules, and the source of each function after them.

    Args:
        names: the functions.
        taken: names that the statements must not bind.
    """
    lines: dict[str, str] = {}
    roots: dict[str, str] = {}
    for name in names:
        if name.module in lines:
            continue
        if name.package not in taken:
            roots[name.module], lines[name.module] = name.module, f"import {name.module}"
            continue
        alias = f"_{name.module.replace('.', '_')}_module"
        while alias in roots.values():
            alias += "_"
        roots[name.module], lines[name.module] = alias, f"import {name.module} as {alias}"
    return tuple(sorted(lines.values())), {n: f"{roots[n.module]}.{n.path}" for n in names}
