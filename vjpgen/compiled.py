"""What XLA makes of an expression before it computes it.

XLA's algebraic simplifier is allowed to change results where they leave the range of the dtype: `a/b/c`
becomes `a/(b*c)`, `exp(a)*exp(b)` becomes `exp(a + b)`, and a form that was safe as written is not safe as
compiled. Read off the optimised HLO of jax 0.10.2 on CPU; a test compiles each row and looks.
"""

from __future__ import annotations

from fractions import Fraction

from vjpgen.expr import Expr, Settling, call, num, variables


def compiled(e: Expr) -> Expr:
    """The expression with the rewritings of XLA's algebraic simplifier that move rounding or overflow."""
    return _settled(e)


def variants(e: Expr) -> tuple[Expr, ...]:
    """The expression as XLA compiles it, with roots as divisors and as factors.

    Alone, a/sqrt(b)/c is a*rsqrt(b)/c. In long programs it was seen to be a/(sqrt(b)*c), which is inf/inf
    where the other is not: which rewriting comes first depends on what stands around.
    """
    return tuple(dict.fromkeys((_roots_below(e), _settled(e))))


def _step(x: Expr) -> Expr | None:
    return _quotient_by_root(x) or _step_but_roots(x)


def _quotient_by_root(x: Expr) -> Expr | None:
    if x.op != "div" or x.args[1].op != "sqrt" or not variables(x.args[1]) or x.args[0].op == "div":
        return None
    return x.args[0] * call("rsqrt", x.args[1].args[0])


def _step_but_roots(x: Expr) -> Expr | None:
    if not variables(x):  # computed in Python, before XLA sees it
        return None
    match x.op, x.args:
        case "div", (a, b):
            return _quotient(a, b)
        case "mul", (a, b) if a.op == "exp" and b.op == "exp":
            return call("exp", a.args[0] + b.args[0])
        case "square", (a,) if a.op == "exp":
            return call("exp", a.args[0] + a.args[0])
        case (("mul" | "add"), (a, b)) if a.op == x.op and (c := _number(b)) is not None:
            return _gathered(x.op, a, c)
        case "log", (a,) if a.op == "sqrt":
            return call("log", a.args[0]) * num(Fraction(1, 2))
        case "log", (a,) if a.op == "exp":
            return a.args[0]
    return None


def _quotient(a: Expr, b: Expr) -> Expr | None:
    if not variables(b):
        c = _number(b)
        return a * (num(1) / b if c is None else num(1 / c)) if c != 0 else None
    if a.op == b.op == "div":
        return _times(a.args[0], b.args[1]) / (a.args[1] * b.args[0])
    if b.op == "div":
        return _times(a, b.args[1]) / b.args[0]
    if a.op == "div":
        return a.args[0] / (a.args[1] * b)
    if b.op == "exp":
        return a * call("exp", -b.args[0])
    if b.op == "pow":
        return a * call("pow", b.args[0], -b.args[1])
    return None


def _times(a: Expr, b: Expr) -> Expr:
    return b if _number(a) == 1 else a * b


def _gathered(op: str, a: Expr, c: Fraction) -> Expr | None:
    """(x * d) * c as x * (d * c), and the same for sums."""
    d = _number(a.args[1])
    if d is None:
        return None
    return call(op, a.args[0], num(c * d if op == "mul" else c + d))


def _number(e: Expr) -> Fraction | None:
    return e.value if isinstance(e.value, Fraction) else None


_settled, _roots_below = Settling(_step), Settling(_step_but_roots)
