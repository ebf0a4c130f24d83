"""Modified Bessel functions of orders 0 and 1 with their growth as a factor of its own.

I_0(x) grows like exp(|x|): with exp(|x|)*i0e(x) in its place, other exponentials can take the growth up.
"""

from __future__ import annotations

from vjpgen.expr import Expr, call, has_op, rebuild

_SCALED = {0: "i0e", 1: "i1e"}


def scaled(e: Expr) -> tuple[Expr, ...]:
    """The expression over scaled functions; nothing where it has no function that is scaled."""
    found = rebuild(e, _step) if has_op(e, "besseli") else e
    return () if found is e else (found,)


def _step(x: Expr) -> Expr | None:
    name = _SCALED.get(x.args[0].value) if x.op == "besseli" else None  # type: ignore[call-overload]
    return call(name, x.args[1]) * call("exp", call("abs", x.args[1])) if name else None
