"""Formulas whose parts leave the range: what they come to in JAX, in the search, and in text."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vjpgen
from changed import mean_bits
from vjpgen import verify
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, const, num, opened, show, substitute, var, wide_range
from vjpgen.floats import representable, ulps
from vjpgen.lowering import lower
from vjpgen.naming import Names
from vjpgen.parse import parse
from vjpgen.render import helpers_in, with_callees
from vjpgen.search import search
from vjpgen.shown import read
from vjpgen.templating import Templates
from vjpgen.truncations import linear, near_zero
from vjpgen.truth import Truth
from vjpgen.widened import widened

a, b, c, d = map(var, "abcd")
FORMULAS = (
    a * b / c / d * a,
    a * b - c * d,
    (a * b - c * d) / a,
    call("sqrt", call("abs", a * b / c)) * d,
    call("log", call("abs", a * b)),
    num(2) * a / (num(3) * b * const("pi")) / call("square", c),
    -(a / b) / call("log", num(7)) * call("sin", c) * call("sin", d),
)
HEAD = """
from __future__ import annotations
import math
import jax
import jax.numpy as jnp
"""


def compiled(e: Expr) -> Any:
    """The expression as a jitted function of a, b, c, d."""
    block = lower([e], Names(("a", "b", "c", "d")), None)
    body = "".join(f"    {line}\n" for line in (*block.lines, f"return {block.results[0]}"))
    scope: dict[str, Any] = {}
    helpers = with_callees(Templates(), helpers_in(body), "Array")
    exec("\n\n".join((HEAD, f"def f(a, b, c, d):\n{body}", *helpers)), scope)
    return jax.jit(scope["f"])


def everywhere(dtype: Any = np.float32, count: int = 3000) -> list[np.ndarray]:
    """Normal numbers of every magnitude."""
    kind = np.finfo(dtype)
    rng = np.random.default_rng(5)
    powers = rng.uniform(kind.minexp, kind.maxexp, (4, count))
    return list((rng.choice([-1, 1], (4, count)) * 2.0**powers).astype(dtype))


def exact(e: Expr, at: list[np.ndarray]) -> np.ndarray:
    return Truth((e,), ("a", "b", "c", "d")).values(np.stack(at, axis=1).astype(np.float64))[:, 0]


@pytest.mark.parametrize("e", FORMULAS, ids=show)
def test_only_the_result_is_rounded_to_the_range(e: Expr) -> None:
    at = everywhere()
    truth = exact(e, at)
    usual = representable(truth, np.float32)
    assert usual.sum() > 500
    plain, wide = (np.asarray(compiled(x)(*at)) for x in (e, wide_range(e)))
    told = evaluate(wide_range(e), dict(zip("abcd", at, strict=True)))
    missed = ulps(plain, truth)[usual] > 16
    assert missed.mean() > 0.05 or e is FORMULAS[1]
    assert np.quantile(ulps(wide, truth)[usual], 0.998) <= 4
    np.testing.assert_array_equal(np.isfinite(told), np.isfinite(wide))
    assert (ulps(told[usual], wide[usual].astype(np.float64)) <= 4).mean() > 0.998


def test_in_float64() -> None:
    e = FORMULAS[0]
    at = everywhere(np.float64)
    truth = exact(e, at)
    usual = representable(truth, np.float64)
    with jax.enable_x64():
        got = np.asarray(compiled(wide_range(e))(*map(jnp.asarray, at)))
    told = evaluate(wide_range(e), dict(zip("abcd", at, strict=True)), np.float64)
    assert got.dtype == np.float64
    assert usual.sum() > 500
    np.testing.assert_allclose(got[usual], truth[usual], rtol=1e-15)
    np.testing.assert_allclose(told[usual], truth[usual], rtol=1e-15)


@pytest.mark.parametrize(
    "e",
    [a * b / c, a * b - c, call("sqrt", call("abs", a / b)), call("log", a * b), a * call("sign", b / c)],
    ids=show,
)
def test_zeros_infinities_and_nan_are_what_they_always_are(e: Expr) -> None:
    special = np.array([0, 1, -2, np.inf, -np.inf, np.nan], np.float32)
    at = [x.reshape(-1) for x in np.meshgrid(special, special, special, [np.float32(1)])]
    plain, wide = (np.asarray(compiled(x)(*at)) for x in (e, wide_range(e)))
    np.testing.assert_allclose(wide, plain, rtol=3e-7)
    told = evaluate(wide_range(e), dict(zip("abcd", at, strict=True)))
    np.testing.assert_allclose(told, plain, rtol=3e-7)


def test_derivatives_are_those_of_the_formula() -> None:
    e = call("log", call("abs", (a * b - c) / call("sqrt", d)))
    at = list(np.random.default_rng(3).uniform(0.3, 4, (4, 200)).astype(np.float32))
    plain, wide = (np.stack(jax.vmap(jax.grad(compiled(x), (0, 1, 2, 3)))(*at)) for x in (e, wide_range(e)))
    np.testing.assert_allclose(wide, plain, rtol=2e-5)


def test_what_is_no_arithmetic_is_an_operand() -> None:
    e = wide_range(call("exp", a * b) * c / d)
    assert [show(x) for x in e.args] == ["exp(a * b)", "c", "d"]
    assert show(opened(substitute(e, {c: a - b}))) == "exp(a * b) * (a - b) / d"
    assert read(show(e)) is e


@pytest.mark.parametrize(
    ("formula", "wide"),
    [
        ("a*b/c", "wide_range(a * b / c)"),
        ("a*b*(c + exp(d))", "wide_range(a * b * (c + exp(d)))"),
        ("exp(a*b/c)", "exp(wide_range(a * b / c))"),
        ("log(abs(a*b))", "wide_range(log(abs(a * b)))"),
        ("a**3/b", "wide_range(a * a * a / b)"),
        ("hypot(a, b)/c", "wide_range(sqrt(a**2 + b**2) / c)"),
    ],
)
def test_what_is_put_into_a_wider_range(formula: str, wide: str) -> None:
    assert show(widened(read(formula))) == wide


@pytest.mark.parametrize(
    "formula", ["a*b", "exp(a)*b", "sin(a + b)", "sqrt(a)", "log(abs(a))", "sqrt(abs(a))"]
)
def test_what_cannot_leave_the_range_on_its_way_is_left_alone(formula: str) -> None:
    assert widened(read(formula)) is read(formula)


@pytest.mark.parametrize(
    ("formula", "first"),
    [
        ("c*log(abs(sinh(a*b)))", ["c * log(abs(a * b))"]),
        ("c*tanh(a*b)/cosh(a*b)", ["c * (a * b)"]),
        ("sin(a/b) + sin(c*d)", ["a / b + sin(c * d)", "sin(a / b) + c * d"]),
        ("sinh(a) + sin(a + b)", []),
    ],
)
def test_first_terms_of_functions_of_products(formula: str, first: list[str]) -> None:
    assert [show(e) for e in near_zero([read(formula)])] == first


def test_operands_in_place_of_functions_where_they_are_tiny() -> None:
    tiny = {read("a/b"), read("c")}.__contains__
    forms = [read(e) for e in ("d*log1p(a/b)", "sin(a + b)", "tanh(c)*exp(c)/sinh(a)")]
    assert [show(e) for e in linear(forms, tiny)] == ["d * (a / b)", "c / sinh(a)"]


def test_a_factor_makes_up_for_an_operand_that_is_no_normal_number() -> None:
    spec = parse("v*log(m/(m - k))", assume=["v > 0", "k > 0", "m > k"])
    (form,) = search(spec).values
    found, plain = mean_bits(spec, [form, read("v*log1p(k/(m - k))")])
    assert found < 0.6 < 1.5 < plain


def test_the_search_goes_on_in_a_wider_range_where_results_are_lost() -> None:
    made = vjpgen.generate("a*b/c/d*a", name="f")
    f = verify.load(made.module, "f").f
    at = np.float32([1e30, 1e25, 1e28, 1e21])  # a*b overflows
    value, slopes = jax.jit(jax.value_and_grad(f, (0, 1, 2, 3)))(*at)
    np.testing.assert_allclose(value, 1e36, rtol=1e-6)
    np.testing.assert_allclose(slopes, [2e6, 1e11, -1e8, -1e15], rtol=1e-6)
    assert "_wide" in made.module
