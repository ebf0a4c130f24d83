"""Operands in double words: what they come to in JAX, in the search, and in text."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vjpgen.evaluation import TWO_WORDS, evaluate
from vjpgen.expr import Expr, call, double_word, has_op, num, opened, substitute, var
from vjpgen.floats import ulps
from vjpgen.lowering import lower
from vjpgen.naming import Names
from vjpgen.render import decorators_first, helpers_in, with_callees
from vjpgen.templating import Templates
from vjpgen.truth import Truth
from vjpgen.two_words import DIRECT, cost, sharper

a, b, c = var("a"), var("b"), var("c")
MAGNIFIED = (
    call("exp", b * (call("asinh", a) + c)),
    call("exp", a * a + 1),
    call("pow", (a + b) / c, a),
    call("exp_product", b, call("log_ratio", a, c)),
    call("expm1", call("log1p", a / b) * c),
    call("sin", a * b * c),
    call("exp", call("softplus", a) * b),
)
EVERYWHERE = (
    *(a * b, a + b, a - b, a / b, a * b / b),
    *(call(op, a) for op in sorted(DIRECT - {"add", "sub", "mul", "div"})),
    *(call("log1p", call("exp", a)) * b, call("log", a / b), call("expm1", a) - b),
)
HEAD = """
from __future__ import annotations
import math
import struct
from collections.abc import Callable
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike, DTypeLike
Pair = tuple[Array, Array]
"""


def compiled(e: Expr) -> object:
    """The expression as a jitted function of a, b, c."""
    block = lower([e], Names(("a", "b", "c")), None)
    body = "".join(f"    {line}\n" for line in (*block.lines, f"return {block.results[0]}"))
    helpers = decorators_first(with_callees(Templates(), helpers_in(body), "Array"))
    scope: dict[str, object] = {}
    exec("\n\n".join((HEAD, f"def f(a, b, c):\n{body}", *helpers)), scope)
    return jax.jit(scope["f"])  # type: ignore[arg-type]


def points(dtype: type = np.float32) -> list[np.ndarray]:
    return list(np.random.default_rng(11).uniform(0.3, 4.0, (3, 2000)).astype(dtype))


@pytest.mark.parametrize("e", MAGNIFIED, ids=str)
def test_what_is_magnified_is_right_to_the_last_digits_once_compiled(e: Expr) -> None:
    at = points()
    exact = Truth((e,), ("a", "b", "c")).values(np.stack(at, axis=1).astype(np.float64))[:, 0]
    usual = (np.abs(exact) < 1e30) & (np.abs(exact) > 1e-30)
    sharp = sharper(e)
    assert has_op(sharp, "double_word")
    (plain, better), simulated = (
        (ulps(np.asarray(compiled(x)(*at)), exact)[usual].max() for x in (e, sharp)),  # type: ignore[operator]
        ulps(evaluate(sharp, dict(zip("abc", at, strict=True))), exact)[usual].max(),
    )
    assert better <= 3 < plain
    assert simulated <= 3


def test_derivatives_are_those_of_the_formula() -> None:
    e = MAGNIFIED[0]
    slope = jax.vmap(jax.grad(compiled(sharper(e)), argnums=(0, 1, 2)))(*points())  # type: ignore[arg-type]
    exact = Truth((e,), ("a", "b", "c")).with_partials(np.stack(points(), axis=1).astype(np.float64))[1]
    assert np.allclose(np.stack(slope, axis=1), exact[:, 0], rtol=2e-5)


def test_operands_are_replaced_like_those_of_any_operation() -> None:
    word = sharper(MAGNIFIED[0])
    moved = substitute(word, {b: a - c})
    assert opened(moved) is substitute(opened(word), {b: a - c})
    assert compiled(moved)(jnp.float32(2), None, jnp.float32(1.5)) > 0  # type: ignore[operator]


def test_a_product_is_not_fused_with_the_sum_that_uses_it() -> None:
    """With fused multiply-add the error of a**2 would count twice."""
    e = call("log", a * a + 1)
    at = points()
    exact = Truth((e,), ("a",)).values(at[0][:, None].astype(np.float64))[:, 0]
    got = compiled(double_word(e))(*at)  # type: ignore[operator]
    assert ulps(np.asarray(got), exact).max() <= 1


def everywhere() -> list[np.ndarray]:
    """Normal numbers of every magnitude, zeros and infinities."""
    patterns = np.random.default_rng(5).integers(0, 2**32, (2, 6000), dtype=np.uint32).view(np.float32)
    usual = np.isfinite(patterns) & (np.abs(patterns) >= np.finfo(np.float32).tiny)
    special = np.array([0, -0.0, np.inf, -np.inf, 1, 1e-37, 3e38], np.float32)
    rows = np.where(usual, patterns, 1.5).astype(np.float32)
    return [np.concatenate([rows[0], np.repeat(special, 7)]), np.concatenate([rows[1], np.tile(special, 7)])]


@pytest.mark.parametrize("e", EVERYWHERE, ids=str)
def test_the_search_knows_what_becomes_of_them_at_every_magnitude(e: Expr) -> None:
    word = double_word(call("abs", e))
    a_at, b_at = everywhere()
    got = np.asarray(compiled(word)(a_at, b_at, None))  # type: ignore[operator]
    told = np.broadcast_to(evaluate(word, {"a": a_at, "b": b_at}), got.shape)
    assert np.array_equal(np.isnan(got), np.isnan(told))
    assert np.array_equal(np.isinf(got), np.isinf(told))
    with np.errstate(invalid="ignore"):
        off = np.abs(got - told) > 4e-7 * np.abs(told) + 2 * np.finfo(np.float32).tiny
    assert not off[np.isfinite(told)].any()


@pytest.mark.parametrize("op", ["exp", "expm1", "erfc", "log1p", "tanh", "abs"])
def test_a_function_of_a_double_word_overflows_as_the_search_knows(op: str) -> None:
    """exp(a*b) is infinite, with an infinite slope, and the second word may be 0."""
    word = double_word(call(op, a * b))
    a_at, b_at = everywhere()
    got = np.asarray(compiled(word)(a_at, b_at, None))  # type: ignore[operator]
    told = np.broadcast_to(evaluate(word, {"a": a_at, "b": b_at}), got.shape)
    assert np.array_equal(np.isnan(got), np.isnan(told))
    assert np.array_equal(np.isinf(got), np.isinf(told))


@pytest.mark.parametrize("op", ["sin", "cos", "tan"])
def test_an_angle_in_two_words_may_be_large(op: str) -> None:
    """The second word of 1e20 is no small change of the angle: its slope times it says nothing."""
    word = double_word(call(op, a * b))
    a_at, b_at = points()[0], np.float32(10) ** np.linspace(0, 25, 2000, dtype=np.float32)
    got = np.asarray(compiled(word)(a_at, b_at, None))  # type: ignore[operator]
    told = evaluate(word, {"a": a_at, "b": b_at})
    assert (np.abs(got - told) <= 1e-6 * (1 + told.astype(float) ** 2)).all()


def test_the_rooms_agree_on_what_has_a_form_in_double_words() -> None:
    assert TWO_WORDS == DIRECT


def test_double_words_cost_more_than_single_ones() -> None:
    word = sharper(MAGNIFIED[0])
    assert cost(word) > 100 > cost(call("exp", a))


@pytest.mark.parametrize(
    "e", [call("exp", a), call("pow", a, num(3)), call("sqrt", a * b), a * b + c], ids=str
)
def test_what_magnifies_nothing_is_left_alone(e: Expr) -> None:
    assert sharper(e) is e
