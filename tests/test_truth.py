"""Exact arithmetic against mpmath-free identities, scipy-free closed forms and float64 references."""

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from patience import PATIENCE
from vjpgen import truth as room
from vjpgen.arb_ops import COMPOSITE, RULES
from vjpgen.expr import APART, Expr, call, const, num, var, where
from vjpgen.ops import OPS
from vjpgen.truth import Truth

X, Y = var("x"), var("y")
SPECIAL = {"max", "min", "where", "polygamma", "besselj", "besseli"}


def one(e: Expr, *point: float) -> tuple[float, list[float]]:
    names = ("x", "y")[: len(point)]
    values, partials = Truth((e,), names).with_partials(np.array([point], dtype=float))
    return values[0, 0], partials[0, 0].tolist()


REAL = {name for name, op in OPS.items() if op.gives == "real"}


def test_every_operation_has_a_row_of_its_sort() -> None:
    assert RULES.keys() | COMPOSITE.keys() | SPECIAL | {*APART} == REAL  # these have their own formulas
    assert all(len(row.slopes) == OPS[name].arity for name, row in RULES.items())


def operands(name: str) -> list[tuple[Expr, ...]]:
    """Calls of an operation on expressions of x and y that stay inside its domain near (0.37, 0.81)."""
    if name == "acosh":
        return [(X + 2,)]
    if name in ("polygamma", "besselj", "besseli"):
        return [(num(n), X * 3) for n in (0, 1, 2, 5)]
    if name == "poly":
        return [(X, Y, num(2), X * Y), (X, num(3))]
    if name == "where":
        return [(call("lt", X, Y), X * X, Y), (call("lt", Y, X), X * X, Y * X)]
    if name == "sqrt_diff_of_products":
        return [(Y, X, X - Y, Y * 2), (X + 2, Y, X, Y)]
    arity = OPS[name].arity
    if arity == 1:
        return [(X,), (Y * X - num(Fraction(1, 7)),)] if name not in ("log", "sqrt") else [(X * Y,)]
    return [(X, Y, X * Y, Y + 1)[:arity], (Y, X, X - Y, Y * 2)[:arity]]


@pytest.mark.parametrize("name", sorted(REAL - {*APART}))
def test_partials_are_the_slopes_of_the_values(name: str) -> None:
    """Central differences of the values at 700 bits: independent of the table of derivatives."""
    for args in operands(name):
        truth = Truth((call(name, *args),), ("x", "y"))
        partials = truth.with_partials(np.array([[0.37, 0.81]]))[1][0, 0]
        for j in range(2):
            with_step = []
            for sign in (1, -1):
                ctx.prec = 700
                point = [arb(0.37), arb(0.81)]
                point[j] += sign * arb(2) ** -150
                ctx.prec = 53
                with_step.append(truth.balls([point], 700)[0][0])
            ctx.prec = 700
            slope = float((with_step[0] - with_step[1]) * arb(2) ** 149)
            ctx.prec = 53
            assert partials[j] == pytest.approx(slope, rel=1e-15, abs=1e-300), (name, args, j)


CLOSED = [
    ("exp", 1.0, math.e), ("log", 2.0, math.log(2)), ("cbrt", -27.0, -3.0), ("log2", 8.0, 3.0),
    ("log10", 1000.0, 3.0), ("round", 2.5, 2.0),
    ("round", 3.5, 4.0), ("round", -0.5, 0.0), ("round", -1.5, -2.0),
    ("floor", -0.5, -1.0), ("ceil", -0.5, 0.0), ("gamma", 5.0, 24.0),
    ("gamma", -0.5, -2 * math.sqrt(math.pi)),
    ("lgamma", -0.5, math.log(2 * math.sqrt(math.pi))), ("digamma", 1.0, -0.5772156649015329),
    ("erfinv", 0.5, 0.4769362762044699), ("lambertw", math.e, 1.0), ("erfcx", 30.0, 0.018795888861416751),
    ("sign", -3.0, -1.0), ("sign", 0.0, 0.0), ("abs", 0.0, 0.0), ("exp2", 10.0, 1024.0),
    ("lambertw", 0.0, 0.0),
    ("softplus", -745.0, math.exp(-745)), ("logistic", 800.0, 1.0),
    ("exp", -1e30, 0.0), ("exp", 1e4, math.inf),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "expected"), CLOSED)
def test_closed_forms(name: str, x: float, expected: float) -> None:
    assert one(call(name, X), x)[0] == pytest.approx(expected, rel=3e-16, abs=0)


def test_higher_functions() -> None:
    assert one(call("polygamma", num(1), X), 1.0)[0] == pytest.approx(math.pi**2 / 6, rel=1e-15)
    assert one(call("polygamma", num(1), X), -0.5)[0] == pytest.approx(math.pi**2 / 2 + 4, rel=1e-15)
    assert one(call("polygamma", num(2), X), -0.5)[0] == pytest.approx(
        -0.82879664423431999559 - 16 + 16, rel=1e-15
    )
    assert one(call("besselj", num(0), X), 2.404825557695773)[0] == pytest.approx(-6.1e-17, abs=1e-16)
    assert one(call("besseli", num(1), X), 1.0)[0] == pytest.approx(0.565159103992485, rel=1e-14)
    assert one(call("atan2", X, Y), 0.0, -1.0)[0] == pytest.approx(math.pi)


def test_cancellation_raises_the_precision() -> None:
    e = (1 - call("cos", X)) / (X * X)
    assert one(e, 1e-30)[0] == 0.5
    lost = (X + Y) - X
    assert one(lost, 1e300, 1e-300) == (1e-300, [0.0, 1.0])
    assert one(call("log", 1 + call("exp", X)), -1e4)[0] == 0.0


UNDEFINED = [
    ("log", 0.0), ("log", -1.0), ("sqrt", -1e-300), ("asin", 1.5), ("acosh", 0.5), ("atanh", 1.0),
    ("erfinv", 1.0),
    ("gamma", 0.0), ("gamma", -3.0), ("lgamma", -2.0), ("digamma", -1.0), ("log1p", -1.0), ("rsqrt", 0.0),
    ("lambertw", -0.5), ("log2", -1.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x"), UNDEFINED)
def test_undefined_is_nan(name: str, x: float) -> None:
    value, partials = one(call(name, X), x)
    assert math.isnan(value)
    assert math.isnan(partials[0])


KINKS = [
    (call("abs", X), 0.0, 0.0), (call("max", X, num(0)), 0.0, 0.0), (call("min", X, num(1)), 1.0, 1.0),
    (call("sign", X), 0.0, 0.0), (call("floor", X), 2.0, 2.0), (call("round", X), 2.5, 2.0),
    (call("sqrt", X), 0.0, 0.0), (call("cbrt", X), 0.0, 0.0), (call("asin", X), 1.0, math.pi / 2),
    (call("acosh", X), 1.0, 0.0), (where(call("eq", X, num(0)), num(1), call("sin", X) / X), 0.0, 1.0),
    (where(call("ne", X, num(0)), call("sin", X) / X, num(1)), 0.0, 1.0),
    (call("pow", X, num(Fraction(1, 3))), 0.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("e", "x", "value"), KINKS)
def test_a_kink_has_a_value_and_no_partial(e: Expr, x: float, value: float) -> None:
    got, partials = one(e, x)
    assert got == value
    assert math.isnan(partials[0])


def test_powers() -> None:
    assert one(call("pow", X, num(3)), -2.0) == (-8.0, [12.0])
    assert one(call("pow", X, num(-1)), -2.0) == (-0.5, [-0.25])
    assert one(call("pow", X, num(2)), 0.0) == (0.0, [0.0])
    assert one(call("pow", X, num(1)), 0.0) == (0.0, [1.0])
    assert one(call("pow", X, num(0)), 0.0) == (1.0, [0.0])
    assert one(call("pow", X, num(Fraction(3, 2))), 0.0) == (0.0, [0.0])
    assert one(call("pow", X, num(Fraction(3, 2))), 4.0) == (8.0, [3.0])
    assert one(call("pow", X, num(Fraction(-1, 2))), 4.0) == (0.5, [-1 / 16])
    assert one(call("pow", X, Y), 2.0, 3.0) == (8.0, [12.0, 8 * math.log(2)])
    assert one(call("pow", X, Y), 0.0, 2.0) == (0.0, [0.0, 0.0])
    assert math.isnan(one(call("pow", X, Y), -2.0, 3.0)[0])
    assert math.isnan(one(call("pow", X, num(Fraction(1, 3))), -8.0)[0])
    assert math.isnan(one(call("pow", X, num(-2)), 0.0)[0])


def test_the_untaken_branch_cannot_poison() -> None:
    safe = where(
        call("gt", X, num(0)), call("log", X), where(call("lt", X, num(-1)), call("sqrt", -1 - X), X)
    )
    assert one(safe, 1.0) == (0.0, [1.0])
    assert one(safe, -5.0) == (2.0, [-0.25])
    assert one(safe, -0.5) == (-0.5, [1.0])
    assert one(call("max", num(1), call("sqrt", X)), 0.0) == (1.0, [0.0])


def test_a_shared_branch_is_computed_once_whatever_the_nesting() -> None:
    e = X
    for k in range(300):
        e = where(call("gt", Y, num(k)), call("sin", e) + 1, call("sin", e) - 1)
    value = one(e, 0.5, 150.5)[0]
    expected = 0.5
    for k in range(300):
        expected = math.sin(expected) + (1 if k < 150.5 else -1)
    assert value == pytest.approx(expected, rel=1e-12)


def test_conditions_are_exact() -> None:
    truth = Truth(
        (call("lt", X * X + Y * Y, num(1)), call("eq", X + Y, num(1)), call("not", call("lt", X, Y))),
        ("x", "y"),
    )
    near = np.nextafter(0.8, 1)
    got = truth.holds(np.array([[0.6, 0.8], [0.6, near], [0.25, 0.75], [0.6, 0.7]]))
    exact = [[Fraction(x) ** 2 + Fraction(y) ** 2 < 1, Fraction(x) + Fraction(y) == 1, not x < y]
             for x, y in ((0.6, 0.8), (0.6, near), (0.25, 0.75), (0.6, 0.7))]  # fmt: skip
    assert got.tolist() == exact
    assert not Truth((call("lt", call("log", X), num(5)),), ("x",)).holds(np.array([[-1.0]])).any()


def test_unused_arguments_constants_and_no_arguments() -> None:
    values, partials = Truth((num(3), const("pi") * X), ("x", "y")).with_partials(np.array([[1.0, 2.0]]))
    assert values.tolist() == [[3.0, math.pi]]
    assert partials.tolist() == [[[0.0, 0.0], [math.pi, 0.0]]]
    assert Truth((const("e"),), ()).values(np.zeros((1, 0))).tolist() == [[math.e]]


def test_non_finite_points_are_nan() -> None:
    assert np.isnan(Truth((call("exp", X),), ("x",)).values(np.array([[np.nan], [np.inf]]))).all()


@settings(max_examples=60, deadline=None)
@given(st.fractions(), st.floats(-1e100, 1e100), st.floats(-1e100, 1e100))
def test_arithmetic_is_correctly_rounded(c: Fraction, x: float, y: float) -> None:
    e = (X * Y - num(c)) * X + Y
    exact = (Fraction(x) * Fraction(y) - c) * Fraction(x) + Fraction(y)
    assert one(e, x, y)[0] == float(exact)


def test_speed() -> None:
    """4096 points of softplus with partials take a twentieth of a second."""
    points = np.random.default_rng(0).uniform(-100, 100, (4096, 1))
    truth = Truth((call("log", 1 + call("exp", X)),), ("x",))
    start = time.perf_counter()
    truth.with_partials(points)
    assert time.perf_counter() - start < PATIENCE


def test_a_point_that_flint_gives_up_on_is_nan_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = Truth((call("lambertw", X),), ("x",))
    compiled = room._program(truth._exprs, ("x",), False, True)

    def moody(rows: list[list[float]]) -> object:
        if any(row == [2.0] for row in rows):
            raise ValueError("cannot do that")
        return compiled(rows)

    monkeypatch.setattr(room, "_program", lambda *_: moody)
    found = truth.values(np.array([[1.0], [2.0], [math.e]]))[:, 0]
    assert np.isnan(found).tolist() == [False, True, False]
