"""Modified Bessel functions of orders 0 and 1 with their growth as a factor of its own.

I_0(x) grows like exp(|x|): with exp(|x|)*i0e(x) in its place, other exponentials can take the growth up.
exp(k*cos(x))/I_0(k) becomes exp(k*(cos(x) - 1))/i0e(k), which does not overflow.
"""

from __future__ import annotations

from collections.abc import Set
from fractions import Fraction
from functools import partial, reduce

from vjpgen.collect import collected, factors, merged, multiple, product
from vjpgen.expr import Expr, Settling, call, has_op, num, rebuild
from vjpgen.factoring import factored
from vjpgen.tidy import tidy

_SCALED = {0: "i0e", 1: "i1e"}


def scaled(e: Expr, positive: Set[str] = frozenset()) -> tuple[Expr, ...]:
    """The expression over scaled functions, and with its exponentials put together.

    Args:
        e: a formula.
        positive: variables that are above 0.

    Returns:
        Nothing where it has no function that is scaled.
    """
    if not has_op(e, "besseli"):
        return ()
    found = rebuild(e, partial(_step, positive))
    return () if found is e else tuple(dict.fromkeys((found, _joined(factored(_joined(found))))))


def _step(positive: Set[str], x: Expr) -> Expr | None:
    name = _SCALED.get(x.args[0].value) if x.op == "besseli" else None  # type: ignore[call-overload]
    return call(name, x.args[1]) * call("exp", _size(x.args[1], positive)) if name else None


def _size(x: Expr, positive: Set[str]) -> Expr:
    return x if x.op == "var" and x.value in positive else call("abs", x)


def _one_exponential(x: Expr) -> Expr | None:
    """A product with its exponentials as one."""
    if x.op not in ("mul", "div"):
        return None
    found = [*factors(x, 1)]
    exponents = [(base.args[0], n) for base, n in found if base.op == "exp"]
    if len(exponents) < 2:
        return None
    powers = merged((base, Fraction(n)) for base, n in found if base.op not in ("exp", "num"))
    rest = product(multiple((base, n) for base, n in found if base.op == "num"), powers)
    exponent = reduce(lambda total, part: total + num(part[1]) * part[0], exponents, num(0))
    exponent = collected(factored(collected(exponent)))
    return tidy(rest if exponent.value == 0 else rest * call("exp", exponent))


_joined = Settling(_one_exponential)
