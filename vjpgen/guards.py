"""Safe choices: a branch that is not taken is computed at an ordinary point, where its derivative is finite.

JAX differentiates both branches of `jnp.where` and multiplies the one not taken by zero; where that
derivative is infinite or nan the product is nan (jax issues 347, 1052, 5798). Replacing the branch's
*inputs* keeps every derivative, of any order, finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, again, call, num, where

Region = tuple[tuple[Expr, bool], ...]
Point = Mapping[str, float]
_NICE = (1.0, 0.5, 2.0, -1.0, -0.5, -2.0, 0.0, 0.25, 10.0, -10.0, 100.0, -100.0)
_LINEAR = frozenset(("add", "sub", "max", "min"))
_STEPS = frozenset(("sign", "floor", "ceil", "round"))


class Guard:
    """Guards the choices in expressions over the same variables.

    Args:
        anchors: ordinary points, a value for each variable.

    Attributes:
        labels: what each guarded input is called, such as `x_near`.
    """

    def __init__(self, anchors: Sequence[Point]) -> None:
        self._anchors = anchors
        self.labels: dict[Expr, str] = {}

    def __call__(self, e: Expr) -> Expr:
        return self._safe(e, (), {})

    def _safe(self, e: Expr, region: Region, inputs: dict[Expr, Expr]) -> Expr:
        """`e` with its variables replaced by `inputs`, and every choice below it guarded."""
        done: dict[Expr, Expr] = {}
        for x in _shell(e):
            if x.op == "where":
                done[x] = self._choice(x, region, inputs)
            elif x.args:
                done[x] = again(x, (done[a] for a in x.args))
            else:
                done[x] = inputs.get(x, x)
        return done[e]

    def _choice(self, e: Expr, region: Region, inputs: dict[Expr, Expr]) -> Expr:
        condition, yes, no = e.args
        return where(
            condition,
            self._branch(yes, (*region, (condition, True)), inputs),
            self._branch(no, (*region, (condition, False)), inputs),
        )

    def _branch(self, e: Expr, region: Region, inputs: dict[Expr, Expr]) -> Expr:
        e = _reachable(e, region)
        degree = _degree(e)
        if degree is None or degree > 2:
            inputs = {**inputs, **self._anchored(e, region)}
        return self._safe(e, region, inputs)

    def _anchored(self, e: Expr, region: Region) -> dict[Expr, Expr]:
        """For each variable of the branch: itself in the region, an ordinary value elsewhere."""
        free = [x for x in _shell(e) if x.op == "var"]
        point = self._anchor(e, region, [str(x.value) for x in free])
        if point is None:
            return {}
        inputs = {}
        for x in free:
            guarded = _choose(_shortest(region), x, num(Fraction(point[str(x.value)])))
            self.labels.setdefault(guarded, f"{x.value}_{_word(_shortest(region))}")
            inputs[x] = guarded
        return inputs

    def _anchor(self, e: Expr, region: Region, free: Sequence[str]) -> Point | None:
        """An ordinary point, inside the region if there is one, around which the branch is finite."""
        names = sorted({n for p in self._anchors for n in p} | set(free))
        nice = [dict.fromkeys(names, v) for v in _NICE]
        short = [{n: float(f"{v:.{d}g}") for n, v in p.items()} for d in (1, 2, 3) for p in self._anchors]
        exact = [{n: float(v) for n, v in p.items()} for p in self._anchors]
        points = [p for p in (*nice, *short, *exact) if set(free) <= p.keys()]
        if not points:
            return None
        inside = np.ones(len(points), bool)
        columns = {n: np.array([p.get(n, 1.0) for p in points]) for n in names}
        for condition, truth in region:
            inside &= evaluate(condition, columns, np.float64) == truth
        smooth = _smooth(e, columns)
        for keep in (inside & smooth, smooth):
            if keep.any():
                return points[int(np.argmax(keep))]
        return None


def _reachable(e: Expr, region: Region) -> Expr:
    """`e` without the choices that the region has decided."""
    done: dict[Expr, Expr] = {}
    for x in _shell(e):
        if x.op == "where":
            done[x] = next(
                (_reachable(x.args[k], region) for k in (1, 2) if _decides(region, x.args[0], k == 1)), x
            )
        else:
            done[x] = again(x, (done[a] for a in x.args))
    return done[e]


def _decides(region: Region, condition: Expr, truth: bool) -> bool:
    return any(p == (condition, truth) or _implies(p, (condition, truth)) for p in region)


def _shell(e: Expr) -> list[Expr]:
    """The nodes of `e`, operands first, without what lies inside a choice."""
    seen: dict[Expr, None] = {}
    stack = [(e, False)]
    while stack:
        x, expanded = stack.pop()
        if x in seen:
            continue
        if expanded or not x.args or x.op == "where":
            seen[x] = None
        else:
            stack.append((x, True))
            stack.extend((a, False) for a in reversed(x.args))
    return list(seen)


def _degree(e: Expr) -> int | None:
    """Degree as a polynomial with kinks; None for anything else. Up to 2, no derivative overflows."""
    done: dict[Expr, int | None] = {}
    for x in _shell(e):
        done[x] = _degree_of(x, [done.get(a) for a in x.args])
    return done[e]


def _degree_of(x: Expr, below: Sequence[int | None]) -> int | None:
    if x.op == "var":
        return 1
    if not x.args:
        return 0
    if x.op == "where":  # a branch that needs it is guarded for itself
        return max(_degree(a) or 1 for a in x.args[1:])
    known = [d for d in below if d is not None]
    if len(known) < len(below):
        return None
    if max(known) == 0 or x.op in _STEPS:
        return 0
    if x.op in _LINEAR or x.op in ("neg", "abs"):
        return max(known)
    if x.op == "mul":
        return sum(known)
    if x.op == "div":
        return known[0] if known[1] == 0 else None
    if x.op == "square":
        return 2 * known[0]
    if x.op == "pow" and x.args[1].op == "num" and isinstance(x.args[1].value, Fraction):
        n = x.args[1].value
        return known[0] * int(n) if n.denominator == 1 and n >= 0 else None
    if x.op == "poly":
        return max(d + i * known[0] for i, d in enumerate(known[1:]))
    return None


def _smooth(e: Expr, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Points at which `e` is finite, and its slope does not grow as steps shrink."""
    here = evaluate(e, columns, np.float64)
    fine = np.isfinite(np.broadcast_to(here, next(iter(columns.values())).shape))
    slopes = []
    with np.errstate(all="ignore"):
        for step in (1e-2, -1e-2, 1e-5, -1e-5):
            moved = {n: v + step * np.maximum(1.0, np.abs(v)) for n, v in columns.items()}
            slopes.append(np.abs(evaluate(e, moved, np.float64) - here) / abs(step))
        wide, narrow = np.maximum(*slopes[:2]), np.maximum(*slopes[2:])
        return np.asarray(fine & np.isfinite(wide) & (narrow <= 5.0 * wide + 1.0))


def _choose(region: Region, inside: Expr, outside: Expr) -> Expr:
    """`inside` in the region, `outside` elsewhere."""
    if not any(truth for _, truth in region):
        return where(_join("or", [c for c, _ in region]), outside, inside)
    return where(_join("and", [c if truth else call("not", c) for c, truth in region]), inside, outside)


def _join(op: str, conditions: Sequence[Expr]) -> Expr:
    joined = conditions[0]
    for c in conditions[1:]:
        joined = call(op, joined, c)
    return joined


def _shortest(region: Region) -> Region:
    """The region without conditions that another one implies: below -5 is also below 3."""
    return tuple(
        q
        for k, q in enumerate(region)
        if not any(_implies(p, q) and not (_implies(q, p) and j > k) for j, p in enumerate(region) if j != k)
    )


def _implies(p: tuple[Expr, bool], q: tuple[Expr, bool]) -> bool:
    a, b = _half_line(p), _half_line(q)
    if a is None or b is None or a[0] is not b[0] or a[1] != b[1] or p[1] != q[1]:
        return False  # p[1] != q[1] differ at nan
    return a[2] < b[2] if a[1] == "below" else a[2] > b[2]


def _half_line(p: tuple[Expr, bool]) -> tuple[Expr, str, Fraction] | None:
    """A comparison with a number as (scrutinee, side, bound)."""
    condition, truth = p
    if condition.op not in ("lt", "le", "gt", "ge"):
        return None
    s, bound = condition.args
    if bound.op != "num" or not isinstance(bound.value, Fraction):
        return None
    return s, "below" if (condition.op in ("lt", "le")) == truth else "above", bound.value


def _word(region: Region) -> str:
    """One word for a region: `near` and `far` from zero, `low`, `high` and between them `mid`."""
    if len(region) > 1:
        return "mid" if all(_half_line(p) is not None for p in region) else "inside"
    return _label(*region[0])


def _label(condition: Expr, truth: bool) -> str:
    if condition.op == "not":
        return _label(condition.args[0], not truth)
    small = condition.op in ("lt", "le")
    if not small and condition.op not in ("gt", "ge"):
        return "inside" if truth else "outside"
    if condition.args[0].op in ("abs", "square"):
        return "near" if small == truth else "far"
    return "low" if small == truth else "high"


def _parts(condition: Expr) -> list[Expr]:
    return [p for a in condition.args for p in _parts(a)] if condition.op == "and" else [condition]


def condition_name(condition: Expr) -> str:
    """What a shared condition is called: `negative`, `below_3`, `near_zero`, `low`."""
    if condition.op in ("eq", "and") and all(x.op == "eq" for x in _parts(condition)):
        number = _parts(condition)[0].args[1]
        if number.op == "num" and isinstance(number.value, Fraction):
            return (
                "at_zero" if number.value == 0 else "at_infinity" if number.value > 0 else "at_minus_infinity"
            )
    label = _label(condition, True)
    if label in ("near", "far"):
        return {"near": "near_zero", "far": "far_from_zero"}[label]
    line = _half_line((condition, True))
    if line is None or line[2].denominator != 1 or abs(line[2]) > 9999:
        return label
    if line[2] == 0 and condition.op in ("lt", "gt"):
        return "negative" if condition.op == "lt" else "positive"
    sign = "minus_" if line[2] < 0 else ""
    return f"{line[1]}_{sign}{abs(line[2])}" if condition.op in ("lt", "gt") else label
