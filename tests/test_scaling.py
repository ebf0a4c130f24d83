"""Homogeneous formulas, and what they are over one argument less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr
from vjpgen.parse import parse
from vjpgen.scaling import Scaling, scalings


def of(text: str, *args: str) -> list[Scaling]:
    return list(scalings(parse(text, args=args).outputs, args, frozenset(args)))


def by_scale(text: str, *args: str) -> dict[str, tuple[dict[str, int], tuple[int, ...]]]:
    return {s.scale: (dict(s.weights), s.degrees) for s in of(text, *args)}


def test_a_length_and_its_square() -> None:
    found = by_scale("(1 + d/(2*a*l**2))**(-a)", "d", "a", "l")
    assert found == {"l": ({"d": 2, "a": 0}, (0,))}  # d would scale l by its root


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("sqrt(x**2 + y**2)", 1),
        ("x*log(x/y) - x + y", 1),
        ("1/(x*y + y**2)", -2),
        ("max(x, y) + abs(x - y)", 1),
        ("sign(x)*hypot(x, y)", 1),
        ("exp(x/y)*atan2(y, x)", 0),
        ("cbrt(x**3 + y**3)", 1),
    ],
)
def test_what_has_a_degree(text: str, degree: int) -> None:
    assert by_scale(text, "x", "y") == {"x": ({"y": 1}, (degree,)), "y": ({"x": 1}, (degree,))}


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("(a*x**p + (1 - a)*y**p)**(1/p)", 1),
        ("(x**(2*p)*y**(1 - p) + y**(p + 1)*a)**2/x**(p + 1)*y**(2 - p)", 3),
        ("x*exp(-(x/y)**p)", 1),
    ],
)
def test_exponents_that_are_formulas(text: str, degree: int) -> None:
    found = by_scale(text, "x", "y", "p", "a")
    others = {"p": 0, "a": 0}
    assert found["x"] == ({"y": 1, **others}, (degree,))
    assert found["y"] == ({"x": 1, **others}, (degree,))


@pytest.mark.parametrize("text", ["x**p/y**p + x", "x**p + y**p", "log(x**p + y**p)", "(x + y)**(x/p)"])
def test_exponents_that_leave_no_whole_power(text: str) -> None:
    assert not {"x", "y"} & {*by_scale(text, "x", "y", "p")}


@pytest.mark.parametrize(
    "text", ["x + y + 1", "exp(x) + y", "x**y", "sin(x)*y", "x**0.5 + y", "x*log(x) + y", "log(x)*log(y)"]
)
def test_what_has_none_in_whole_powers(text: str) -> None:
    assert "x" not in by_scale(text, "x", "y")


@pytest.mark.parametrize(
    ("text", "multiple"),
    [
        ("-log(x) - (y/x)**2/2", -1),
        ("log(x*y)/2 + exp(-x/y)", 1),
        ("3*log(x**2 + y**2)/4", 3 / 2),
        ("-(exp(y/x) - 2*log(x))", 2),
    ],
)
def test_a_logarithm_of_the_scale_is_a_term_of_its_own(text: str, multiple: float) -> None:
    found = {s.scale: s for s in of(text, "x", "y")}
    assert (found["x"].degrees, found["x"].logs) == ((0,), (multiple,))


def test_zero_scales_like_everything() -> None:
    assert by_scale("max(0, x) + min(y, 0) + (0 - x)", "x", "y")["x"] == ({"y": 1}, (1,))


def test_more_than_one_scale() -> None:
    """Amounts, times and rates: whichever is taken out first, the others are still there."""
    names = ("s", "k", "r", "t")
    (e,) = parse("s*exp(-r*t) - k", args=names).outputs
    assert {s.scale for s in scalings([e], names, frozenset(names))} == set(names)
    first = next(s for s in scalings([e], names, frozenset(names)) if s.scale == "s")
    left = tuple(a for a in names if a != "s")
    assert {s.scale for s in scalings([first.alone(e)], left, frozenset(left))} == {"r", "t"}


def test_formulas_share_their_scale() -> None:
    (one, other) = of("(x + y, x*y)", "x", "y")
    assert (one.degrees, other.degrees) == ((1, 2), (1, 2))
    assert of("(x + y, x*y + 1)", "x", "y") == []


def test_an_argument_that_may_be_zero_is_no_scale() -> None:
    (e,) = parse("hypot(x, y)", args=["x", "y"]).outputs
    assert [s.scale for s in scalings([e], ("x", "y"), frozenset("y"))] == ["y"]


_FORMULAS = (
    "sqrt(x**2 + y*z)",
    "x*y/(z + x)",
    "exp(-x/y)*z**2",
    "(x - y)**3/z",
    "log(1 + x*y/z**2)*x",
    "exp(x/y) - 2*log(y*z)",
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_FORMULAS), st.lists(st.floats(0.125, 8.0), min_size=3, max_size=3))
def test_putting_it_back_gives_the_formula(text: str, values: list[float]) -> None:
    names = ("x", "y", "z")
    (e,) = parse(text, args=names).outputs
    env = {a: np.array(v) for a, v in zip(names, values, strict=True)}

    def value(form: Expr) -> float:
        return float(evaluate(form, env, np.float64))

    found = list(scalings([e], names, frozenset(names)))
    assert found
    for s in found:
        back = s.back(s.alone(e), s.degrees[0], s.logs[0])
        assert s.scale not in s.alone(e).names
        assert value(back) == pytest.approx(value(e), rel=1e-9, abs=1e-12)
