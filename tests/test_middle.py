"""Differences of like functions: the integral of the derivative between, where they are near each other."""

from __future__ import annotations

import numpy as np
import pytest

from changed import formula, mean_bits
from vjpgen import middle
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, show, substitute, var, variables
from vjpgen.parse import parse
from vjpgen.search import search
from vjpgen.truth import Truth

ALONE = (
    "erf(a + b) - erf(a)",
    "(erf((a + b)/2) - erf((a - b)/2))/2",
    "loggamma(a) - loggamma(a + b)",
    "3*digamma(a + b) - 3*digamma(a)",
    "asin(a/4) - asin(a/4 - b)",
    "acosh(2 + a + b) - acosh(2 + a)",
    "tanh(a - b) - tanh(a)",
)


@pytest.mark.parametrize("text", ALONE)
def test_right_to_float64_where_the_operands_are_near_each_other(text: str) -> None:
    e, draw = formula(text), np.random.default_rng(0)
    at = np.stack([draw.uniform(0.5, 2.0, 32), 10 ** draw.uniform(-9, -2, 32)], axis=1)
    exact = Truth((e,), ("a", "b")).values(at)[:, 0]
    assert variables(e) == ("a", "b")
    env = dict(zip("ab", at.T, strict=True))
    found = middle.near([e])
    far = [np.abs(evaluate(f, env, np.float64) / exact - 1).max() for f in found]
    assert min(far) < 1e-13
    plain = np.abs(evaluate(e, env, np.float64) / exact - 1).max()
    assert plain > 1e-9  # else the test would say nothing


@pytest.mark.parametrize(
    "text", ["erf(a) + erf(b)", "erf(a) - 2*erf(b)", "sin(a) - sin(b)", "erf(a) - erfc(b)", "erf(a)"]
)
def test_nothing_where_there_is_no_such_difference(text: str) -> None:
    assert not middle.near([formula(text)])
    assert not middle.distances([formula(text)])


def test_an_argument_may_have_the_name_of_the_operand() -> None:
    (e, *_), env = (
        middle.near([formula("erf(u + b) - erf(u)")]),
        {"u": np.array([0.5]), "b": np.array([1e-6])},
    )
    assert evaluate(e, env, np.float64) == pytest.approx(2e-6 / np.sqrt(np.pi) * np.exp(-0.25), rel=1e-5)


def test_how_far_apart_the_operands_are() -> None:
    found = [show(e) for e in middle.distances([formula("digamma(a + b) - digamma(a)")])]
    assert found == ["abs(b)", "abs(b / ((2 * a + b) / 2))"]


def test_a_difference_in_a_larger_formula_becomes_a_variable() -> None:
    e, asked = formula("x*log(erf(x + y) - erf(x)) + y"), list[Expr]()

    def symbol(difference: Expr) -> Expr:
        asked.append(difference)
        return var("D")

    (shape,) = middle.apart(e, symbol)
    assert [show(d) for d in asked] == ["erf(x + y) - erf(x)"]
    assert "D" in shape.names
    env = {a: np.random.default_rng(0).uniform(0.5, 2.0, 16) for a in "xy"}
    again = evaluate(substitute(shape, {var("D"): asked[0]}), env, np.float64)
    np.testing.assert_allclose(again, evaluate(e, env, np.float64), rtol=1e-12)


def test_a_difference_alone_needs_no_variable() -> None:
    assert not middle.apart(formula("erf(a + b) - erf(a)"), lambda difference: var("D"))


def test_the_search_uses_it() -> None:
    """A partial of the logarithm of the beta function."""
    spec = parse("loggamma(a) + loggamma(b) - loggamma(a + b)", args=["a", "b"], assume=["a > 0", "b > 0"])
    form = search(spec).partials[0][0]
    (bits,) = mean_bits(spec, [form], "a")
    assert "polygamma" in show(form)
    assert bits < 1.0
