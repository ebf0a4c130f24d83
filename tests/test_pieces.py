"""Decision trees of piecewise formulas."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, has_op, num, show
from vjpgen.parse import parse
from vjpgen.pieces import LEAF_LIMIT, Leaf, Split, TooManyPieces, Tree, combine, leaves, mean, tree


def grown(text: str, assume: tuple[str, ...] = ()) -> Tree:
    spec = parse(text, assume=assume)
    return tree(spec.outputs, spec.assume)


def texts(t: Tree) -> list[str]:
    return [show(leaf.outputs[0]) for leaf in leaves(t)]


@pytest.mark.parametrize(
    ("text", "assume", "parts"),
    [
        ("exp(x)", (), ["exp(x)"]),
        ("max(x, 0)", (), ["x", "0"]),
        ("min(x, y)", (), ["x", "y"]),
        ("where(x > 0, x, -x)", (), ["x", "-x"]),
        ("where(x > 0, x, -x) + where(x > 0, 1, 2)", (), ["x + 1", "-x + 2"]),
        ("max(x, 0)", ("x > 1",), ["x"]),
        ("where(x < 0, 1, x)", ("x > 0",), ["x"]),
        ("where(x > 0, where(x < 0, 1, 2), 3)", (), ["3", "2", "3"]),
        ("where(not (x > 0), 1, where(x > 0, 2, 3))", (), ["2", "1"]),
        ("max(exp(x), 0)", (), ["exp(x)"]),
        ("max(x**2, 0)", (), ["x**2"]),
    ],
)
def test_leaves(text: str, assume: tuple[str, ...], parts: list[str]) -> None:
    assert texts(grown(text, assume)) == parts


def test_outputs_share_the_splits() -> None:
    t = grown("(max(x, 0), where(x > 0, 1, 2))")
    assert [tuple(map(show, leaf.outputs)) for leaf in leaves(t)] == [("x", "1"), ("0", "2")]


def test_too_many_pieces() -> None:
    text = "+".join(f"max(x{k}, y{k})" for k in range(6))
    assert LEAF_LIMIT < 2**6
    with pytest.raises(TooManyPieces):
        grown(text)


@pytest.mark.parametrize(
    "text", ["max(x, 1) * min(x, 2)", "where(x > 1, x**2, where(x < -1, -x, 3))", "relu(x) - clip(x, 0, 1)"]
)
def test_combined_leaves_are_the_function(text: str) -> None:
    (e,) = parse(text).outputs
    t = grown(text)
    env = {"x": np.array([-3, -1, -0.5, 0, 0.5, 1, 1.5, 2, 5], np.float64)}
    again = combine(t, lambda leaf: leaf.outputs[0], average_ties=False)
    assert not has_op(again, "max", "min")
    assert np.array_equal(evaluate(again, env, np.float64), evaluate(e, env, np.float64))


def of(slopes: dict[str, Expr]) -> object:
    return lambda leaf: slopes[show(leaf.outputs[0])]


@pytest.mark.parametrize(("ties", "at_zero"), [(True, 0.5), (False, 0.0)])
def test_ties_of_max_take_the_mean_where_asked(ties: bool, at_zero: float) -> None:
    slope = combine(grown("max(x, 0)"), of({"x": num(1), "0": num(0)}), average_ties=ties)
    got = evaluate(slope, {"x": np.array([-1.0, 0.0, 1.0])}, np.float64)
    assert got.tolist() == [0.0, at_zero, 1.0]


def test_a_choice_takes_its_branch_at_the_edge() -> None:
    slope = combine(grown("where(x > 0, x, 0)"), of({"x": num(1), "0": num(0)}), average_ties=True)
    assert evaluate(slope, {"x": np.array([0.0])}, np.float64).tolist() == [0.0]


def test_no_mean_where_both_sides_meet() -> None:
    """max(x, 1)**2 with equal slopes on both sides needs no third case."""
    t = grown("max(x, 1)")
    assert isinstance(t, Split)
    (e,) = parse("x*0 + 2").outputs
    assert not has_op(combine(t, of({"x": e, "1": num(2)}), average_ties=True), "eq")
    assert has_op(combine(t, of({"x": e, "1": num(3)}), average_ties=True), "eq")


def test_equal_sides_are_one() -> None:
    assert combine(grown("max(x, 0)"), lambda leaf: num(7), average_ties=True) is num(7)


def test_mean() -> None:
    assert evaluate(mean(num(1), num(4)), {}, np.float64) == 2.5


def test_paths_hold_on_their_leaves() -> None:
    for leaf in leaves(grown("where(x > 1, 1, where(x > 0, 2, max(x, -1)))")):
        assert isinstance(leaf, Leaf)
        env = {"x": np.array([-2.0, -0.5, 0.5, 2.0])}
        held = np.all([evaluate(c, env, np.float64) for c in leaf.path], axis=0)
        assert held.sum() == 1
