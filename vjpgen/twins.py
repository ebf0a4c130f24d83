"""Partials that equal another partial or a value, or minus it: searched once, computed once, kept once.

What depends on x - y alone has opposite partials; exp is its own derivative. Exact values tell: two analytic
formulas that agree at all points of the search, correctly rounded, agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vjpgen.candidates import Target
from vjpgen.expr import Expr, call, num
from vjpgen.tidy import tidy

Twins = dict[int, tuple[int, bool]]  # the place of each one, that of the other, and whether it is minus it


def apart(targets: Sequence[Target], values: int) -> tuple[list[Target], Twins]:
    """The targets with those emptied that follow from another, which gets their shapes; and those found.

    Args:
        targets: values first, then partials.
        values: how many of them are values.
    """
    found: Twins = {}
    left = list(targets)
    for k in range(values, len(targets)):
        if not targets[k].shapes[0].names:
            continue
        for j in range(k):
            if j in found or not targets[j].shapes[0].names:
                continue
            same = np.array_equal(targets[k].truth, targets[j].truth, equal_nan=True)
            if same or np.array_equal(targets[k].truth, -targets[j].truth, equal_nan=True):
                found[k] = j, not same
                shapes = (s if same else tidy(-s) for s in targets[k].shapes)
                left[j] = replace(left[j], shapes=tuple(dict.fromkeys((*left[j].shapes, *shapes))))
                left[k] = replace(left[k], shapes=(num(0),))
                break
    return left, found


def filled(forms: Sequence[Expr], same: Mapping[int, tuple[int, bool]]) -> tuple[Expr, ...]:
    """The forms with those in their places that follow from another."""
    whole = list(forms)
    for k, (j, negative) in same.items():
        if (opposite := _without_signs(whole[j])) is not None:
            whole[j] = -opposite
        whole[k] = tidy(-whole[j]) if negative else whole[j]
    return tuple(whole)


def _without_signs(e: Expr) -> Expr | None:
    """Minus a choice among expressions all of which begin with a minus sign; None for anything else."""
    if e.op != "where":
        return None
    branches = [b.args[0] if b.op == "neg" else _without_signs(b) for b in e.args[1:]]
    return None if None in branches else call("where", e.args[0], *filter(None, branches))
