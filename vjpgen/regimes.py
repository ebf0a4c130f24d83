"""Regimes: different forms on different parts of the domain, split where it pays in measured bits.

The best piecewise choice along one scrutinee is a dynamic program over the points sorted by it (Panchekha,
Sanchez-Stern, Wilcox, Tatlock: Automatically Improving Accuracy for Floating Point Expressions, PLDI 2015,
4.8). Each further split costs bits, so that a branch stays only where it pays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, var, variables, walk, where
from vjpgen.extract import COST_PRICE, Term
from vjpgen.floats import Array, huge, tiny

SPLIT_PRICE = 0.12  # bits that a further branch has to gain on average
_POOL = 10
_SEGMENTS = 4
_SHORT = 9  # nodes of an operand whose value may decide between forms
_SPLIT_AT = dict.fromkeys(("exp", "expm1", "log", "log1p", "softplus", "logistic", "sqrt"), _SHORT)
_SPLIT_AT |= dict.fromkeys(("erfc", "erfcx"), 40)  # they have two halves, as wide apart as the domain


@dataclass(frozen=True, slots=True)
class Choice:
    """Forms by the value of one scrutinee.

    Attributes:
        scrutinee: what is compared, None where one form serves everywhere.
        terms: the form of each segment, in ascending order of the scrutinee.
        cuts: between segments, the largest value left and the smallest value right of each split.
        rows: between segments, the two neighbouring points (row numbers).
        score: mean bits and prices.
    """

    scrutinee: Expr | None
    terms: tuple[Term, ...]
    cuts: tuple[tuple[float, float], ...]
    rows: tuple[tuple[int, int], ...]
    score: float


def choose(terms: Sequence[Term], env: Mapping[str, Array], scrutinees: Sequence[Expr]) -> Choice:
    """The best single form, or the best piecewise combination where that is better."""
    best = min(terms, key=lambda t: (t.score, t.expr.size))
    choice = Choice(None, (best,), (), (), best.score)
    pool = _pool(best, terms)
    if len(pool) > 1:
        for scrutinee in scrutinees:
            found = _along(scrutinee, pool, env)
            if found is not None and found.score < choice.score:
                choice = found
    return choice


def scrutinees(args: Sequence[str], inner: Sequence[Expr] = ()) -> list[Expr]:
    """What splits may look at: arguments, magnitudes, differences, ratios, and subexpressions given."""
    names = [var(a) for a in args]
    found = [*(call("abs", v) for v in names), *names]
    for a, b in combinations(names, 2):
        found += [a - b, call("abs", a - b), call("abs", a / b), call("abs", a * b)]
    return list(dict.fromkeys([*found, *inner]))


def operands(terms: Sequence[Term]) -> list[Expr]:
    """Operands of functions that overflow or cancel, in the best terms, and sums of two arguments there.

    They are natural places to split.
    """
    likely = sorted(terms, key=lambda t: t.score)
    inner = [
        e.args[0]
        for t in likely[:3]
        for e in walk(t.expr)
        if e.args[:1] and e.args[0].size <= _SPLIT_AT.get(e.op, 0)
    ]
    inner.sort(key=lambda e: e.size <= _SHORT)  # what is long was asked for: its function has two halves
    sums = (e for t in likely for e in walk(t.expr) if e.op == "add" and all(a.op == "var" for a in e.args))
    found = [e for e in dict.fromkeys(inner) if e.args and e.names][:4]
    return [*found, *list(dict.fromkeys(sums))[:2]]


def earlier(form: Expr) -> list[Expr]:
    """What the outermost choice of a form looks at."""
    if form.op != "where" or form.args[0].op not in ("lt", "ge") or form.args[0].args[1].names:
        return []
    return [form.args[0].args[0]]


def _pool(best: Term, terms: Sequence[Term]) -> list[Term]:
    pool, cover = [best], best.bits
    rest = [t for t in terms if t is not best]
    while rest and len(pool) < _POOL:
        gains = [float(np.maximum(cover - t.bits, 0.0).mean()) - 0.2 * COST_PRICE * t.cost for t in rest]
        k = int(np.argmax(gains))
        if gains[k] < 0.004:
            break
        pool.append(rest.pop(k))
        cover = np.minimum(cover, pool[-1].bits)
    return pool


def _along(scrutinee: Expr, pool: list[Term], env: Mapping[str, Array]) -> Choice | None:
    keys = evaluate(scrutinee, env, np.float32).astype(np.float64)
    keys = np.where(np.isnan(keys), np.inf, keys)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    n = len(order)
    bits = np.stack([t.bits[order] for t in pool])
    total = np.concatenate([np.zeros((len(pool), 1)), np.cumsum(bits, axis=1)], axis=1)
    allowed = np.concatenate([[False], ordered[1:] > ordered[:-1], [False]])
    prices = np.array([COST_PRICE * t.cost for t in pool])
    best: Choice | None = None
    costs = total + 0.0
    previous = costs.min(axis=0)
    trail: list[tuple[Array, Array]] = [(costs.argmin(axis=0), np.zeros(n + 1, np.intp))]
    for segments in range(2, _SEGMENTS + 1):
        start = np.where(allowed[None, :], previous[None, :] - total, np.inf)
        running = np.minimum.accumulate(start, axis=1)
        here = np.where(start == running, np.arange(n + 1)[None, :], 0)
        since = np.maximum.accumulate(here, axis=1)
        costs = total + running
        pick = costs.argmin(axis=0)
        trail.append((pick, since[pick, np.arange(n + 1)]))
        previous = costs.min(axis=0)
        if not np.isfinite(previous[n]):
            break
        parts = _trace(trail, segments, n)
        distinct = {k for k, _, _ in parts}
        price = float(sum(prices[k] for k in sorted(distinct))) + SPLIT_PRICE * (segments - 1)
        price += 2 * COST_PRICE * scrutinee.size
        score = float(previous[n]) / n + price
        if best is None or score < best.score:
            cuts = tuple((float(ordered[i - 1]), float(ordered[i])) for _, i, _ in parts[1:])
            rows = tuple((int(order[i - 1]), int(order[i])) for _, i, _ in parts[1:])
            best = Choice(scrutinee, tuple(pool[k] for k, _, _ in parts), cuts, rows, score)
    return best


def _trace(trail: list[tuple[Array, Array]], segments: int, n: int) -> list[tuple[int, int, int]]:
    """(term, first, last) of each segment of the best split into `segments`."""
    parts, end = [], n
    for s in range(segments - 1, -1, -1):
        pick, since = trail[s]
        begin = int(since[end]) if s else 0
        parts.append((int(pick[end]), begin, end))
        end = begin
    return parts[::-1]


def build(choice: Choice, cut: Callable[[Choice, int], Fraction]) -> Expr:
    """The expression of a choice; `cut` places each threshold between the two sides of its split.

    NaN fails every comparison: it has to end in a branch that depends on it, so not in a constant.
    """
    if choice.scrutinee is None:
        return choice.terms[0].expr
    last = len(choice.terms) - 1
    final = choice.terms[last].expr
    if not variables(final) and variables(choice.terms[last - 1].expr):
        return where(
            call("ge", choice.scrutinee, num(cut(choice, last - 1))), final, _nested(choice, cut, last - 1)
        )
    return _nested(choice, cut, last)


def _nested(choice: Choice, cut: Callable[[Choice, int], Fraction], last: int) -> Expr:
    expr = choice.terms[last].expr
    assert choice.scrutinee is not None
    for k in range(last - 1, -1, -1):
        left = choice.terms[k].expr
        if left is not expr:
            expr = where(call("lt", choice.scrutinee, num(cut(choice, k))), left, expr)
    return expr


def round_number(low: float, high: float) -> Fraction:
    """The number with the fewest decimal digits in (low, high], nearest the middle.

    It is a normal float32 or 0, where one is there: XLA takes what is smaller for 0.
    """
    low, high = (float(np.clip(x, -huge(np.float32), huge(np.float32))) for x in (low, high))
    same_sign = low * high > 0
    middle = np.copysign(np.sqrt(abs(low)) * np.sqrt(abs(high)), low) if same_sign else (low + high) / 2
    for digits in range(1, 17):
        text = f"{middle:.{digits - 1}e}"
        if low < float(text) <= high and not 0 < abs(float(text)) < tiny(np.float32):
            return Fraction(text)
    return Fraction(high)
