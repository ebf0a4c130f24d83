"""A scalar JAX function that somebody wrote, traced to the formula that it computes."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from vjpgen.callee import Callee, load
from vjpgen.errors import InputError, TargetError
from vjpgen.expr import Expr, var
from vjpgen.foreign import array, raised
from vjpgen.formula import Formula, compose
from vjpgen.jaxprs import Found, Reading, is_condition
from vjpgen.verify import double_precision

_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def trace(at: Callee, args: Sequence[str] | None) -> Formula:
    """The formula of a function that somebody wrote.

    Args:
        at: where it is; it is imported and traced, never run.
        args: names of its first arguments; None for all that have no default.

    Raises:
        TargetError: it cannot be imported or traced, or does what is not in the language; says where.
    """
    try:
        function = load(at)
    except TargetError:
        raise
    except BaseException as error:  # a module may well call sys.exit when it is imported
        raise raised(at.text, error) from None
    return trace_function(function, at.text, args, at.name)


def trace_function(
    function: Callable[..., Any], target: str, args: Sequence[str] | None, name: str | None
) -> Formula:
    """The formula of a function that is there; arguments as for `trace`."""
    order = _arguments(function, target, args)
    closed, several, wide = _traced(function, target, len(order))
    reading = Reading()
    with double_precision(wide):
        found = reading.run(closed, [var(a) for a in order])
    notes = (f"traced from {target}", *reading.notes)
    outputs = [_wanted(value, target) for value in found]
    try:
        return compose(outputs, order, several=several, name=name, notes=notes, spelled=reading.spelled)
    except InputError as error:
        raise TargetError(f"{target}: {error.message}", hint=error.hint) from None


def _arguments(function: Callable[..., Any], target: str, args: Sequence[str] | None) -> tuple[str, ...]:
    if args is not None:
        return tuple(args)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    named = [p for p in parameters if p.kind in _NAMED]
    needed = [p.name for p in named if p.default is p.empty]
    found = tuple(needed or [p.name for p in named])
    if not found:
        raise TargetError(
            f"{target} does not say what its arguments are called", hint="name them: --args x,y"
        )
    return found


def _traced(function: Callable[..., Any], target: str, count: int) -> tuple[Any, bool, bool]:
    """The jaxpr, whether it returns a tuple, and whether it is in float64, as it is where that can be.

    Constants have more digits there.
    """
    last: BaseException | None = None
    for wide in (True, False):
        with double_precision(wide):
            try:
                at = [array((), jnp.float64 if wide else jnp.float32)] * count
                closed, shapes = jax.make_jaxpr(function, return_shape=True)(*at)
            except BaseException as error:
                last = last or error
                continue
        several = isinstance(shapes, tuple | list)
        leaves = list(shapes) if several else [shapes]
        if not leaves or not all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves):
            kind = type(shapes).__name__
            raise TargetError(f"{target} returns a {kind}", hint="return a number, or a tuple of numbers")
        if any(leaf.shape for leaf in leaves):
            raise TargetError(f"{target} returns an array of shape {leaves[0].shape} for single numbers",
                              hint="return a number, or a tuple of numbers")  # fmt: skip
        return closed, several, wide
    assert last is not None
    raise raised(target, last) from None


def _wanted(value: Found, target: str) -> Expr:
    """The tree, or the refusal of what there is in its place."""
    if isinstance(value, Expr):
        if is_condition(value):
            raise TargetError(f"{target} returns a truth value, not a number")
        return value
    place = f"{_shown(value.file)}, line {value.line}" if value.file else target
    source = linecache.getline(value.file, value.line).rstrip() if value.file else ""
    indent = len(source) - len(source.lstrip())
    raise TargetError(f"{place}: {value.reason}", text=source, position=indent if source else None,
                      hint=value.hint)  # fmt: skip


def _shown(file: str) -> str:
    with suppress(ValueError):
        return str(Path(file).relative_to(Path.cwd()))
    return file
