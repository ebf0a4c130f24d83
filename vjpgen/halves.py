"""Formulas that are even or odd in an argument, searched where it is above 0.

`log(2*cosh(x)) - x*tanh(x)` cancels at both ends, and what mends it for positive x, `1 - tanh(x)`, is of no
use for negative ones. A formula that is even is f(|x|), one that is odd sign(x)*f(|x|): f is searched over
positive numbers, on which more identities hold, and |x| put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vjpgen.expr import Expr, call, num, substitute, var, where
from vjpgen.tidy import tidy


@dataclass(frozen=True, slots=True)
class Half:
    """The positive half of the range of an argument."""

    name: str

    def alone(self, formula: Expr) -> Expr:
        """The formula for positive numbers."""
        x = var(self.name)
        return tidy(substitute(formula, {call("abs", x): x, call("sign", x): num(1)}))

    def back(self, form: Expr, degree: int, log: Fraction | int = 0) -> Expr:
        """A form for positive numbers over all of them: even where the degree is, else odd.

        What is odd keeps its slope at 0, where that of |x| is 0 to JAX.
        """
        x = var(self.name)
        if not degree % 2:
            return substitute(form, {x: call("abs", x)})
        negative = call("lt", x, num(0))
        return where(negative, num(-1), num(1)) * substitute(form, {x: where(negative, -x, x)})
