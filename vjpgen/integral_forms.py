"""The formulas that a quadrature evaluates: as they are written, and in stable forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vjpgen import plainly, quadrature, search
from vjpgen.errors import DomainError
from vjpgen.expr import Expr, num, show, substitute, var, walk
from vjpgen.floats import representable
from vjpgen.integral import Integral
from vjpgen.integral_doc import ZERO, Quadrature
from vjpgen.integral_points import Exact, around
from vjpgen.integral_truth import IntegralTruth
from vjpgen.points import Points
from vjpgen.spec import Spec
from vjpgen.tidy import tidy
from vjpgen.truth import Truth

_SEARCHED = 1024
_ANCHORS = 48


def refuse_jumps(spec: Integral) -> None:
    """Refuses an integrand that changes its formula along the way: its partials do not say all of its change.

    Raises:
        DomainError: it does.
    """
    for e in walk(spec.integrand):
        jumps = e.op == "where" and spec.variable in e.args[0].names
        if jumps or (e.op in ("sign", "floor", "ceil", "round") and spec.variable in e.names):
            raise DomainError(
                f"the integrand may jump where {spec.variable} passes a condition or a step",
                hint="integrate the pieces apart, from limit to limit",
            )


def as_written(spec: Integral, truth: IntegralTruth, exact: Exact) -> Quadrature:
    """The integrand as the user wrote it, its derivatives, and the cheapest rule that is right for them."""
    held = spec.integrand.names
    slopes = [plainly.partial(spec.integrand, a) if a in held else ZERO for a in spec.args]
    ends, gains = [], []
    for a in spec.args:
        total: Expr = num(0)
        for sign, limit in ((-1, spec.low), (1, spec.high)):
            if limit is not None and a in limit.names:
                there = substitute(spec.integrand, {var(spec.variable): limit})
                gain = there * plainly.partial(limit, a)
                total = total + gain if sign > 0 else total - gain
        ends.append(tidy(total))
    open_ends = [truth.singular(r) for r in exact.at[:16].astype(float).tolist()]
    singular = any(low for low, _ in open_ends), any(high for _, high in open_ends)
    inner = [j for j, e in enumerate(slopes) if e is not ZERO]
    for j in inner:
        gains.append(_known_gain(spec, ends[j], exact))
    wanted = np.column_stack(
        [exact.values, *(exact.partials[:, j] - g for j, g in zip(inner, gains, strict=True))]
    )
    rule = quadrature.chosen(spec, [spec.integrand, *(slopes[j] for j in inner)], exact.at, wanted)
    anchors = around(spec, exact.at, 4 * _ANCHORS)
    picked = anchors[np.random.default_rng(0).permutation(len(anchors))[:_ANCHORS]].astype(float)
    return Quadrature(
        spec, rule, spec.integrand, tuple(slopes), tuple(ends), singular, 1,
        tuple(map(tuple, picked.tolist())),
    )  # fmt: skip


def _known_gain(spec: Integral, end: Expr, exact: Exact) -> Any:

    return Truth((end,), spec.args).values(exact.at.astype(float))[:, 0]


def searched(written: Quadrature, exact: Exact, effort: str) -> Quadrature:
    """The same with the most accurate forms found."""
    spec = written.spec
    whole = around(spec, exact.at, _SEARCHED)
    value, partials = _forms(written.integrand, spec.variables, whole, effort)
    slopes = tuple(
        e if e is ZERO else partials.get(a, e) for a, e in zip(spec.args, written.slopes, strict=True)
    )
    ends = tuple(e if not e.args else _forms(e, spec.args, exact.at, effort)[0] for e in written.ends)
    return replace(written, integrand=value, slopes=slopes, ends=ends)


def _forms(e: Expr, names: Sequence[str], points: Any, effort: str) -> tuple[Expr, dict[str, Expr]]:
    """The best form of a formula at points, and those of its derivatives by the names that it holds."""

    used = tuple(n for n in names if n in e.names)
    if not used or not e.args:
        return e, {}
    rows = np.unique(points[:, [names.index(a) for a in used]], axis=0)
    values, slopes = Truth((e,), used).with_partials(rows.astype(np.float64))
    kept = representable(values, np.float32).all(axis=1)
    if not kept.any():
        return e, {}
    whole = Points(rows[kept], values[kept], slopes[kept], int(kept.sum()))
    found = search.search_at(Spec("f", used, (e,), False, (), show(e)), whole, effort=effort)
    return found.values[0], dict(zip(used, found.partials[0], strict=True))
