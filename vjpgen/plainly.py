"""The plain derivative of a formula: the chain rule, like terms put together.

sympy knows more shapes (`derive`), but importing it takes longer than many a search: it is asked where the
chain rule of `chain` has no word for an operation, and for what the first e-graph has not made good.
"""

from __future__ import annotations

from vjpgen import chain
from vjpgen.collect import collected
from vjpgen.expr import Expr, call, variables
from vjpgen.gather import gathered
from vjpgen.tidy import tidy


def partial(e: Expr, arg: str) -> Expr:
    """d e / d arg as one would write it down.

    Args:
        e: a formula; max and min, if any, follow JAX's policy at ties.
        arg: the name of the argument.
    """
    slope = chain.partial(e, arg)
    if slope is not None:
        plain = tidy(collected(slope))
        shorter = gathered(plain)
        return plain if shorter is None else tidy(collected(shorter))
    if e.op == "where":  # sympy knows none
        return tidy(call("where", e.args[0], *(partial(side, arg) for side in e.args[1:])))
    from vjpgen import derive

    return derive.partial(e, arg, derive.symbols(variables(e)))[0]
