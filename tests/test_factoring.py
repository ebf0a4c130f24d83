"""Sums with their common factors taken out are equal, shorter, and found in formulas at large."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vjpgen import derive, plainly
from vjpgen.candidates import columns
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, has_op, num
from vjpgen.factoring import divided, factored, through
from vjpgen.parse import parse
from vjpgen.points import sample
from vjpgen.search import search


def formula(text: str) -> Expr:
    return parse(text).outputs[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b**2 - a*exp(x)/b**2 - 1/b", "(a * (1 - exp(x)) / b - 1) / b"),
        ("x*y + x*z + w", "x * (y + z) + w"),
        ("x + x*exp(y)", "x * (1 + exp(y))"),
        ("3*x - 3*y", "3 * x - 3 * y"),  # numbers alone are no reason
        ("x**5/120 - x**3/6 + x", "x * (x**2 * (x**2 / 120 - 1/6) + 1)"),
        ("log(x*y + x*z)", "log(x * (y + z))"),
        ("1/(x*y) - 1/(x*z)", "(1 / y - 1 / z) / x"),
        ("x - y", "x - y"),
    ],
)
def test_what_is_taken_out(text: str, expected: str) -> None:
    assert str(factored(formula(text))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(exp(y) - 1)/exp(y)", "1 - exp(-y)"),
        ("(x*exp(y)**2 + 3*x)/(x*exp(y))", "exp(y) + 3 * exp(-y)"),
        ("(x**2*y - x)/x**2", "y - 1 / x"),
        ("(x - y)/z", "(x - y) / z"),  # no term gets shorter
        ("x/(y - 1)", "x / (y - 1)"),
    ],
)
def test_a_quotient_term_by_term(text: str, expected: str) -> None:
    assert str(divided(formula(text))) == expected


def test_a_formula_without_common_factors_is_the_same_object() -> None:
    e = formula("sqrt((r/c)**2 + 1) - exp(-x)")
    assert factored(e) is e


def test_a_derivative_of_a_density() -> None:
    slope = plainly.partial(formula("-((x-m)/b+exp(-(x-m)/b))-log(b)"), "b")
    assert str(factored(slope)) == "((x - m) * (1 - exp((m - x) / b)) / b - 1) / b"


_atoms = st.sampled_from(["x", "y", "exp(x)", "(x - y)", "3", "y**2", "log(y)"])
_products = st.lists(_atoms, min_size=1, max_size=4).map("*".join)
_quotients = st.tuples(_products, _products).map(lambda p: f"{p[0]}/({p[1]})")
_sums = st.lists(st.tuples(st.sampled_from("+-"), _quotients), min_size=1, max_size=5).map(
    lambda terms: "".join(f" {sign} {term}" for sign, term in terms)
)


@settings(max_examples=200, deadline=None)
@given(_sums)
def test_the_value_stays_the_same(text: str) -> None:
    e = formula("0" + text + " + 0*(x + y)")
    env = {"x": np.array([0.7, 1.9, -2.3]), "y": np.array([0.4, 3.1, 5.3])}
    env = {name: env[name] for name in e.names}
    size = evaluate(_without_signs(e), {k: np.abs(v) for k, v in env.items()}, np.float64)
    off = np.abs(evaluate(factored(e), env, np.float64) - evaluate(e, env, np.float64))
    assert (off <= 1e-9 * (1 + np.abs(size)) * 1e3).all()


def _without_signs(e: Expr) -> Expr:
    if e.op == "sub":
        return _without_signs(e.args[0]) + _without_signs(e.args[1])
    return e


def test_operands_of_functions_are_multiplied_out() -> None:
    """v*sqrt(t) is a factor of what stands over it."""
    e = formula("erfc((log(s/k) + (r + v**2/2)*t)/(v*sqrt(t)) - v*sqrt(t))")
    (found,) = derive.spread(e, derive.symbols(("s", "k", "r", "v", "t"), frozenset("skvt")))
    env = {"s": 1.0, "k": 2.0, "r": 0.5, "v": 1e25, "t": 1e25}
    with np.errstate(over="ignore", invalid="ignore"):
        plain, better = (evaluate(f, {k: np.float32(v) for k, v in env.items()}) for f in (e, found))
    assert plain == 0.0  # the first term is infinite
    assert better == 2.0
    assert derive.spread(call("exp", num(2) * formula("x")), derive.symbols(("x",))) == ()


def test_a_quotient_of_sums_is_divided_through_by_what_grows_below() -> None:
    e = formula("x - (a*sinh(x) - x)/(a*cosh(x) - 1)")
    (found,) = through(e, lambda part: np.array([True]))
    assert str(found) == "x - (sinh(x) / cosh(x) - x / (a * cosh(x))) / (1 - 1 / (a * cosh(x)))"
    at = {"x": np.array([0.3, -2.0, 9.0]), "a": np.array([1.5, 4.0, 0.2])}
    np.testing.assert_allclose(evaluate(found, at, np.float64), evaluate(e, at, np.float64), rtol=1e-14)
    assert through(formula("(x + y)/(x - y)"), lambda part: np.array([True])) == ()
    assert through(e, lambda part: np.array([has_op(part, "sinh"), has_op(part, "cosh")])) == ()


def test_infinity_by_infinity_far_out_is_found_a_form() -> None:
    """The step of Newton's method for Kepler's hyperbolic equation."""
    spec = parse("(a*sinh(x) - 2*x)/(a*cosh(x) - 1)", assume=["a > 1"])
    forms, points = search(spec), sample(spec, 512, 5)
    got, exact = evaluate(forms.values[0], columns(spec, points.at)), points.truth_values[:, 0]
    assert np.isnan(evaluate(spec.outputs[0], columns(spec, points.at))).sum() > 50
    assert np.isfinite(got).all()
    assert np.mean(np.abs(got - exact) > 1e-5 * np.abs(exact)) < 0.02
