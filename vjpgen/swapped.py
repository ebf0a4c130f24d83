"""Values and partials that are another one with arguments exchanged: searched once, written alike.

What does not change when x and y are exchanged has a partial by y that is the one by x, exchanged. Exact
values tell, at points of the domain whose images lie in it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from vjpgen.candidates import Target, on_path
from vjpgen.expr import Expr, again, num, rebuild, substitute, var, walk
from vjpgen.floats import Array
from vjpgen.oracle import truth_of
from vjpgen.spec import Spec
from vjpgen.tidy import tidy

_MOST_ARGUMENTS = 6
_ROWS = 64
_GLANCE = 4  # rows at which the values alone are looked at first
_ENOUGH = 12  # different numbers other than 0 that have to agree
_CLOSE = 1e-12
_COMMUTATIVE = frozenset(("add", "mul", "hypot", "logaddexp", "max", "min"))


@dataclass(frozen=True, slots=True)
class Image:
    """A target is `sign` times the one at `place` with arguments exchanged.

    Attributes:
        place: of the other target.
        order: the number of the argument that each one becomes.
        sign: 1 or -1.
    """

    place: int
    order: tuple[int, ...]
    sign: int


def apart(targets: Sequence[Target], spec: Spec, at: Array) -> tuple[list[Target], dict[int, Image]]:
    """The targets with those emptied that are images of earlier ones, and those found.

    Args:
        targets: the values of `spec`, then its partials, row by row.
        spec: the function, whose gradient is its derivative.
        at: (n, a) points of its domain.
    """
    found: dict[int, Image] = {}
    here = _exact(spec, at[:_ROWS])
    moving = [k for k, t in enumerate(targets) if t.shapes[0].names]
    for order in _orders(len(spec.args)):
        left = [k for k in moving if k not in found]
        if len(left) < 2 or not _may_be(spec, at[:_GLANCE], here, order):
            continue
        there = _exact(spec, at[:_ROWS, order])
        for k in left:
            for j in (j for j in left if j < k and j not in found):
                sign = _sign(there[:, j], here[:, k])
                if sign:
                    found[k] = Image(j, order, sign)
                    break
    return [replace(t, shapes=(num(0),)) if k in found else t for k, t in enumerate(targets)], found


def filled(forms: Sequence[Expr], images: Mapping[int, Image], args: Sequence[str]) -> tuple[Expr, ...]:
    """The forms with those in their places that are images of others."""
    whole, known = list(forms), set(walk(*forms))
    for k, image in sorted(images.items()):
        exchanged = {var(a): var(args[n]) for a, n in zip(args, image.order, strict=True)}
        form = rebuild(substitute(whole[image.place], exchanged), lambda x: _as_before(x, known))
        whole[k] = form if image.sign > 0 else tidy(-form)
        known.update(walk(whole[k]))
    return tuple(whole)


def _as_before(x: Expr, known: Set[Expr]) -> Expr | None:
    """What does not depend on the order of its operands in the order in which it is computed already."""
    turned = again(x, x.args[::-1]) if x.op in _COMMUTATIVE and x not in known else x
    return turned if turned in known else None


def _orders(count: int) -> Iterator[tuple[int, ...]]:
    """Two arguments exchanged, then two pairs."""
    if count > _MOST_ARGUMENTS:
        return
    pairs = list(combinations(range(count), 2))
    for swaps in (*((p,) for p in pairs), *combinations(pairs, 2)):
        order = list(range(count))
        for i, j in swaps:
            order[i], order[j] = order[j], order[i]
        if len({n for p in swaps for n in p}) == 2 * len(swaps):
            yield tuple(order)


def _exact(spec: Spec, at: Array) -> Array:
    """Values and partials, (n, m + m * a); nan outside the domain."""
    values, partials = truth_of(spec).with_partials(at.astype(np.float64))
    found = np.concatenate([values, partials.reshape(len(at), -1)], axis=1)
    found[~on_path(spec.assume, spec, at)] = np.nan
    return found


def _may_be(spec: Spec, at: Array, here: Array, order: tuple[int, ...]) -> bool:
    """Whether every value is a value before, or minus it, at a few rows, whose images lie in the domain."""
    moved = at[:, order]
    if not on_path(spec.assume, spec, moved).all():
        return False
    there, m = truth_of(spec).values(moved.astype(np.float64)), len(spec.outputs)
    return all(any(_sign(there[:, j], here[: len(at), k], 1) for j in range(m)) for k in range(m))


def _sign(there: Array, here: Array, enough: int = _ENOUGH) -> int:
    """1 where both are equal wherever they are numbers, -1 where one is minus the other, else 0."""
    numbers = np.isfinite(here)
    telling = np.unique(here[numbers & (here != 0)])
    if len(telling) < enough or not np.array_equal(numbers, np.isfinite(there)):
        return 0
    for sign in (1, -1):
        if np.allclose(there[numbers], sign * here[numbers], rtol=_CLOSE, atol=0.0):
            return sign
    return 0
