"""Products in a safe order: the same product, and finite where the truth is."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.balance import Balancer
from vjpgen.compiled import compiled
from vjpgen.evaluation import Evaluator, evaluate
from vjpgen.floats import representable
from vjpgen.parse import parse
from vjpgen.points import sample

FORMULAS = [
    ("r**2/c**3*exp(-(r/c)**2/2)", "c > 0", ("r", "c")),
    ("x**3/expm1(x)", "x > 0", ("x",)),
    ("a*b*c/(a*a)", "a > 0 & b > 0 & c > 0", ("a", "b", "c")),
    ("(a*b + c)/(a + b)", "a > 0 & b > 0 & c > 0", ("a", "b", "c")),  # a sum that overflows, multiplied out
    ("b**2/(a*a*sqrt(a*c))", "0 < b < a & c > 0", ("a", "b", "c")),  # reciprocals, which XLA keeps in order
]


@pytest.mark.parametrize(("text", "assume", "args"), FORMULAS)
def test_fewer_points_are_lost(text: str, assume: str, args: tuple[str, ...]) -> None:
    spec = parse(text, args=args, assume=(assume,) if assume else ())
    at = sample(spec, 400, 11)
    env = {a: np.ascontiguousarray(at.at[:, k]) for k, a in enumerate(args)}
    truth = at.truth_values[:, 0]
    counted = representable(truth, np.float32)

    def wrong(e: object) -> int:
        got = np.broadcast_to(evaluate(compiled(e), env), truth.shape).astype(np.float64)  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            near = np.abs(got - truth) <= 1e-4 * np.abs(truth)
        return int((counted & ~near).sum())

    balancer = Balancer(Evaluator(env, np.float64))
    shapes = balancer(spec.outputs[0]) + balancer.at_last([spec.outputs[0]])
    assert shapes
    assert min(map(wrong, shapes)) < wrong(spec.outputs[0]) / 2


def test_a_safe_product_is_left_alone() -> None:
    env = {"x": np.float32([0.5, 2.0]), "y": np.float32([1.5, 3.0])}
    assert Balancer(Evaluator(env, np.float64))(parse("x*y*(x + y)/(1 + x*y)").outputs[0]) == []


@pytest.mark.parametrize("text", ["sqrt(x/y)", "sqrt(1/(y/x))"])
def test_the_root_of_a_product_is_split_where_the_product_overflows(text: str) -> None:
    env = {"x": np.float32([1e30, -1e30, 1e30, 4.0, 0.0]), "y": np.float32([1e-30, -1e-30, -1e-30, 1.0, 2.0])}
    plain = parse(text).outputs[0]
    (split,) = Balancer(Evaluator({n: v[:4] for n, v in env.items()}, np.float64)).at_last([plain])
    with np.errstate(all="ignore"):
        assert np.isinf(evaluate(plain, env)[:2]).all()
        np.testing.assert_allclose(evaluate(split, env), [1e30, 1e30, np.nan, 2.0, 0.0], rtol=1e-6)


def test_a_root_in_range_is_left_alone() -> None:
    env = {"x": np.float32([1e3, 2.0]), "y": np.float32([1e-3, 1.0])}
    assert Balancer(Evaluator(env, np.float64)).at_last([parse("sqrt(x/y) + x").outputs[0]]) == []
