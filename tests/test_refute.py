"""A limit does not stand in for a formula where samples seldom come."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.expr import Expr, num, var
from vjpgen.extract import Term
from vjpgen.parse import parse
from vjpgen.refute import WORTHLESS, wrong_limit
from vjpgen.regimes import Choice

x, y = var("x"), var("y")
ENV = {"x": np.linspace(0.1, 2, 8, dtype=np.float32), "y": np.full(8, 3, np.float32)}


def term(e: Expr) -> Term:
    return Term(e, np.zeros(8, np.float32), np.zeros(8), 1.0, 0.5)


def choice(limit: Expr, formula: Expr) -> Choice:
    """The limit below x = 1/10, the formula from there on."""
    return Choice(x, (term(limit), term(formula)), ((0.09, 0.11),), ((0, 1),), 0.0)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("exp(-log(y/x)**2/x)/x", num(0)), ("y*tanh((x - y)**2/x**4)", y), ("x*exp(-y)", num(0))],
)
def test_a_limit_that_fails_where_arguments_are_alike_is_worthless_there(text: str, limit: Expr) -> None:
    spec = parse(text, name="f", args=("x", "y"), assume=("x > 0 & y > 0",))
    found = wrong_limit(choice(limit, spec.outputs[0]), spec.outputs[0], spec, ENV)
    assert found is not None
    assert found.expr is limit
    assert np.array_equal(found.bits == WORTHLESS, ENV["x"] < 0.11)
    assert found.score > 0.5


@pytest.mark.parametrize(("text", "limit"), [("exp(-1/x**4)*tanh(y)", num(0)), ("y + exp(-1/x**3)", y)])
def test_a_limit_that_is_the_formula_everywhere_stays(text: str, limit: Expr) -> None:
    spec = parse(text, name="f", args=("x", "y"), assume=("x > 0 & y > 1",))
    assert wrong_limit(choice(limit, spec.outputs[0]), spec.outputs[0], spec, ENV) is None


def test_forms_that_equal_the_formula_are_not_looked_at() -> None:
    spec = parse("x*exp(-y)", name="f", args=("x", "y"))
    formula = spec.outputs[0]
    assert wrong_limit(choice(formula, formula), formula, spec, ENV) is None
