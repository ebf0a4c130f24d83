"""Sides of equations, and their derivatives, in the most accurate forms found on and around the solutions."""

from __future__ import annotations

import numpy as np

from vjpgen.expr import Expr, num, variables
from vjpgen.implicit import Solvable, conditions
from vjpgen.implicit_points import SEARCHED, SEED
from vjpgen.spec import Spec


def stable_side(spec: Solvable, side: Expr, points: np.ndarray, effort: str) -> tuple[Expr, dict[str, Expr]]:
    """The best form of one side of the equation, and those of its derivatives by the names that it holds."""
    from vjpgen import search
    from vjpgen.floats import representable
    from vjpgen.points import Points
    from vjpgen.truth import Truth

    used = variables(side)
    names = tuple(a for a in spec.variables if a in used)
    if not side.args:
        return side, dict.fromkeys(names, num(1))
    assume = tuple(c for c in conditions(spec) if set(variables(c)) <= set(names))
    rows = np.unique(points[:, [spec.variables.index(a) for a in names]], axis=0)
    rows = rows[np.random.default_rng(SEED).permutation(len(rows))[:SEARCHED]]
    found, slopes = Truth((side,), names).with_partials(rows.astype(np.float64))
    kept = representable(found, np.float32).all(axis=1)
    whole = Points(rows[kept], found[kept], slopes[kept], int(kept.sum()))
    forms = search.search_at(Spec(spec.name, names, (side,), False, assume, spec.text), whole, effort=effort)
    return forms.values[0], dict(zip(names, forms.partials[0], strict=True))
