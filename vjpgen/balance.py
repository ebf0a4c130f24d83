"""Products in an order whose intermediate results stay inside the range of the dtype.

`r**2 / c**3 * exp(-(r/c)**2/2)` is fine in exact arithmetic, and NaN in float32 where r**2 overflows before
the exponential vanishes. A product is taken apart into its factors, whose magnitudes are known at the sample
points, and put together again pair by pair: a beam search for the tree of multiplications and divisions in
which the fewest points meet an intermediate result that overflows or underflows while the product does not.
Exponentials and powers may be halved, which keeps them in range for twice as long. A sum that leaves the
range is multiplied out: (a*b - c)/d is a*(b/d) - c/d where a*b overflows. XLA divides by a product in place
of dividing twice; multiplied by reciprocals, a quotient stays in the order that it has here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import combinations
from operator import or_

import numpy as np

from vjpgen.expr import Expr, again, call, num
from vjpgen.floats import Array, huge, tiny

_LONGEST = 300  # nodes of an expression that is looked at
_MOST_FACTORS = 10
_LARGEST_POWER = 4
_BEAM = 4
_LOW, _HIGH = float(np.log2(tiny(np.float32))), float(np.log2(huge(np.float32)))


@dataclass(frozen=True, slots=True)
class _Item:
    """A partial product above or below the line: `size` is log2 of its magnitude at each point."""

    expr: Expr
    size: Array
    above: bool


@dataclass(frozen=True, slots=True)
class _State:
    """Items still to be multiplied, and at which points (a bit each) a result has left the range."""

    items: tuple[_Item, ...]
    lost: int
    steps: float
    rank: tuple[int, float]  # at how many points, and `steps`


@dataclass(frozen=True, slots=True)
class _Join:
    """Two items as one, where that has left the range, and its price."""

    item: _Item
    lost: int
    price: float


class Balancer:
    """Products in a safer order at some points; what has been made of a part is remembered.

    `computed` says what an expression comes to at the points, in float64.
    """

    def __init__(self, computed: Callable[[Expr], Array]) -> None:
        sizes = _Sizes(computed)
        self._ways = [_Balancing(sizes, kind) for kind in ("", "halves", "sums")]
        self._last = [_Balancing(sizes, kind) for kind in ("roots", "reciprocals")]

    def __call__(self, e: Expr) -> list[Expr]:
        """Shapes of `e`: with the factors of its products as they are, halved, multiplied out."""
        if e.size > _LONGEST:
            return []
        with np.errstate(invalid="ignore"):
            found = [way.run(e) for way in self._ways]
        return [f for f in dict.fromkeys(found) if f is not e]

    def at_last(self, shapes: Sequence[Expr]) -> list[Expr]:
        """Shapes with roots of products as products of roots, and with products of reciprocals.

        They are for the end of a search: further ones that follow from them were worse where that was tried.
        """
        with np.errstate(invalid="ignore"):
            found = [way.run(e) for way in self._last for e in shapes if e.size <= _LONGEST]
        return [f for f in dict.fromkeys(found) if f not in shapes]


class _Sizes:
    """log2 of the magnitude of expressions at the points."""

    def __init__(self, computed: Callable[[Expr], Array]) -> None:
        self._computed = computed
        self._known: dict[Expr, Array] = {}
        self._ranges: dict[Expr, _Range] = {}
        self.arranged: dict[tuple[tuple[Expr, bool], ...], _State | None] = {}  # the best order of factors

    def positive(self, e: Expr) -> bool:
        return bool((self._computed(e) > 0).all())

    def __getitem__(self, e: Expr) -> Array:
        if e not in self._known:
            with np.errstate(all="ignore"):
                self._known[e] = np.asarray(np.log2(np.abs(self._computed(e))))
        return self._known[e]

    def range(self, e: Expr) -> _Range:
        if e not in self._ranges:
            self._ranges[e] = _Range(self[e])
        return self._ranges[e]


class _Range:
    """Which sizes of intermediate results spoil a product of a given size.

    Where the product itself vanishes, a divisor may be infinite and a factor zero.
    """

    def __init__(self, size: Array) -> None:
        self.size = size
        inside = (size >= _LOW) & (size <= _HIGH)
        inside_or_vanished = inside | (size < _LOW)
        self._over = {True: inside_or_vanished, False: inside}
        self._under = {True: inside, False: inside_or_vanished}

    def left_by(self, size: Array, above: bool) -> int:
        """The points, a bit each, where a result of this size, above or below the line, spoils it."""
        lost = ((size > _HIGH) & self._over[above]) | ((size < _LOW) & self._under[above])
        return int.from_bytes(np.packbits(lost).tobytes())


class _Balancing:
    def __init__(self, sizes: _Sizes, kind: str) -> None:
        self.sizes, self.kind = sizes, kind
        self.done: dict[Expr, Expr] = {}

    def run(self, e: Expr) -> Expr:
        if e not in self.done:
            self.done[e] = self._product(e) or self._root(e) or again(e, map(self.run, e.args))
        return self.done[e]

    def _product(self, e: Expr) -> Expr | None:
        """The product `e` in a better order, None where it is none or stands well as it is."""
        coefficient, factors = _factors(e)
        if not 1 < len(factors) <= _MOST_FACTORS:
            return None
        final = self.sizes.range(e)
        before = self._lost_now(e, final).bit_count()
        if not before:
            return None
        if self.kind == "sums" and (spread := self._spread(coefficient, factors, final)) is not None:
            return spread
        items = [i for f, above in factors for i in self._items(f, above)]
        if coefficient != 1:
            size = np.full_like(final.size, np.log2(abs(float(coefficient))))
            items.append(_Item(num(coefficient), size, True))
        if not 2 < len(items) <= _MOST_FACTORS:
            return None
        best = self._arranged(items, final)
        if self.kind == "reciprocals" and best is not None and best.lost:
            best = self._arranged([i if i.above else _reciprocal(i) for i in items], final)
        return best.items[0].expr if best is not None and best.lost.bit_count() < before else None

    def _arranged(self, items: list[_Item], final: _Range) -> _State | None:
        key = tuple((i.expr, i.above) for i in items)
        if key not in self.sizes.arranged:
            self.sizes.arranged[key] = _arrange(items, final)
        return self.sizes.arranged[key]

    def _spread(self, coefficient: Fraction, factors: list[tuple[Expr, bool]], final: _Range) -> Expr | None:
        """The product as a sum, where one of its factors is a sum that leaves the range; None otherwise."""
        for k, (f, above) in enumerate(factors):
            if above and f.op in ("add", "sub") and final.left_by(self.sizes[f], above):
                rest = factors[:k] + factors[k + 1 :]
                terms = (_multiplied(coefficient, [(a, True), *rest]) for a in f.args)
                return call(f.op, *map(self.run, terms))
        return None

    def _root(self, e: Expr) -> Expr | None:
        """The square root of a product that leaves the range, as a product of two roots; None otherwise.

        One factor's sign goes to the others, so that the root of a negative product stays NaN.
        """
        if self.kind != "roots" or e.op != "sqrt":
            return None
        final, size = self.sizes.range(e), self.sizes[e.args[0]]
        coefficient, factors = _factors(e.args[0])
        if not 1 < len(factors) <= _MOST_FACTORS or not (before := final.left_by(size, True).bit_count()):
            return None
        rests = [size - self.sizes[f] * (1 if above else -1) for f, above in factors]
        lost = [final.left_by(rest, True).bit_count() for rest in rests]
        k = int(np.argmin(lost))
        f, above = factors.pop(k)
        if lost[k] >= before or np.isneginf(self.sizes[f]).any():
            return None
        one = self.run(f)
        if not self.sizes.positive(f):
            one = call("abs", one)
            factors.append((call("sign", f), True))
        others = call("sqrt", self.run(_multiplied(coefficient, factors)))
        return others * call("sqrt", one) if above else others / call("sqrt", one)

    def _lost_now(self, e: Expr, final: _Range) -> int:
        lost = 0
        stack = [(e, True)]
        while stack:
            x, above = stack.pop()
            lost |= final.left_by(self.sizes[x], above)
            if _multiplies(x):
                below = x.op == "div" or (x.op == "pow" and x.args[1].value < 0)  # type: ignore[operator]
                operands = x.args[:1] if x.op == "pow" else x.args
                stack += [(a, above != (below and a is operands[-1])) for a in operands]
        return lost

    def _items(self, factor: Expr, above: bool) -> Iterator[_Item]:
        size, shape = self.sizes[factor], self.run(factor)
        half = _half(shape) if self.kind == "halves" and (np.abs(size) > _HIGH).any() else None
        if half is None:
            yield _Item(shape, size, above)
        else:
            yield from (_Item(half, size / 2, above), _Item(half, size / 2, above))


def _reciprocal(i: _Item) -> _Item:
    return _Item(1 / i.expr, -i.size, True)


def _multiplies(x: Expr) -> bool:
    return x.op in ("mul", "div", "neg", "square") or (x.op == "pow" and _power(x) is not None)


def _power(x: Expr) -> int | None:
    """The exponent, where it is a small integer."""
    value = x.args[1].value
    if isinstance(value, Fraction) and value.denominator == 1 and 0 < abs(value) <= _LARGEST_POWER:
        return int(value)
    return None


def _factors(e: Expr) -> tuple[Fraction, list[tuple[Expr, bool]]]:
    """The rational coefficient, then each factor once for every time that it occurs, above or below."""
    coefficient = Fraction(1)
    found: list[tuple[Expr, bool]] = []
    stack = [(e, True)]
    while stack and len(found) <= _MOST_FACTORS:
        x, above = stack.pop()
        if x.op == "mul":
            stack += [(x.args[1], above), (x.args[0], above)]
        elif x.op == "div":
            stack += [(x.args[1], not above), (x.args[0], above)]
        elif x.op == "neg":
            coefficient = -coefficient
            stack.append((x.args[0], above))
        elif x.op == "square":
            stack += [(x.args[0], above)] * 2
        elif x.op == "pow" and (n := _power(x)) is not None:
            stack += [(x.args[0], above == (n > 0))] * abs(n)
        elif isinstance(x.value, Fraction) and x.value:
            coefficient *= x.value if above else 1 / x.value
        else:
            found.append((x, above))
    return coefficient, found


def _multiplied(coefficient: Fraction, factors: list[tuple[Expr, bool]]) -> Expr:
    """The inverse of `_factors`, for a product with a factor above the line."""
    above, below = ([f for f, place in factors if place is side] for side in (True, False))
    above = above if above and coefficient == 1 else [num(coefficient), *above]
    product = reduce(lambda a, b: a * b, above)
    return reduce(lambda a, b: a / b, below, product)


def _half(x: Expr) -> Expr | None:
    """The square root of an exponential or a power, by halving its exponent."""
    if x.op == "exp":
        return call("exp", _halved(x.args[0]))
    if x.op == "exp_product":
        return call("exp_product", _halved(x.args[0]), x.args[1])
    if x.op == "pow":
        return call("pow", x.args[0], _halved(x.args[1]))
    return None


def _halved(a: Expr) -> Expr:
    return -_halved(a.args[0]) if a.op == "neg" else a / 2


def _arrange(items: list[_Item], final: _Range) -> _State | None:
    lost = reduce(or_, (final.left_by(i.size, i.above) for i in items))
    beam = [_State(tuple(items), lost, 0.0, (lost.bit_count(), 0.0))]
    joins: dict[tuple[int, int], _Join | None] = {}
    for _ in range(len(items) - 1):
        grown: dict[tuple[tuple[int, bool], ...], _State] = {}
        for state in beam:
            for new in _joined(state, final, joins):
                key = tuple(sorted((id(i.expr), i.above) for i in new.items))
                if key not in grown or new.rank < grown[key].rank:
                    grown[key] = new
        beam = sorted(grown.values(), key=lambda s: s.rank)[:_BEAM]
    return next((s for s in beam if s.items[0].above), None)


def _joined(state: _State, final: _Range, joins: dict[tuple[int, int], _Join | None]) -> Iterator[_State]:
    """Every state in which one pair of items has become one."""
    seen = set()
    for i, j in combinations(range(len(state.items)), 2):
        a, b = state.items[i], state.items[j]
        if a.above < b.above:
            a, b = b, a
        if (a.expr, a.above, b.expr, b.above) in seen:
            continue
        seen.add((a.expr, a.above, b.expr, b.above))
        if (id(a), id(b)) not in joins:
            joins[id(a), id(b)] = _join(a, b, final)
        if (join := joins[id(a), id(b)]) is not None:
            rest = tuple(x for k, x in enumerate(state.items) if k not in (i, j))
            lost, steps = state.lost | join.lost, state.steps + join.price
            yield _State((*rest, join.item), lost, steps, (lost.bit_count(), steps))


def _join(a: _Item, b: _Item, final: _Range) -> _Join | None:
    """Two items multiplied, or divided if one is below the line; None where XLA would rewrite that."""
    if _rewritten(a, b):
        return None
    size = a.size + b.size if a.above == b.above else a.size - b.size
    if a.above != b.above:
        price, expr = 3.0, a.expr / b.expr
    else:
        price, expr = 1.0, call("square", a.expr) if a.expr is b.expr else a.expr * b.expr
    return _Join(_Item(expr, size, a.above), final.left_by(size, a.above), price)


def _rewritten(a: _Item, b: _Item) -> bool:
    """Whether XLA would compute something else than this join (see `compiled`)."""
    ops = (a.expr.op, b.expr.op)
    return "div" in ops if a.above != b.above else ops == ("exp", "exp")
