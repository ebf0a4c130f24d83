"""Formulas with their arithmetic in a wider range: for results that are in range, of parts that are not."""

from __future__ import annotations

from vjpgen.expr import WIDE, Expr, again, call, rebuild, walk, wide_range
from vjpgen.two_words import written_out

_FAR = frozenset(("add", "sub", "mul", "div", "square"))
_WRITTEN = frozenset(("pow", "rsqrt"))


def widened(e: Expr) -> Expr:
    """`e` with all that is nothing but sums, products, quotients and roots in a wider range."""
    return _outside(rebuild(e, _arithmetic), {})


def _arithmetic(x: Expr) -> Expr | None:
    """What is sums, products, quotients and roots: powers with whole and half exponents, hypot."""
    if x.op == "hypot":
        a, b = x.args
        return call("sqrt", call("square", a) + call("square", b))
    form = written_out(x) if x.op in _WRITTEN else None
    return form if form is not None and form.op in WIDE else None


def _outside(x: Expr, done: dict[Expr, Expr]) -> Expr:
    if x not in done:
        arithmetic = x.op in WIDE or (x.op == "log" and x.args[0].op in WIDE)
        wide = wide_range(x) if x.names and arithmetic else x
        kept = wide if isinstance(wide.value, Expr) and _leaves(wide.value) else x
        done[x] = again(kept, (_outside(a, done) for a in kept.args))
    return done[x]


def _leaves(root: Expr) -> bool:
    """Whether a part may leave the range where the result does not."""
    return any(y.op in _FAR and y is not root and y.names for y in walk(root))
