"""Numerically right custom derivative rules for JAX, generated from a formula.

    vjpgen.generate("log(1+exp(x))", name="softplus").write("softplus.py")
    softplus = vjpgen.function("log(1+exp(x))")

Importing this package imports neither JAX nor sympy; the first call does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vjpgen import errors as errors
from vjpgen.errors import (
    DomainError,
    InputError,
    NameRefused,
    OptionError,
    OutputError,
    ParseError,
    TimeoutReached,
    VjpgenError,
)

if TYPE_CHECKING:
    from vjpgen.api import function
    from vjpgen.pipeline import Generated, generate
    from vjpgen.report import Report

__version__ = "0.1.0"
__all__ = [
    "DomainError",
    "Generated",
    "InputError",
    "NameRefused",
    "OptionError",
    "OutputError",
    "ParseError",
    "Report",
    "TimeoutReached",
    "VjpgenError",
    "function",
    "generate",
]
_LATE = {"function": "api", "generate": "pipeline", "Generated": "pipeline", "Report": "report"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'vjpgen' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"vjpgen.{_LATE[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATE])
