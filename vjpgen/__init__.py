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
    FileRefused,
    InputError,
    NameRefused,
    OptionError,
    OutputError,
    ParseError,
    TargetError,
    TimeoutReached,
    VjpgenError,
)

if TYPE_CHECKING:
    from vjpgen.api import external_function, function
    from vjpgen.checking import check
    from vjpgen.comparing import compare
    from vjpgen.pipeline import Generated, generate
    from vjpgen.pipeline_external import GeneratedExternal, generate_external
    from vjpgen.pipeline_implicit import GeneratedImplicit, generate_implicit
    from vjpgen.report import Report
    from vjpgen.stubbing import stubs

__version__ = "0.1.0"
__all__ = [
    "DomainError",
    "FileRefused",
    "Generated",
    "GeneratedExternal",
    "GeneratedImplicit",
    "InputError",
    "NameRefused",
    "OptionError",
    "OutputError",
    "ParseError",
    "Report",
    "TargetError",
    "TimeoutReached",
    "VjpgenError",
    "check",
    "compare",
    "external_function",
    "function",
    "generate",
    "generate_external",
    "generate_implicit",
    "stubs",
]
_LATE = {
    "Generated": "pipeline",
    "GeneratedExternal": "pipeline_external",
    "GeneratedImplicit": "pipeline_implicit",
    "Report": "report",
    "check": "checking",
    "compare": "comparing",
    "external_function": "api",
    "function": "api",
    "generate": "pipeline",
    "generate_external": "pipeline_external",
    "generate_implicit": "pipeline_implicit",
    "load_ipython_extension": "magic",
    "stubs": "stubbing",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'vjpgen' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"vjpgen.{_LATE[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATE])
