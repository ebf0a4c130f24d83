"""Factors that terms of a sum have in common, taken out: the largest saving first.

The chain rule leaves a/b**2 - a*e/b**2 - 1/b, in which a number is lost where e is near 1 and infinities
cancel where e is large; (a/b*(1 - e) - 1)/b loses neither. An e-graph finds this too, through all orders in
which a sum can be put together; a greedy pass takes no room in it. Sums are factors as they stand, and are
not multiplied out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vjpgen.collect import factors, multiple, product, terms, times
from vjpgen.expr import Expr, call, num, substitute, walk
from vjpgen.floats import Array
from vjpgen.tidy import tidy

_MOST = 24  # terms of a sum that is looked at
_ONE = Fraction(1)
_ARITHMETIC = frozenset(("add", "sub", "mul", "div", "neg"))


@dataclass(frozen=True, slots=True)
class _Term:
    """share * product of powers, and how the product was written, if nothing has been taken out of it."""

    share: Fraction
    powers: dict[Expr, int]
    written: Expr | None = None

    def over(self, common: dict[Expr, int]) -> _Term:
        left = {e: n - common.get(e, 0) for e, n in self.powers.items()}
        return _Term(self.share, {e: n for e, n in left.items() if n})

    def times(self, factor: Fraction) -> Expr:
        if self.written is not None:
            return times(self.share * factor, self.written)
        return product(self.share * factor, {e: Fraction(n) for e, n in self.powers.items()})


def factored(e: Expr) -> Expr:
    """An equal expression whose sums share no factors, found greedily; the same one where there are none."""
    found = _Pass()(e)
    return e if found is e else tidy(found)


def divided(e: Expr) -> Expr:
    """A quotient with its numerator divided term by term: (exp(y) - 1)/exp(y) as 1 - exp(-y).

    The same expression where that is no shorter.
    """
    if e.op != "div" or e.args[0].op not in ("add", "sub"):
        return e
    found = tidy(_sum([_over(x, share, e.args[1]) for x, share in terms(e.args[0], _ONE)]))
    return found if found.size < e.size else e


def through(e: Expr, infinite: Callable[[Expr], Array]) -> tuple[Expr, ...]:
    """Equal expressions, with a quotient of sums divided, above and below, by a term below.

    Far out, (a*sinh(x) - x)/(a*cosh(x) - 1) is infinity by infinity; the quotient of sinh(x)/cosh(x) -
    x/(a*cosh(x)) and 1 - 1/(a*cosh(x)) is 1. One for each term with a function in it.

    Args:
        e: an expression.
        infinite: at which points a part of it is: quotients that are nowhere infinity by infinity stay.
    """
    found = []
    for x in walk(e):
        if x.op == "div" and x.args[1].op in ("add", "sub") and np.logical_and(*map(infinite, x.args)).any():
            for term, _ in terms(x.args[1], _ONE):
                if any(y.args and y.op not in _ARITHMETIC for y in walk(term)):
                    above, below = (
                        _sum([_over(t, share, term) for t, share in terms(part, _ONE)]) for part in x.args
                    )
                    found.append(tidy(substitute(e, {x: above / below})))
    return tuple(found)


def _over(x: Expr, share: Fraction, below: Expr) -> _Term:
    powers: dict[Expr, int] = {}
    for base, n in (*factors(x, 1), *factors(below, -1)):
        powers[base] = powers.get(base, 0) + n
    inverted = {b: call("exp", -b.args[0]) for b, n in powers.items() if b.op == "exp" and n < 0}
    return _Term(share, {inverted.get(b, b): -n if b in inverted else n for b, n in powers.items() if n})


class _Pass:
    """One expression, from the top down."""

    def __init__(self) -> None:
        self._done: dict[Expr, Expr] = {}

    def __call__(self, e: Expr) -> Expr:
        if e not in self._done:
            self._done[e] = self._sum(e) if e.op in ("add", "sub") else self._whole(e)
        return self._done[e]

    def _whole(self, e: Expr) -> Expr:
        return call(e.op, *map(self, e.args)) if e.args else e

    def _sum(self, e: Expr) -> Expr:
        parts = [self._term(x, share) for x, share in terms(e, _ONE) if share]
        if len(parts) > _MOST or _best(parts) is None:
            return self._whole(e)
        return _together(parts)

    def _term(self, x: Expr, share: Fraction) -> _Term:
        powers: dict[Expr, int] = {}
        numbers = []
        for base, n in factors(x, 1):
            if base.op == "num":
                numbers.append((base, n))
            else:
                powers[self(base)] = powers.get(self(base), 0) + n
        return _Term(
            share * multiple(numbers),
            {b: n for b, n in powers.items() if n},
            None if numbers else self(x),
        )


def _together(parts: list[_Term]) -> Expr:
    """The sum, its best group of terms with a common factor written as one term, until no two share any."""
    while (group := _best(parts)) is not None:
        members, common = group
        inner = [parts[k].over(common) for k in members]
        shares = {abs(t.share) for t in inner}
        share = shares.pop() if len(shares) == 1 else _ONE
        inside = _together([_Term(t.share / share, t.powers) for t in inner])
        one = _Term(share, common | {inside: common.get(inside, 0) + 1})
        first, *others = members
        parts = [one if k == first else t for k, t in enumerate(parts) if k not in others]
    return _sum([t for t in parts if t.share])


def _best(parts: Sequence[_Term]) -> tuple[list[int], dict[Expr, int]] | None:
    """The terms that share what is most worth taking out, and what that is."""
    found, most = None, 0
    for base, sign in dict.fromkeys((b, n > 0) for t in parts for b, n in t.powers.items()):
        members = [k for k, t in enumerate(parts) if base in t.powers and (t.powers[base] > 0) == sign]
        if len(members) < 2:
            continue
        common = _common([parts[k].powers for k in members])
        saved = (len(members) - 1) * sum(b.size * abs(n) for b, n in common.items())
        if saved > most:
            found, most = (members, common), saved
    return found


def _common(powers: Sequence[dict[Expr, int]]) -> dict[Expr, int]:
    first, *others = powers
    common = {}
    for base, n in first.items():
        every = [n, *(p.get(base, 0) for p in others)]
        if all(k > 0 for k in every) or all(k < 0 for k in every):
            common[base] = min(every, key=abs)
    return common


def _sum(parts: Sequence[_Term]) -> Expr:
    """No sum begins with a minus if it need not."""
    if not parts:
        return num(0)
    first, *others = sorted(parts, key=lambda t: t.share < 0)
    total = first.times(_ONE)
    for t in others:
        total = total - t.times(-_ONE) if t.share < 0 else total + t.times(_ONE)
    return total
