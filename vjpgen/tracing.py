"""Formulas of JAX functions, traced in a process of their own where they have to be imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vjpgen.callee import callee
from vjpgen.formula import Formula
from vjpgen.meter import open_meter
from vjpgen.names import split_names


def from_function(
    target: str | Callable[..., Any], *, args: Sequence[str] | None = None, folder: str = ""
) -> Formula:
    """The formula of a scalar JAX function, for `generate`.

    The function is traced, not run: its jaxpr is read operation by operation. Constants are taken for the
    decimals that round to them. Derivative rules of its own are left out; the derivative is the formula's.

    Args:
        target: the function, or "package.module:function" or "folder/file.py:function", which is imported in
            a process of its own.
        args: names of its first arguments, where others than those without a default are meant.
        folder: where a module or a file that is named is sought first; default the working folder.

    Raises:
        TargetError: it cannot be found or traced, or does what is not in the language; says where.
    """
    names = split_names(args) if isinstance(args, str) else None if args is None else tuple(args)
    if callable(target):
        from vjpgen.traced import trace_function

        name = getattr(target, "__name__", "")
        known = name if name.isidentifier() else None
        return trace_function(target, name or "the function", names, known)
    at = callee(target, folder)
    with open_meter(apart=True) as meter:
        found: Formula = meter.trace(at, names)
    return found
