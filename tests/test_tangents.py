"""Where differentiating a form once more stays finite."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.expr import call, num, var, where
from vjpgen.ops import OPS
from vjpgen.parse import parse
from vjpgen.tangents import _RULES, Survival

x, y = var("x"), var("y")
F = np.float32


def at(text: str, *values: float) -> list[bool]:
    (e,) = parse(text, args=["x"]).outputs
    return Survival({"x": np.array(values, F)})(e).tolist()


@pytest.mark.parametrize(
    ("text", "values", "finite"),
    [
        ("sqrt(x)", (0.0, 1.0), [False, True]),
        ("x*x", (0.0, 1e30), [True, True]),
        ("1/x", (0.0, 1e-30, 2.0), [False, False, True]),
        ("exp(x)", (100.0, 1.0), [False, True]),
        ("log(x)", (0.0, 1.0), [False, True]),
        ("hypot(x, 0)", (0.0, 1.0), [False, True]),
        ("abs(x)", (0.0, 1.0), [True, True]),
        ("x**3", (0.0, 2.0), [True, True]),
        ("x**0.5", (0.0, 2.0), [False, True]),
        ("where(x > 0, sqrt(x), 0)", (0.0, 1.0), [True, True]),
        ("exp(x) / (1 + exp(x))", (200.0, 1.0), [False, True]),
        ("3", (1.0,), [True]),
        ("floor(x)", (1.0,), [True]),
    ],
)
def test_survives(text: str, values: tuple[float, ...], finite: list[bool]) -> None:
    assert at(text, *values) == finite


def test_the_branch_not_taken_counts_where_it_multiplies() -> None:
    e = x * where(call("gt", x, num(0)), call("sqrt", x), num(0))
    assert Survival({"x": np.array([0.0, 4.0], F)})(e).tolist() == [True, True]


def test_every_variable_counts() -> None:
    e = x + call("sqrt", y)
    env = {"x": np.ones(2, F), "y": np.array([0.0, 1.0], F)}
    assert Survival(env)(e).tolist() == [False, True]


def test_what_is_remembered_of_one_expression_is_right_for_the_next() -> None:
    """A variable that an expression lacks has no tangent there, though an earlier one had it."""
    env = {"x": np.array([0.0, 1e30, 2.0], F), "y": np.array([0.0, 1.0, -1.0], F)}
    root = call("sqrt", x)
    shapes = [root, root * y, x / y, root * root, x * x * y, num(3), call("exp", x) * root, y]
    together = Survival(env)
    for e in (*shapes, *reversed(shapes)):
        assert together(e).tolist() == Survival(env)(e).tolist(), e


@pytest.mark.parametrize("op", sorted(_RULES))
def test_a_rule_is_the_derivative(op: str) -> None:
    """Every rule against a difference quotient of the same operation in float64."""
    from vjpgen.floats import NUMPY

    start = 1.75 if op == "acosh" else 0.375
    operands = [np.array([start + 0.125 * k]) for k in range(OPS[op].arity)]
    if op == "sqrt_diff_of_products":
        operands.reverse()
    value = NUMPY[op](*operands)
    step = 2.0**-17
    for k, slope in enumerate(_RULES[op](operands, value)):
        up, down = (
            NUMPY[op](*(o + sign * step if j == k else o for j, o in enumerate(operands))) for sign in (1, -1)
        )
        np.testing.assert_allclose(
            np.broadcast_to(slope, (1,)), (up - down) / (2 * step), rtol=1e-6, atol=1e-9
        )
