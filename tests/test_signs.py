"""Signs from structure and from stated conditions, against what sampling says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, var
from vjpgen.parse import parse, parse_condition
from vjpgen.signs import ANY, decide, difference

x, y = var("x"), var("y")


@pytest.mark.parametrize(
    ("condition", "known", "answer"),
    [
        ("exp(x) > 0", (), True),
        ("exp(x) <= 0", (), False),
        ("x**2 >= 0", (), True),
        ("x**3 >= 0", (), None),
        ("1 + x**4 > 0", (), True),
        ("abs(x) < 0", (), False),
        ("abs(x) + 1 > 0", (), True),
        ("x > 0", ("x > 3",), True),
        ("x > 0", ("x >= 0",), None),
        ("x >= 0", ("x > 0",), True),
        ("x < 0", ("x > 0",), False),
        ("x > y", ("y < x",), True),
        ("x - y > 0", ("x > y",), True),
        ("x*y > 0", ("x > 0", "y > 0"), True),
        ("x*y > 0", ("x > 0", "y < 0"), False),
        ("x/y < 0", ("x > 0", "y < 0"), True),
        ("exp(x) - 1 > 0", ("x > 0",), True),
        ("1 - exp(x) > 0", ("x > 0",), False),
        ("not (x > 0)", ("x > 0",), False),
        ("x > 0", ("not (x <= 0)",), True),
        ("x > 0", ("x > 0 and y > 0",), True),
        ("x > 0", ("x > 0 or y > 0",), None),
        ("x > 0", ("not (x <= 0 or y > 0)",), True),
        ("sqrt(x) >= 0", (), True),
        ("x + y > 0", ("x > 0", "y >= 0"), True),
        ("x + y > 0", ("x > 0",), None),
        ("tanh(x) < 0", ("x < 0",), True),
        ("x**y > 0", ("x > 0",), True),
        ("x == 0", ("x != 0",), False),
        ("x == x", (), True),
        ("sin(x) > 2", (), None),
        ("x > 0 and y > 0", ("x > 0",), None),
    ],
)
def test_decide(condition: str, known: tuple[str, ...], answer: bool | None) -> None:
    args = ["x", "y"]
    facts = [parse_condition(k, args) for k in known]
    assert decide(parse_condition(condition, args), facts) is answer


def test_difference_without_facts_is_open() -> None:
    assert difference(x, y, ()) == ANY
    assert difference(x, x, ()) == {0}
    assert difference(num(3), num(2), ()) == {1}


LEAVES = st.sampled_from([x, y, num(0), num(1), num(-2)])
UNARY = st.sampled_from(
    ["neg", "abs", "square", "sqrt", "exp", "expm1", "log1p", "tanh", "sinh", "atan", "cosh", "log"]
)
TERMS = st.recursive(
    LEAVES,
    lambda t: st.one_of(
        st.builds(call, UNARY, t),
        st.builds(call, st.sampled_from(["add", "sub", "mul", "div", "pow", "hypot"]), t, t),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(TERMS, TERMS, st.booleans())
def test_signs_are_never_wrong(a: Expr, b: Expr, positive: bool) -> None:
    values = np.array([-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0])
    if positive:
        values = values[values > 0]
    known = (call("gt", x, num(0)), call("gt", y, num(0))) if positive else ()
    env = {"x": np.repeat(values, len(values)), "y": np.tile(values, len(values))}
    one, other = (np.broadcast_to(evaluate(e, env, np.float64), len(env["x"])) for e in (a, b))
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(one) & np.isfinite(other)
        gap = one[usable] - other[usable]
        gap[np.abs(gap) < 1e-9 * (np.abs(one[usable]) + np.abs(other[usable]) + 1e-9)] = np.nan
    seen = {int(s) for s in np.sign(gap[np.isfinite(gap)])}
    assert seen <= difference(a, b, known)


def test_a_formula_of_text() -> None:
    (e,) = parse("exp(x) + abs(y)").outputs
    assert difference(e, num(0), ()) == {1}
