"""Where one form gives way to another."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, show, var
from vjpgen.extract import COST_PRICE, Term
from vjpgen.regimes import SPLIT_PRICE, Choice, build, choose, operands, round_number, scrutinees

x, y = var("x"), var("y")
AT = np.linspace(-10, 10, 401).astype(np.float32)
ENV = {"x": AT}


def form(expr: Expr, bits: np.ndarray, cost: float = 1.0) -> Term:
    return Term(expr, AT, bits, cost, float(bits.mean()) + COST_PRICE * cost)


def middle(choice: Choice, k: int) -> Fraction:
    return round_number(*choice.cuts[k])


def good(where: np.ndarray, otherwise: float = 20.0) -> np.ndarray:
    return np.where(where, 0.0, otherwise)


def test_a_known_crossing_is_found() -> None:
    low, high = form(num(1), good(AT < 3)), form(num(2), good(AT >= 3))
    choice = choose([low, high], ENV, [x])
    assert choice.scrutinee is x
    assert [t.expr for t in choice.terms] == [num(1), num(2)]
    assert choice.cuts[0] == (float(AT[AT < 3][-1]), float(AT[AT >= 3][0]))
    assert show(build(choice, middle)) == "where(x < 3, 1, 2)"


def test_three_segments_along_a_magnitude() -> None:
    size = np.abs(AT)
    near, far = form(num(1), good((size < 2) | (size > 7))), form(num(2), good((size >= 2) & (size <= 7)))
    choice = choose([near, far], ENV, scrutinees(["x"]))
    assert show(choice.scrutinee) == "abs(x)"
    assert len(choice.terms) == 3
    got = evaluate(build(choice, middle), ENV)
    assert np.array_equal(got, np.where((size >= 2) & (size <= 7), 2, 1).astype(np.float32))


def test_rows_are_the_neighbouring_points() -> None:
    choice = choose([form(num(1), good(AT < 3)), form(num(2), good(AT >= 3))], ENV, [x])
    assert tuple(float(AT[r]) for r in choice.rows[0]) == choice.cuts[0]


@pytest.mark.parametrize(("gain", "split"), [(0.5, False), (2.0, True)])
def test_a_split_has_its_price(gain: float, split: bool) -> None:
    """A gain of g/20 of the points' bits must exceed the price of one more branch."""
    one = form(num(1), np.where(AT < 9, 1.0, 1.0 + gain * 20 * SPLIT_PRICE))
    other = form(num(2), np.where(AT < 9, 3.0, 1.0))
    choice = choose([one, other], ENV, [x])
    assert (choice.scrutinee is not None) is split


def test_the_cheaper_of_equals() -> None:
    flat = np.ones(len(AT))
    choice = choose([form(num(1), flat, 50.0), form(num(2), flat, 5.0)], ENV, [x])
    assert choice.scrutinee is None
    assert build(choice, middle) is num(2)


def test_equal_keys_are_never_parted() -> None:
    env = {"x": np.repeat(np.float32([1, 2]), 100)}
    first = np.arange(200) % 2 == 0
    terms = [form(num(1), good(first)), form(num(2), good(~first))]
    assert choose(terms, env, [x]).scrutinee is None


def test_what_splits_may_look_at() -> None:
    found = [show(e) for e in scrutinees(["x", "y"], [x * y])]
    assert found == ["abs(x)", "abs(y)", "x", "y", "x - y", "abs(x - y)", "abs(x / y)", "abs(x * y)", "x * y"]
    assert [show(e) for e in scrutinees(["x"])] == ["abs(x)", "x"]


def test_terms_say_where_else_to_split() -> None:
    """At what their functions take, at sums of two arguments, and nowhere else."""
    z, bits = var("z"), np.ones(len(AT))
    terms = [form(call("exp", x * y) / (x + y), bits), form((x + y) * (x * x + z) - x, bits)]
    assert [show(e) for e in operands(terms)] == ["x * y", "x + y"]


@pytest.mark.parametrize(
    ("low", "high", "cut"),
    [
        (2.9, 3.2, "3"),
        (0.0, 1.0, "1/2"),
        (-1.0, 1.0, "0"),
        (1e-8, 1e-4, "1/1000000"),
        (-3.2, -2.9, "-3"),
        (9.99, 10.01, "10"),
        (1.2345, 1.2347, "6173/5000"),
    ],
)
def test_round_number(low: float, high: float, cut: str) -> None:
    assert round_number(low, high) == Fraction(cut)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.3e-38), (-1.3e-38, 0.0), (0.0, 1.5e-38), (0.0, 1e-30)])
def test_round_number_is_none_that_is_flushed_to_zero(low: float, high: float) -> None:
    cut = float(round_number(low, high))
    assert low < cut <= high
    assert cut == 0 or abs(cut) >= np.finfo(np.float32).tiny


@pytest.mark.parametrize("low", [1.0, np.nextafter(1.0, 2.0), 5e-324])
def test_round_number_stays_between(low: float) -> None:
    for high in (np.nextafter(low, np.inf), np.inf):
        assert low < float(round_number(low, high)) <= high
    assert round_number(-np.inf, 0.0) < 0
