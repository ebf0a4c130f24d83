"""Smallest cuts of expressions: the fewest values that everything follows from.

Ford and Fulkerson, "Maximal flow through a network" (1956): between what is given and what is wanted there
are as many disjoint paths as there are nodes in the smallest set that meets all paths. Each path goes through
a node once, so that a node is two, its entry and its exit, with room for one path between them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from vjpgen.expr import Expr, call, substitute, walk
from vjpgen.ops import OPS

_MOST_NODES = 400

_Node = tuple[Expr | None, bool]  # an expression and whether its exit is meant; None for both ends
_START, _END = (None, False), (None, True)


def smallest(wanted: Sequence[Expr], given: Collection[str]) -> Iterator[tuple[Expr, ...]]:
    """Smallest sets of values that `wanted` follow from: that next to the inputs, that next to `wanted`.

    Args:
        wanted: expressions.
        given: the variables that cost something; others and constants may be used beside any set.

    Yields:
        Sets of subexpressions, variables among them; nothing where the expressions are too long.
    """
    wanted = [e for e in wanted if set(e.names) & set(given)]
    nodes = list(walk(*wanted))
    if not wanted or len(nodes) > _MOST_NODES:
        return
    room = _network(nodes, wanted, given)
    while (path := _path(room, _START, _END)) is not None:
        for a, b in path:
            room[a][b] -= 1
            room[b][a] = room[b].get(a, 0) + 1
    near = _reached(room, _START)
    yield tuple(x for x in nodes if (x, False) in near and (x, True) not in near)
    backward: dict[_Node, dict[_Node, int]] = {a: {} for a in room}
    for a, ways in room.items():
        for b, free in ways.items():
            backward[b][a] = free
    far = _reached(backward, _END)
    yield tuple(x for x in nodes if (x, True) in far and (x, False) not in far)


def with_one_sign(exprs: Sequence[Expr]) -> tuple[Expr, ...]:
    """The expressions, the second of a - b and b - a written as minus the first: the same bits."""
    seen: set[Expr] = set()
    turned: dict[Expr, Expr] = {}
    for x in walk(*exprs):
        if x.op == "sub":
            other = call("sub", x.args[1], x.args[0])
            if other in seen:
                turned[x] = -other
            seen.add(x)
    return tuple(substitute(e, turned) for e in exprs)


def _network(
    nodes: Sequence[Expr], wanted: Sequence[Expr], given: Collection[str]
) -> dict[_Node, dict[_Node, int]]:
    """How many more paths there is room for from node to node."""
    every = len(given) + 1
    room: dict[_Node, dict[_Node, int]] = {_START: {}, _END: {}}
    for x in nodes:
        whole = bool(x.args) and OPS[x.op].gives == "bool"  # kept as what it is decided from
        room[x, False] = {(x, True): every if whole else 1}
        room[x, True] = {_END: every} if x in wanted else {}
        if x.op == "var" and x.value in given:
            room[_START][x, False] = every
    for x in nodes:
        for a in x.args:
            room[a, True][x, False] = every
    return room


def _path(
    room: Mapping[_Node, Mapping[_Node, int]], start: _Node, end: _Node
) -> list[tuple[_Node, _Node]] | None:
    """The steps of a shortest path where there is room."""
    came = _reached(room, start)
    if end not in came:
        return None
    steps = []
    while end != start:
        steps.append((came[end], end))
        end = came[end]
    return steps


def _reached(room: Mapping[_Node, Mapping[_Node, int]], start: _Node) -> dict[_Node, _Node]:
    """Every node that is reached where there is room, and the one before it."""
    came, waiting = {start: start}, deque([start])
    while waiting:
        a = waiting.popleft()
        for b, free in room[a].items():
            if free > 0 and b not in came:
                came[b] = a
                waiting.append(b)
    return came
