"""FPCores where they are named by a word: `FILE.fpcore`, `FILE.fpcore:NAME`, or their own text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vjpgen.errors import InputError, OptionError
from vjpgen.formula import Formula
from vjpgen.fpcore import MAX_FILE, Core, cores, is_fpcore

_NAMED = re.compile(r"(?P<path>.*\.fpcore)(?::(?P<name>[^/:]+))?", re.S)


def place(word: str, folder: Path = Path()) -> Path | None:
    """The file that a word names, seen from a folder; None where it names none."""
    match = None if is_fpcore(word) else _NAMED.fullmatch(word.strip())
    return None if match is None else folder / match["path"]


def named(word: str, folder: Path = Path()) -> tuple[Core, ...] | None:
    """The FPCores that a word is about; None where it is a formula.

    Args:
        word: their text, or their file, with the name of one of them or without.
        folder: where the file is seen from.

    Raises:
        InputError: the file, or its text as a whole, cannot be read.
    """
    if is_fpcore(word):
        return cores(word)
    match = _NAMED.fullmatch(word.strip())
    if match is None:
        return None
    path, name = match["path"], match["name"]
    try:
        with (folder / path).open(encoding="utf-8") as file:
            text = file.read(MAX_FILE + 1)
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    found = cores(text, Path(path).name)
    chosen = tuple(core for core in found if name in (None, core.name))
    if not chosen:
        names = ", ".join(core.name for core in found[:8])
        raise InputError(f"there is no FPCore {name} in {path}", hint=f"there are {names}")
    return chosen


def one(found: Sequence[Core], hint: str) -> Formula:
    """The formula of the only FPCore.

    Args:
        found: from `named`.
        hint: what to do where there are several.

    Raises:
        OptionError: there are several.
        InputError: it cannot be read.
    """
    if len(found) > 1:
        raise OptionError(f"there are {len(found)} FPCores, and one is expected", hint=hint)
    if isinstance(found[0].read, InputError):
        raise found[0].read
    return found[0].read
