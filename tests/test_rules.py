"""Every row of the rules, sampled against exact arithmetic: tails, zeros and ties included."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vjpgen.expr import Expr, call, num, show, var, variables, walk
from vjpgen.ops import OPS
from vjpgen.rules import GROUPS, RULES, Rule, pattern
from vjpgen.truth import Truth

POINTS = 30  # of each of five kinds
FACTS = {"pos": lambda v: v > 0, "nonneg": lambda v: v >= 0, "nz": lambda v: (v != 0) & ~np.isnan(v)}
# What a right side passes through, where that may be undefined, or cancel more digits than exact arithmetic
# carries, though the left side is a number: compared only where it is a float64.
THROUGH = {
    "erfcx-reflect": "exp(a**2)",
    "lgamma-reflected": "1 / sinpi(a)",
    "lgamma1p-reflected": "1 / sinpi(b - a)",
    "digamma-reflected": "1 / sinpi(a)",
    "digamma-reflected-sub": "1 / sinpi(b - a)",
    "digamma-reflected-add": "1 / sinpi(b - a)",
    "gamma-reflected": "1 / (sinpi(a) * gamma(a))",
    "hypot-plus-sum": "1 / (c**2 - 4 * a * b)",
    "hypot-minus-sum": "1 / (c**2 - 4 * a * b)",
    "square-of-roots": "1 / (a - b)",
    "half-square-of-roots": "1 / (a - b)",
}


def columns(rule: Rule, names: tuple[str, ...]) -> np.ndarray:
    """Points (n, a) where the guards hold, the same on every run."""
    rng = np.random.default_rng([len(rule.name), *rule.name.encode()])
    shape = (POINTS, len(names))
    ties = rng.uniform(-4, 4, (POINTS, 1)) * np.ones(shape)
    powers = 10.0 ** rng.uniform(-8, 3, shape) * rng.choice([-1.0, 1.0], shape)
    kinds = (
        rng.uniform(-20, 20, shape),
        powers,
        rng.uniform(-1, 1, shape),
        rng.integers(-2, 4, shape).astype(float),
        np.where(rng.random((POINTS, 1)) < 0.5, ties, np.trunc(ties)),
    )
    at = np.concatenate([*kinds, np.abs(np.concatenate(kinds))]).astype(np.float32).astype(np.float64)
    held = np.ones(len(at), bool)
    for fact, e in rule.guards:
        held &= FACTS[fact](Truth((e,), names).values(at)[:, 0])
    return at[held]


def sides(rule: Rule) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Exact values of both sides at points where the guards hold and the left side is a float64."""
    names = tuple(sorted(variables(rule.left, rule.right))) or ("a",)
    at = columns(rule, names)
    through = (pattern(THROUGH[rule.name]),) if rule.name in THROUGH else ()
    truth = Truth((rule.left, rule.right, *through), names).values(at)
    usable = np.isfinite(truth[:, 0]) & np.isfinite(truth[:, 2:]).all(axis=1)
    return at[usable], truth[usable, 0], truth[usable, 1], names


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_both_sides_are_equal(rule: Rule) -> None:
    at, left, right, names = sides(rule)
    assert len(at) >= 5, "too few points to say anything"
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.maximum(np.abs(left), np.abs(right))
        same = np.isfinite(right) & ((np.abs(left - right) <= 1e-12 * size) | (size < 1e-300))
    wrong = np.flatnonzero(~same)
    assert not len(wrong), (
        f"{show(rule.left)} is {left[wrong[0]]!r}, {show(rule.right)} is {right[wrong[0]]!r}"
        f" at {dict(zip(names, at[wrong[0]].tolist(), strict=True))}"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_a_row_is_well_formed(rule: Rule) -> None:
    for side in (rule.left, rule.right, *(e for _, e in rule.guards)):
        for x in walk(side):
            if x.args:
                assert len(x.args) == OPS[x.op].arity
    assert set(variables(rule.right)) <= set(variables(rule.left)), "the right side invents a variable"
    assert {fact for fact, _ in rule.guards} <= set(FACTS)
    assert rule.left is not rule.right


@pytest.mark.parametrize(
    "row",
    [
        "sqrt(a**2) -> a",
        "a -> a**2 / a",
        "log(a**2) -> 2 * log(a)",
        "abs(a + b) -> abs(a) + abs(b)",
        "atan(a) - atan(b) -> atan((a - b) / (1 + a * b))",
        "max(a, b) -> (a + b + abs(a - b)) / 2 + floor(a / 1000)",
    ],
)
def test_the_samples_tell_right_from_wrong(row: str) -> None:
    left, right = map(pattern, row.split("->"))
    with pytest.raises(AssertionError):
        test_both_sides_are_equal(Rule("wrong", left, right, (), 0, ""))


def test_names_are_unique() -> None:
    names = sorted(rule.name for rule in RULES)
    assert all(a != b for a, b in pairwise(names))


def test_no_row_stands_twice() -> None:
    rows = [(rule.left, rule.right, rule.guards) for rule in RULES]
    twice = [f"{show(row[0])} -> {show(row[1])}" for k, row in enumerate(rows) if row in rows[:k]]
    assert not twice


def test_every_group_is_numbered_in_order() -> None:
    assert sorted({rule.group for rule in RULES}) == list(range(GROUPS))
    assert all(a.group <= b.group for a, b in pairwise(RULES))


a, b = var("a"), var("b")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a**2", call("square", a)),
        ("a ** b", call("pow", a, b)),
        ("a**3", call("pow", a, num(3))),
        ("-2", num(-2)),
        ("-a", -a),
        ("-(a**2)", -call("square", a)),
        ("a / b - 1", a / b - 1),
        ("max(a, 0)", call("max", a, num(0))),
    ],
)
def test_pattern(text: str, meaning: Expr) -> None:
    assert pattern(text) is meaning


def test_pattern_refuses_what_is_none() -> None:
    with pytest.raises(ValueError, match="Lambda"):
        pattern("lambda: 0")
