"""Where a function that somebody wrote is found: `package.module:function`, or `folder/file.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import keyword
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from vjpgen.dotted import absent, reach
from vjpgen.errors import TargetError

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_CALLEE = re.compile(r"(\S.*\.py|\w+(\.\w+)*):\w+(\.\w+)*")
_EXAMPLE = "write package.module:function or folder/file.py:function"


@dataclass(frozen=True, slots=True)
class Callee:
    """The place of a function.

    Attributes:
        text: as it was given.
        module: the module's dotted name; empty where a file is named.
        path: the file; empty where a module is named.
        attribute: the function's dotted name in there.
        folder: where modules are sought first; empty for the working folder.
    """

    text: str
    module: str
    path: str
    attribute: str
    folder: str = ""

    @property
    def name(self) -> str:
        """The last part of the function's name."""
        return self.attribute.rpartition(".")[2]


def is_callee(text: str) -> bool:
    """Whether a text is about a function, and not a formula: those have no colon."""
    return _CALLEE.fullmatch(text.strip()) is not None


def callee(text: str, folder: str = "") -> Callee:
    """The place that a text names; nothing is imported.

    Args:
        text: a function.
        folder: where it is seen from; empty for the working folder.

    Raises:
        TargetError: the text names no place, or a file that is missing.
    """
    place, colon, attribute = text.strip().rpartition(":")
    if not colon or not place:
        raise TargetError(f"'{text}' does not say where a function is", hint=_EXAMPLE)
    if not _dotted(attribute):
        raise TargetError(f"'{attribute}' cannot be the name of a function", hint=_EXAMPLE)
    if place.endswith(".py"):
        path = Path(folder) / place
        if not path.is_file():
            raise TargetError(f"there is no file {place}")
        return Callee(text.strip(), "", str(path), attribute, folder)
    if not _dotted(place):
        raise TargetError(f"'{place}' cannot be the name of a module", hint=_EXAMPLE)
    return Callee(text.strip(), place, "", attribute, folder)


def load(at: Callee) -> Callable[..., Any]:
    """The function itself: its module is imported, from its folder too, and nothing else.

    Raises:
        TargetError: there is no such module or function.
        BaseException: whatever the module raises while it is imported.
    """
    found: Any = _file(at.path) if at.path else _module(at.module, at.folder)
    found, missing, near = reach(found, at.attribute)
    if missing:
        hint = f"did you mean {near}?" if near else ""
        raise TargetError(f"there is no {at.attribute} in {at.text.rpartition(':')[0]}", hint=hint)
    if not callable(found):
        raise TargetError(f"{at.text} is no function")
    function: Callable[..., Any] = found
    return function


def _dotted(text: str) -> bool:
    return bool(_DOTTED.fullmatch(text)) and not any(map(keyword.iskeyword, text.split(".")))


def _module(name: str, folder: str) -> ModuleType:
    if folder:
        sys.path.insert(0, folder)
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not absent(name, error):
            raise
        hint = f"it is sought in {folder or 'the working folder'} and among what is installed"
        raise TargetError(f"there is no module {error.name}", hint=hint) from None


def _file(path: str) -> ModuleType:
    name = Path(path).stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module
