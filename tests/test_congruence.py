"""Which terms are equal, and why: against a closure by brute force, and step by step."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vjpgen.congruence import Congruence, TooLong
from vjpgen.expr import Expr, again, call, num, var

LEAVES = tuple(map(var, "abcd"))
TERMS = (
    *LEAVES,
    *(call("exp", a) for a in LEAVES),
    *(call("exp", call("exp", a)) for a in LEAVES),
    *(call("add", a, b) for a, b in product(LEAVES, LEAVES)),
)
terms = st.sampled_from(TERMS)
pairs = st.lists(st.tuples(terms, terms), max_size=8)


def closure(given_pairs: list[tuple[Expr, Expr]]) -> dict[Expr, int]:
    """The class of each term, by merging until nothing changes."""
    home = {e: k for k, e in enumerate(TERMS)}

    def merge(a: Expr, b: Expr) -> bool:
        old, new = home[a], home[b]
        for e in TERMS:
            home[e] = new if home[e] == old else home[e]
        return old != new

    for a, b in given_pairs:
        merge(a, b)
    while any(
        merge(a, b)
        for a, b in product(TERMS, TERMS)
        if a.args and a.op == b.op and all(home[x] == home[y] for x, y in zip(a.args, b.args, strict=True))
    ):
        pass
    return home


def put(e: Expr, place: tuple[int, ...], part: Expr) -> Expr:
    if not place:
        return part
    args = list(e.args)
    args[place[0]] = put(args[place[0]], place[1:], part)
    return again(e, args)


def part(e: Expr, place: tuple[int, ...]) -> Expr:
    for k in place:
        e = e.args[k]
    return e


@settings(deadline=None)
@given(pairs)
def test_equal_is_what_follows_and_every_step_is_given(merged: list[tuple[Expr, Expr]]) -> None:
    graph: Congruence[int] = Congruence()
    for e in TERMS:
        graph.add(e)
    for k, (a, b) in enumerate(merged):
        graph.merge(a, b, k)
    home = closure(merged)
    for a, b in product(TERMS, TERMS):
        assert graph.equal(a, b) == (home[a] == home[b])
        if not graph.equal(a, b):
            continue
        at = a
        for s in graph.explain(a, b, 10_000):
            one, other = merged[s.reason]
            assert (s.before, s.after) == ((one, other) if s.forward else (other, one))
            assert part(at, s.place) is s.before
            assert put(at, s.place, s.after) is s.term
            at = s.term
        assert at is b


@given(pairs)
def test_nodes_and_lookup(merged: list[tuple[Expr, Expr]]) -> None:
    graph: Congruence[int] = Congruence()
    for k, (a, b) in enumerate(merged):
        graph.merge(a, b, k)
    classes = {root for op in ("add", "exp", "var") for root in graph.classes(op)}
    for root in classes:
        assert graph.find(root) is root
        for op in ("add", "exp"):
            nodes = graph.nodes(root, op)
            keys = [tuple(map(graph.find, e.args)) for e in nodes]
            assert len(set(keys)) == len(keys)
            assert all(graph.find(e) is root and graph.lookup(e) is root for e in nodes)
        assert all(graph.least[root].size <= e.size for e in graph.nodes(root, "add"))
    assert graph.lookup(call("exp", num(7))) is None


def test_an_explanation_has_an_end() -> None:
    graph: Congruence[str] = Congruence()
    for k in range(20):
        graph.merge(num(k), num(k + 1), "next")
    assert len(graph.explain(num(0), num(20), 20)) == 20
    with pytest.raises(TooLong):
        graph.explain(num(0), num(20), 19)
