"""Smallest cuts: as few values as there are disjoint ways, and everything follows from them."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from vjpgen.cuts import smallest, with_one_sign
from vjpgen.expr import Expr, call, num, substitute, var, walk

ARGS = ("x", "y", "z")
x, y, z = map(var, ARGS)


def follow(wanted: list[Expr], cut: tuple[Expr, ...]) -> bool:
    """Whether `wanted` can be written in the values of `cut` and constants."""
    table = {e: var(f"kept{k}") for k, e in enumerate(cut)}
    return not {n for e in wanted for n in substitute(e, table).names} & {*ARGS}


@st.composite
def formulas(draw: st.DrawFn) -> list[Expr]:
    known: list[Expr] = [x, y, z]
    for _ in range(draw(st.integers(1, 6))):
        a, b = (known[draw(st.integers(0, len(known) - 1))] for _ in range(2))
        op = draw(st.sampled_from(["add", "mul", "exp", "sin"]))
        known.append(call(op, a, b) if op in ("add", "mul") else call(op, a))
    return [known[draw(st.integers(0, len(known) - 1))] for _ in range(draw(st.integers(1, 3)))]


@given(formulas())
def test_no_smaller_set_does(wanted: list[Expr]) -> None:
    nodes = list(walk(*wanted))
    for cut in smallest(wanted, ARGS):
        assert follow(wanted, cut)
        for fewer in combinations(nodes, len(cut) - 1):
            assert not follow(wanted, fewer)


def test_next_to_the_inputs_and_next_to_what_is_wanted() -> None:
    d = x - y
    assert list(smallest([call("sin", d)], ARGS)) == [(d,), (call("sin", d),)]


def test_variables_that_cost_nothing_are_not_counted() -> None:
    assert list(smallest([x * y, x + y], ("x",))) == [(x,), (x,)]


def test_nothing_is_wanted_of_constants() -> None:
    assert list(smallest([num(3), y], ("x",))) == []


def test_conditions_are_kept_as_what_they_are_decided_from() -> None:
    e = call("where", call("lt", x, y), x, y)
    assert set(next(smallest([e, call("exp", e)], ARGS))) == {e}
    both = [call("where", call("lt", x, y), z, y), call("where", call("lt", x, y), y, z)]
    assert all(c.op != "lt" for cut in smallest(both, ARGS) for c in cut)


def test_one_sign() -> None:
    sine, cosine = with_one_sign([call("sin", x - y), call("cos", y - x)])
    assert (sine, cosine) == (call("sin", x - y), call("cos", -(x - y)))
