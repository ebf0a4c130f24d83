"""Partials of powers of varying exponents: the value times what its logarithm grows by.

The derivative of (1 - a + a*t**r)**(1/r) by r has the value, which may leave the range on its way, in each
of several terms that cancel. It is the value, searched for itself, times the derivative of
log(1 - a + a*t**r)/r, which inner functions and logarithms taken apart keep from cancelling.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from vjpgen import inner, logs_apart
from vjpgen.bridge import from_sympy, to_sympy
from vjpgen.expr import Expr, var
from vjpgen.inner import Change

_MOST_OPERATIONS = 60
_VALUE, _GROWTH = "value:", "growth:"  # variables that no argument is named like


def changes(formula: Expr, arg: str, scope: dict[str, Any]) -> list[Change]:
    """Shapes of d formula / d arg for a product with powers of varying exponents; else none.

    Args:
        formula: without `where` and `poly`.
        arg: the argument.
        scope: sympy symbols of the arguments, from `derive.symbols`.
    """
    plain, x = to_sympy(formula, scope), scope[arg]
    parts = [f.as_base_exp() for f in sp.Mul.make_args(plain)]
    if plain.count_ops() > _MOST_OPERATIONS or not any(_varies(b, p) for b, p in parts):
        return []
    total = sp.Add(*(p * sp.diff(b, x) / b + sp.diff(p, x) * sp.log(b) for b, p in parts))
    by = from_sympy(total, {symbol: name for name, symbol in scope.items()})
    found = [*logs_apart.changes(by, scope), *inner.changes(by, scope)]
    found = found or [Change((var(_GROWTH),), ((_GROWTH, by),), ())]
    value = (_VALUE, formula)
    return [replace(c, shapes=tuple(var(_VALUE) * e for e in c.shapes), logs=(value, *c.logs)) for c in found]


def _varies(base: Any, power: Any) -> bool:
    return bool(power.free_symbols and base is not sp.E)
