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
]


@pytest.mark.parametrize(("text", "assume", "args"), FORMULAS)
def test_fewer_points_are_lost(text: str, assume: str, args: tuple[str, ...]) -> None:
    spec = parse(text, args=args, assume=(assume,))
    at = sample(spec, 400, 11)
    env = {a: np.ascontiguousarray(at.at[:, k]) for k, a in enumerate(args)}
    truth = at.truth_values[:, 0]
    counted = representable(truth, np.float32)

    def wrong(e: object) -> int:
        got = np.broadcast_to(evaluate(compiled(e), env), truth.shape).astype(np.float64)  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            near = np.abs(got - truth) <= 1e-4 * np.abs(truth)
        return int((counted & ~near).sum())

    shapes = Balancer(Evaluator(env, np.float64))(spec.outputs[0])
    assert shapes
    assert min(map(wrong, shapes)) < wrong(spec.outputs[0]) / 2


def test_a_safe_product_is_left_alone() -> None:
    env = {"x": np.float32([0.5, 2.0]), "y": np.float32([1.5, 3.0])}
    assert Balancer(Evaluator(env, np.float64))(parse("x*y*(x + y)/(1 + x*y)").outputs[0]) == []
