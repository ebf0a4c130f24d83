"""Even and odd formulas, searched over positive numbers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from changed import formula, mean_bits
from vjpgen import over_ratios
from vjpgen.candidates import Target
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, show, var
from vjpgen.floats import Array
from vjpgen.halves import Half
from vjpgen.parse import parse
from vjpgen.points import sample
from vjpgen.search import search
from vjpgen.spec import Spec


@pytest.mark.parametrize(("text", "degree"), [("x*tanh(x)", 0), ("sinh(x)", 1), ("x**3", -1), ("cos(x)", 2)])
def test_a_form_is_put_back_over_all_numbers(text: str, degree: int) -> None:
    e, x = formula(text), np.array([-2.5, -0.3, 0.0, 0.7, 3.0])
    again = evaluate(Half("x").back(e, degree), {"x": x}, np.float64)
    np.testing.assert_allclose(again, evaluate(e, {"x": x}, np.float64), rtol=1e-14)


def test_what_is_odd_keeps_its_slope_at_0() -> None:
    """To JAX |x| has the slope 0 at 0."""
    back = show(Half("x").back(var("x") * 3, 1))
    where, x = jnp.where, jnp.float32(0)
    slope = jax.grad(lambda x: where(x < 0, -1, 1) * (where(x < 0, -x, x) * 3))
    assert back == "where(x < 0, -1, 1) * (where(x < 0, -x, x) * 3)"
    assert slope(x) == 3


def test_magnitudes_and_signs_are_gone() -> None:
    assert show(Half("x").alone(formula("sign(x)*log(1 + abs(x)*abs(y))"))) == "log(1 + x * abs(y))"


@pytest.mark.parametrize(
    ("text", "turned"),
    [("x*tanh(x)", {"x"}), ("exp(x)", set()), ("x + cos(x)", set()), ("atan(x)*exp(y)", {"x"})],
)
def test_what_is_even_or_odd_is_searched_over_positive_numbers(text: str, turned: set[str]) -> None:
    spec = parse(text)
    points = sample(spec, 512, 1)
    asked: list[Array] = []

    def solve(g: Spec, at: Array, targets: object) -> tuple[Expr, ...]:
        asked.append(at)
        return tuple(var(a) for a in ("x", *("x" for _ in spec.args)))

    targets = [
        Target((e,), points.truth_values[:, 0]) for e in (*spec.outputs, *(var("x") for _ in spec.args))
    ]
    over_ratios.forms(spec, points.at, targets, [0], solve, halves=True)
    assert bool(asked) == bool(turned)
    for at in asked:
        for k, name in enumerate(spec.args):
            assert (at[:, k] > 0).all() == (name in turned)


def test_the_search_uses_it() -> None:
    """The entropy of a spin cancels at both ends; 1 - tanh(x) mends one of them alone."""
    spec = parse("log(2*cosh(x)) - x*tanh(x)")
    plain, better = mean_bits(spec, (spec.outputs[0], search(spec).values[0]))
    assert plain > 4
    assert better < 0.5
