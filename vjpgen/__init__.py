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
    from vjpgen.formula import Formula
    from vjpgen.fpcore import from_fpcore
    from vjpgen.latex import from_latex
    from vjpgen.pipeline import Generated, generate
    from vjpgen.pipeline_external import GeneratedExternal, generate_external
    from vjpgen.pipeline_implicit import GeneratedImplicit, generate_implicit
    from vjpgen.pipeline_integral import GeneratedIntegral, generate_integral
    from vjpgen.report import Report
    from vjpgen.srepr import from_srepr
    from vjpgen.stubbing import stubs
    from vjpgen.tracing import from_function

__version__ = "0.1.0"
__all__ = [
    "DomainError",
    "FileRefused",
    "Formula",
    "Generated",
    "GeneratedExternal",
    "GeneratedImplicit",
    "GeneratedIntegral",
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
    "from_fpcore",
    "from_function",
    "from_latex",
    "from_srepr",
    "function",
    "generate",
    "generate_external",
    "generate_implicit",
    "generate_integral",
    "stubs",
]
_LATE = {
    "Formula": "formula",
    "Generated": "pipeline",
    "GeneratedExternal": "pipeline_external",
    "GeneratedImplicit": "pipeline_implicit",
    "GeneratedIntegral": "pipeline_integral",
    "Report": "report",
    "check": "checking",
    "compare": "comparing",
    "external_function": "api",
    "from_fpcore": "fpcore",
    "from_function": "tracing",
    "from_latex": "latex",
    "from_srepr": "srepr",
    "function": "api",
    "generate": "pipeline",
    "generate_external": "pipeline_external",
    "generate_implicit": "pipeline_implicit",
    "generate_integral": "pipeline_integral",
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
