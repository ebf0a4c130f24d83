"""Like terms of sums and like factors of products, put together.

What the chain rule leaves, `(abs(x) - d/2) + d*(-1/2)` or `2*x/(x*x)`, becomes what one would write:
`abs(x) - d`, `2/x`. Like every simplification of algebra it fills removable holes: `x/x` is 1 at 0 as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce

from vjpgen.expr import Expr, Settling, call, num

_ONE = Fraction(1)


def collected(e: Expr) -> Expr:
    """An equal expression without like terms in a sum or like factors in a product."""
    return _settled(e)


def _step(x: Expr) -> Expr | None:
    if x.op in ("add", "sub"):
        given = list(terms(x, _ONE))
        sums = merged(given)
        return _sum(sums) if len(sums) < len(given) else _multiplied_out(given)
    if x.op in ("mul", "div"):
        found = list(factors(x, 1))
        powers = merged((base, Fraction(n)) for base, n in found if base.op != "num")
        numbers = [(base, n) for base, n in found if base.op == "num"]
        share = multiple(numbers)
        return product(share, powers) if len(powers) + (share != 1) < len(found) else None
    if x.op == "pow" and x.args[1].value == 1:
        return x.args[0]
    return None


def multiple(numbers: Iterable[tuple[Expr, int]]) -> Fraction:
    """The product of the numbers among the factors."""
    share = _ONE
    for e, n in numbers:
        assert isinstance(e.value, Fraction)
        share *= e.value**n
    return share


def merged(parts: Iterable[tuple[Expr, Fraction]]) -> dict[Expr, Fraction]:
    """The sum of what belongs to each expression, in the order of their first appearance, zeros left out."""
    found: dict[Expr, Fraction] = {}
    for e, share in parts:
        found[e] = found.get(e, Fraction(0)) + share
    return {e: share for e, share in found.items() if share}


def terms(x: Expr, share: Fraction) -> Iterable[tuple[Expr, Fraction]]:
    """The terms of a sum, each with its rational factor; numbers are multiples of 1."""
    if x.op in ("add", "sub"):
        yield from terms(x.args[0], share)
        yield from terms(x.args[1], share if x.op == "add" else -share)
    elif x.op == "neg":
        yield from terms(x.args[0], -share)
    elif isinstance(x.value, Fraction):
        yield num(1), share * x.value
    elif x.op == "mul" and isinstance(x.args[0].value, Fraction):
        yield from terms(x.args[1], share * x.args[0].value)
    elif x.op in ("mul", "div") and isinstance(x.args[1].value, Fraction) and x.args[1].value:
        value = x.args[1].value
        yield from terms(x.args[0], share * value if x.op == "mul" else share / value)
    else:
        yield x, share


def _multiplied_out(given: list[tuple[Expr, Fraction]]) -> Expr | None:
    """A sum with a sum in each product multiplied out, where fewer terms are left: a*y + (1 - a)*y is y."""
    if all(all(f.op not in ("add", "sub") for f, _ in factors(e, 1)) for e, _ in given):
        return None
    found: dict[frozenset[tuple[Expr, Fraction]], tuple[Fraction, dict[Expr, Fraction]]] = {}
    for number, powers in (m for e, share in given for m in _monomials(e, share)):
        key = frozenset(powers.items())
        found[key] = found[key][0] + number if key in found else number, powers
    left = [(share, powers) for share, powers in found.values() if share]
    return _sum({product(_ONE, p) if p else num(1): s for s, p in left}) if len(left) < len(given) else None


def _monomials(e: Expr, share: Fraction) -> Iterable[tuple[Fraction, dict[Expr, Fraction]]]:
    """Products that add up to one, each as a number and powers."""
    found = list(factors(e, 1))
    sums = [k for k, (f, n) in enumerate(found) if n == 1 and f.op in ("add", "sub")]
    inner = list(terms(found[sums[0]][0], _ONE)) if sums else [(num(1), _ONE)]
    rest = [f for k, f in enumerate(found) if not sums or k != sums[0]]
    for term, part in inner:
        all_of_it = [*rest, *factors(term, 1)]
        numbers = multiple((f, n) for f, n in all_of_it if f.op == "num")
        yield share * part * numbers, merged((f, Fraction(n)) for f, n in all_of_it if f.op != "num")


def _sum(sums: dict[Expr, Fraction]) -> Expr:
    ordered = sorted(sums.items(), key=lambda item: item[1] < 0)  # no sum begins with a minus if it need not
    if not ordered:
        return num(0)
    (first, share), *others = ordered
    total = times(share, first)
    for e, share in others:
        total = total + times(share, e) if share > 0 else total - times(-share, e)
    return total


def times(share: Fraction, e: Expr) -> Expr:
    if e.op == "num":
        return num(share)
    if share == 1:
        return e
    if share == -1:
        return -e
    if _binary(share) or share.denominator == 1:
        return num(share) * e
    top = e if share.numerator == 1 else num(share.numerator) * e
    return top / num(share.denominator)


def _binary(share: Fraction) -> bool:
    """Whether a factor is one float, whatever the dtype."""
    return share.denominator & (share.denominator - 1) == 0 and share.denominator <= 64


def factors(x: Expr, power: int) -> Iterable[tuple[Expr, int]]:
    """The factors of a product with their integer exponents."""
    if x.op in ("mul", "div"):
        yield from factors(x.args[0], power)
        yield from factors(x.args[1], power if x.op == "mul" else -power)
    elif x.op == "neg":
        yield num(-1), 1
        yield from factors(x.args[0], power)
    elif x.op == "square":
        yield from factors(x.args[0], 2 * power)
    elif x.op == "pow" and isinstance(x.args[1].value, Fraction) and x.args[1].value.denominator == 1:
        yield from factors(x.args[0], power * int(x.args[1].value))
    elif x.value == 0 and power < 0:
        yield call("div", num(1), x), -power  # 1/0 stays what it is
    else:
        yield x, power


def product(share: Fraction, powers: dict[Expr, Fraction]) -> Expr:
    if not share:
        return num(0)
    above = [_power(e, n) for e, n in powers.items() if n > 0]
    below = [_power(e, -n) for e, n in powers.items() if n < 0]
    if not below:
        return times(share, _multiplied(above)) if above else num(share)
    if not _binary(share):
        below = [num(share.denominator), *below] if share.denominator > 1 else below
        share = Fraction(share.numerator)
    top = times(share, _multiplied(above)) if above else num(share)
    return top / _multiplied(below)


def _power(e: Expr, n: Fraction) -> Expr:
    return e if n == 1 else call("square", e) if n == 2 else call("pow", e, num(n))


def _multiplied(factors: list[Expr]) -> Expr:
    return reduce(lambda a, b: a * b, factors)


_settled = Settling(_step)
