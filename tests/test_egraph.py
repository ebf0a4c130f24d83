"""Equality saturation: the same graph every time, sound with its facts, and no collapse."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from vjpgen.eclasses import Graph, term
from vjpgen.egraph import saturate
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, var
from vjpgen.parse import parse

x, y = var("x"), var("y")
LIMIT = 300


def grow(*texts: str, facts: tuple[tuple[str, Expr], ...] = (), limit: int = LIMIT) -> Graph:
    """A graph in which all formulas are shapes of one target."""
    shapes = [parse(t, args=["x", "y"]).outputs[0] for t in texts]
    return saturate([shapes], facts, limit=limit)


def terms(graph: Graph, depth: int = 4) -> dict[int, list[Expr]]:
    """A few terms of every class, smallest first."""
    found: dict[int, list[Expr]] = {c: [] for c in range(len(graph.nodes))}
    for _ in range(depth):
        for c, nodes in enumerate(graph.nodes):
            for node in nodes:
                leaf = node[0] in ("num", "var", "const")
                below = [] if leaf else [found[k] for k in node[1:]]
                if all(below):
                    e = term(node, [b[0] for b in below])
                    if e not in found[c]:
                        found[c].append(e)
    return found


def holds(graph: Graph, text: str) -> bool:
    """Whether the graph knows the formula as equal to its first target."""
    e = parse(text, args=["x", "y"]).outputs[0]
    place = {n: c for c, nodes in enumerate(graph.nodes) for n in nodes}

    def find(e: Expr) -> int | None:
        if not e.args:
            return place.get((e.op, e.value))
        op, args = (e.op, e.args) if e.op != "pow" or e.args[1] is not num(2) else ("square", e.args[:1])
        below = [find(a) for a in args]
        orders = [below, below[::-1]]
        return next((place[op, *o] for o in orders if (op, *o) in place), None)

    return find(e) == graph.roots[0]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("log(1 + exp(x))", "softplus(x)"),
        ("exp(x) - 1", "expm1(x)"),
        ("1 - cos(x)", "2 * sin(x/2)**2"),
        ("exp(x)/(1 + exp(x))", "1/(1 + exp(-x))"),
    ],
)
def test_known_identities_are_found(text: str, other: str) -> None:
    (e,) = parse(text, args=["x", "y"]).outputs
    graph = saturate([[e]], (), limit=2000)
    if other == "softplus(x)":
        assert any(n[0] == "softplus" for n in graph.nodes[graph.roots[0]])
    elif other == "expm1(x)":
        assert any(n[0] == "expm1" for n in graph.nodes[graph.roots[0]])
    else:
        assert holds(graph, other)


@pytest.mark.parametrize(
    ("text", "other", "fact"),
    [
        ("x / x", "1", "nz"),
        ("exp(log(x))", "x", "pos"),
        ("log(x*y)", "log(x) + log(y)", "pos"),
    ],
)
def test_facts_guard_rules(text: str, other: str, fact: str) -> None:
    if text == "exp(log(x))":  # the logarithm itself says that its operand is positive
        assert holds(grow(text), other)
        return
    assert not holds(grow(text), other)
    assert holds(grow(text, facts=((fact, x), (fact, y))), other)


@pytest.mark.parametrize("text", ["x/x - (y - y)/y", "0/(x - x)", "x**0 - 1"])
def test_numbers_stay_apart(text: str) -> None:
    graph = grow(text)
    for nodes in graph.nodes:
        assert len({n[1] for n in nodes if n[0] == "num"}) <= 1


@pytest.mark.parametrize(
    "texts",
    [
        ("log(1 + exp(x))",),
        ("sqrt(x**2 + y**2) - x",),
        ("(exp(x) - exp(-x))/(x*2)", "sinh(x)/x"),
    ],
)
def test_all_terms_of_a_class_are_equal(texts: tuple[str, ...]) -> None:
    graph = grow(*texts, facts=(("pos", x), ("pos", y)), limit=600)
    env = {"x": np.array([0.3, 1.7, 0.9]), "y": np.array([0.6, 2.2, 1.1])}
    for found in terms(graph).values():
        values = [np.broadcast_to(evaluate(e, env, np.float64), 3) for e in found]
        usable = [v for v in values if np.isfinite(v).all()]
        for v in usable[1:]:
            np.testing.assert_allclose(v, usable[0], rtol=1e-6, atol=1e-9)


def test_several_targets_have_their_roots() -> None:
    a, b = (parse(t, args=["x"]).outputs[0] for t in ("exp(x) - 1", "exp(x)"))
    graph = saturate([[a], [b]], (), limit=LIMIT)
    one, other = graph.roots
    assert one != other
    assert ("exp", *next(n for n in graph.nodes[other] if n[0] == "exp")[1:]) in graph.nodes[other]


def test_numbers_are_exact() -> None:
    e = num(Fraction(1, 3)) * x + num(10**40) + num(Fraction(123456789, 1000)) * y
    graph = saturate([[e]], (), limit=LIMIT)
    numbers = {n[1] for nodes in graph.nodes for n in nodes if n[0] == "num"}
    assert {Fraction(10**40), Fraction(123456789, 1000)} <= numbers


def test_no_step_exceeds_the_limit() -> None:
    small, large = (grow("(x + y)*(x - y)*(x + 2*y)*exp(x + y)", limit=n) for n in (100, 500))
    assert small.size <= 130
    assert small.size < large.size


def test_terms_of_nodes() -> None:
    assert term(("num", Fraction(3)), ()) is num(3)
    assert term(("var", "x"), ()) is x
    assert term(("const", "pi"), ()).op == "const"
    assert term(("add", 0, 1), (x, y)) is call("add", x, y)


PROGRAM = """
from vjpgen.egraph import saturate
from vjpgen.parse import parse
e = parse("log(1 + exp(x*y)) - sqrt(x**2 + 1)").outputs[0]
graph = saturate([[e]], [], limit=800)
print(graph)
"""


def test_the_same_graph_under_any_hash_seed() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    ]
    assert len(outputs[0]) > 1000
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("n", [2, 5, 8])
def test_a_number_that_equals_the_number_of_its_class_is_kept(n: int) -> None:
    graph = grow(*(f"x + {n} - {n}" for n in range(n, n + 3)), limit=80)
    assert all(graph.nodes)
