"""Factors that stand above and below the line of one quotient, taken out."""

from __future__ import annotations

from vjpgen.expr import Expr, Settling, num
from vjpgen.tidy import tidy

_ONE = num(1)


def cancelled(e: Expr) -> Expr:
    """`tidy`, without factors that a quotient has above and below the line.

    x/x is 1 even where x is zero or infinite: what is right there is for the truth to say.
    """
    return tidy(_settled(e))


def _step(x: Expr) -> Expr | None:
    if x.op not in ("mul", "div"):
        return None
    if x.op == "div" and x.args[1].op == "div" and x.args[1].args[0] is _ONE:
        return x.args[0] * x.args[1].args[1]
    below = _factors(x, above=False)
    for f in _factors(x, above=True):
        if f in below and f is not _ONE:
            return _without(_without(x, f, above=True), f, above=False)
    return None


def _factors(e: Expr, *, above: bool) -> tuple[Expr, ...]:
    """The factors of a product on one side of its line, from left to right."""
    if e.op == "neg":
        return _factors(e.args[0], above=above)
    if e.op == "mul":
        return _factors(e.args[0], above=above) + _factors(e.args[1], above=above)
    if e.op == "div":
        return _factors(e.args[0], above=above) + _factors(e.args[1], above=not above)
    return (e,) if above else ()


def _without(e: Expr, f: Expr, *, above: bool) -> Expr:
    """The product without the first `f` that stands on that side."""
    if e is f:
        return _ONE
    if e.op == "neg":
        return -_without(e.args[0], f, above=above)
    a, b = e.args
    if f in _factors(a, above=above):
        a = _without(a, f, above=above)
    else:
        b = _without(b, f, above=above if e.op == "mul" else not above)
    return a * b if e.op == "mul" else a / b


_settled = Settling(_step)
