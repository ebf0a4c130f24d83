"""Formulas that depend on two arguments through their difference alone: over that, one argument less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from vjpgen.expr import Expr, num, substitute, var, walk
from vjpgen.tidy import tidy


@dataclass(frozen=True, slots=True)
class Difference:
    """formula(first, second) = inside(first - second), with the name of the first for the difference."""

    first: str
    second: str

    def alone(self, formula: Expr) -> Expr | None:
        """The formula over the difference; None where it is not one."""
        x, m = var(self.first), var(self.second)
        if {self.first, self.second} & {*substitute(formula, {x - m: num(0), m - x: num(0)}).names}:
            return None
        return tidy(substitute(formula, {x - m: x, m - x: -x}))

    def back(self, form: Expr, degree: int = 0, log: Fraction | int = 0) -> Expr:
        """A form of that, over both arguments again."""
        return substitute(form, {var(self.first): var(self.first) - var(self.second)})


def differences(formula: Expr) -> Iterator[Difference]:
    """The differences of two arguments that occur in a formula."""
    seen: set[frozenset[Expr]] = set()
    for x in walk(formula):
        if x.op == "sub" and all(a.op == "var" for a in x.args) and frozenset(x.args) not in seen:
            seen.add(frozenset(x.args))
            yield Difference(str(x.args[0].value), str(x.args[1].value))
