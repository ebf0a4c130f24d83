"""Products taken apart: the factors that depend on one variable alone, and the rest."""

from __future__ import annotations

from vjpgen.expr import Expr, num, variables


def separate(e: Expr, name: str) -> tuple[Expr, Expr] | None:
    """(g, r) with e = g * r, where g depends on `name` alone and takes all factors that do.

    None where no factor depends on it alone.
    """
    top: list[Expr] = [e]
    bottom: list[Expr] = []
    sign = 1
    inside: list[Expr] = []
    outside: list[Expr] = []
    below_inside: list[Expr] = []
    below_outside: list[Expr] = []
    while top or bottom:
        upper = bool(top)
        x = (top if upper else bottom).pop()
        here, there = (top, bottom) if upper else (bottom, top)
        if x.op == "mul":
            here.extend(reversed(x.args))
        elif x.op == "div":
            here.append(x.args[0])
            there.append(x.args[1])
        elif x.op == "neg":
            here.append(x.args[0])
            sign = -sign
        elif variables(x) == (name,):
            (inside if upper else below_inside).append(x)
        else:
            (outside if upper else below_outside).append(x)
    if not inside and not below_inside:
        return None
    rest = _quotient(outside, below_outside)
    return _quotient(inside, below_inside), rest if sign > 0 else -rest


def _quotient(top: list[Expr], bottom: list[Expr]) -> Expr:
    above, below = _product(top), _product(bottom)
    if below is None:
        return above if above is not None else num(1)
    return (above if above is not None else num(1)) / below


def _product(factors: list[Expr]) -> Expr | None:
    total: Expr | None = None
    for f in factors:
        total = f if total is None else total * f
    return total
