"""A saturated e-graph as plain data: classes of equal terms, in an order that depends on content alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from typing import Any

from vjpgen.expr import Expr, call, const, num, var

Node = tuple[Any, ...]  # ("num", Fraction) | ("var", name) | ("const", name) | (op, class, ...)
_COMMUTATIVE = frozenset(("add", "mul", "max", "min", "hypot", "logaddexp", "sum3"))
_LONGEST_KEY = 5000  # nodes of a term that may stand for its class


@dataclass(frozen=True, slots=True)
class Graph:
    """A saturated e-graph.

    Attributes:
        nodes: for each class, its nodes, in an order that depends on content alone.
        roots: the class of each target.
    """

    nodes: tuple[tuple[Node, ...], ...]
    roots: tuple[int, ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.nodes))


def read(graph: Any, roots: int) -> Graph:
    """The graph as plain data, classes numbered in an order that depends on content alone."""
    data = graph.serialize(
        [], max_functions=None, max_calls_per_function=None, include_temporary_functions=False
    )
    raw = json.loads(data.to_json())["nodes"]
    classes: dict[str, list[Node]] = {}
    tops: dict[int, str] = {}
    home = {key: row["eclass"] for key, row in raw.items()}
    for row in raw.values():
        op, children, own = row["op"], row["children"], row["eclass"]
        if op == "Root":
            tops[int(raw[children[0]]["op"])] = own
        elif op == "Num":
            classes.setdefault(own, []).append(("num", Fraction(int(raw[children[0]]["op"]))))
        elif op == "Var":
            classes.setdefault(own, []).append(_leaf(json.loads(raw[children[0]]["op"])))
        elif op.startswith("o_"):
            classes.setdefault(own, []).append((op[2:], *(home[c] for c in children)))
    return _number_classes(classes, [tops[k] for k in range(roots)])


def _leaf(name: str) -> Node:
    if name[0] == "=":
        return ("const", name[1:])
    if name[0] == "#":
        return ("num", Fraction(name[1:]))
    return ("var", name)


def _number_classes(classes: Mapping[str, list[Node]], tops: list[str]) -> Graph:
    """Number classes by the smallest term that each contains, so that names from the engine do not matter."""
    key = _smallest(classes)
    order = {name: k for k, name in enumerate(sorted(key, key=lambda c: key[c]))}
    numbers: dict[Node, int] = {n: order[c] for c in order for n in classes[c] if n[0] == "num"}
    idle = [("sum3", 0), ("add", 0), ("sub", 0), ("mul", -1), ("mul", 1), ("div", 1), ("div", -1)]
    dull = {(op, numbers["num", Fraction(v)]) for op, v in idle if ("num", Fraction(v)) in numbers}
    table = []
    for name, own in order.items():
        rows = {r for n in classes[name] if (r := _canonical(n, order)) and own not in _operands(r)}
        rows = {r for r in rows if not _dull(r, dull)} or rows
        table.append(tuple(sorted(rows, key=lambda n: (len(n), n[0], tuple(map(str, n[1:]))))))
    return Graph(tuple(table), tuple(order[t] for t in tops))


def _smallest(classes: Mapping[str, list[Node]]) -> dict[str, tuple[int, str]]:
    """Size and text of the smallest term of each class that has one (Knuth, A generalization of Dijkstra's
    algorithm, Information Processing Letters 6, 1977): classes in ascending order, each node looked at once.
    """
    users: dict[str, list[tuple[str, Node]]] = {}
    missing: dict[tuple[str, Node], int] = {}  # operands of a node that have no term yet
    queue: list[tuple[tuple[int, str], str]] = []
    for name, nodes in classes.items():
        for node in nodes:
            below = set(_operands(node))
            missing[name, node] = len(below)
            for c in sorted(below):
                users.setdefault(c, []).append((name, node))
            if not below:
                heappush(queue, (_key(node, {}), name))
    key: dict[str, tuple[int, str]] = {}
    while queue:
        least, name = heappop(queue)
        if name in key:
            continue
        key[name] = least
        for user in users.get(name, ()):
            missing[user] -= 1
            if not missing[user] and user[0] not in key and (found := _key(user[1], key))[0] < _LONGEST_KEY:
                heappush(queue, (found, user[0]))
    return key


def _operands(node: Node) -> Node:
    """The classes that a node refers to; the payload of a leaf is none, though a number may look like one."""
    return () if node[0] in ("num", "var", "const") else node[1:]


def _dull(node: Node, dull: set[tuple[str, int]]) -> bool:
    """Whether a node adds nothing, multiplies by one, or the like."""
    operands = node[2:] if node[0] == "div" else node[1:]
    return any((node[0], c) in dull for c in operands)


def _canonical(node: Node, order: Mapping[str, int]) -> Node | None:
    """A node over class numbers, operands of commutative operations in order; None if one has no number."""
    if node[0] in ("num", "var", "const"):
        return node
    if any(c not in order for c in node[1:]):
        return None
    operands = [order[c] for c in node[1:]]
    return (node[0], *(sorted(operands) if node[0] in _COMMUTATIVE else operands))


def _key(node: Node, key: Mapping[str, tuple[int, str]]) -> tuple[int, str]:
    if node[0] in ("num", "var", "const"):
        return (1, f"{node[0]} {node[1]}")
    below = [key[c] for c in node[1:]]
    return (1 + sum(k[0] for k in below), f"{node[0]}({','.join(k[1] for k in below)})")


def term(node: Node, operands: Sequence[Expr]) -> Expr:
    """The expression of one node over terms of its operands' classes."""
    if node[0] == "num":
        return num(node[1])
    if node[0] in ("var", "const"):
        return (var if node[0] == "var" else const)(node[1])
    return call(node[0], *operands)
