"""Names that stand in the generated module: what is refused, what is renamed with a note."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Sequence

from vjpgen.errors import NameRefused

DEFAULT_NAME = "f"
MAX_LENGTH = 160

_MODULES = "jax jnp lax np numpy math pytest typing"
_BUILTINS = """
    abs all any bool complex dict enumerate float getattr hasattr int isinstance len list map max min object
    pow print property range reversed round set slice sorted str sum super tuple type zip
"""
_INTERNAL = """
    Array ArrayLike DTypeLike annotations dataclasses residuals cotangent cotangents primals tangents
"""
RESERVED = frozenset((_MODULES + _BUILTINS + _INTERNAL).split())
"""Names that a generated module or its tests use for themselves."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SUFFIXES = ("_fwd", "_bwd", "_jvp", "_jvp_rule")


def split_names(text: str) -> tuple[str, ...]:
    """The names of a comma-separated list, as `--args` takes it."""
    return tuple(part.strip() for part in text.split(","))


def function_name(name: str | None, args: Collection[str] = ()) -> tuple[str, tuple[str, ...]]:
    """The generated function's name, and notes on what was changed.

    Args:
        name: what the user asked for (a file's stem may hold dashes), None for the default.
        args: the arguments, which the default name avoids.

    Raises:
        NameRefused: no identifier can be made of it.
    """
    if name is None:
        return (DEFAULT_NAME if DEFAULT_NAME not in args else "func"), ()
    plain = re.sub(r"[-. ]+", "_", name)
    _identifier(plain, name, "function")
    new = _free(plain, ())
    return new, () if new == name else (f"the function is called {new}, because {_why(name, ())}",)


def argument_names(args: Sequence[str], function: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """What each argument is called in the module, and notes on those that were renamed.

    Raises:
        NameRefused: an argument is repeated or is no identifier.
    """
    taken = (function, *(function + suffix for suffix in _SUFFIXES))
    table: dict[str, str] = {}
    notes = []
    for arg in args:
        _identifier(arg, arg, "argument")
        if keyword.iskeyword(arg):
            raise NameRefused(f"'{arg}' is a Python keyword and cannot be an argument", hint=f"write {arg}_")
        if arg in table:
            raise NameRefused(f"the argument '{arg}' is given twice")
        new = _free(arg, taken)
        if new != arg:
            while new in args or new in table.values():
                new += "_"
            notes.append(f"the argument {arg} is called {new} in the module, because {_why(arg, taken)}")
        table[arg] = new
    return table, tuple(notes)


def _identifier(plain: str, name: str, role: str) -> None:
    if not name:
        raise NameRefused(f"an {role} has no name" if role == "argument" else "the function has no name")
    if not _IDENTIFIER.fullmatch(plain):
        shown = name if len(name) <= MAX_LENGTH else name[:MAX_LENGTH] + "..."
        hint = "names are ASCII letters, digits and underscores, a letter first"
        hint += "; give --name" if role == "function" else ""
        raise NameRefused(f"'{shown}' cannot be the name of a{'n' * (role == 'argument')} {role}", hint=hint)
    if len(plain) > MAX_LENGTH:
        raise NameRefused(
            f"a name has at most {MAX_LENGTH} characters, and '{plain[:9]}...' has {len(plain)}"
        )


def _free(name: str, taken: Collection[str]) -> str:
    """A name that nothing in a module collides with: no leading, but if need be a trailing underscore."""
    new = name.lstrip("_") or "x"
    new = new if _IDENTIFIER.fullmatch(new) else "x" + new
    new += "_" if name.startswith("_") and new in taken else ""
    while keyword.iskeyword(new) or new in RESERVED or new in taken:
        new += "_"
    return new


def _why(name: str, taken: Collection[str]) -> str:
    if name in taken:
        return f"{name} is a function of the module"
    if keyword.iskeyword(name):
        return f"{name} is a Python keyword"
    if name in RESERVED:
        return f"the module uses {name} itself"
    if name.startswith("_"):
        return "names that begin with an underscore are the module's own"
    return f"{name} is no Python name"
