"""Series of formulas in several arguments: in one of them, for the factors that depend on it alone."""

from __future__ import annotations

from collections.abc import Iterable

from vjpgen import series
from vjpgen.expr import Expr, has_op, variables
from vjpgen.factors import separate
from vjpgen.tidy import tidy

_MOST_TRUNCATIONS = 16


def truncations(shapes: Iterable[Expr]) -> list[Expr]:
    """Polynomials in one argument, near the shapes at 0, times the factors that do not depend on it."""
    found: dict[Expr, None] = {}
    for shape in shapes:
        for name in variables(shape):
            parts = separate(shape, name)
            if parts is None or not has_op(parts[0], "add", "sub", "div"):
                continue
            expansion = series.expand(parts[0], name)
            if expansion is not None:
                polynomials = series.polynomials(expansion, name)
                found |= dict.fromkeys(tidy(parts[1] * p) for p in polynomials)
        if len(found) > _MOST_TRUNCATIONS:
            break
    return list(found)
