"""Equality saturation: many equal shapes of the targets, shared in one e-graph (egglog, in Rust).

Willsey et al., egg: Fast and Extensible Equality Saturation (POPL 2021); Zhang et al., Better Together:
Unifying Datalog and Equality Saturation (PLDI 2023). Only the bindings are used; terms and rules go in as
text and the saturated graph comes back as JSON.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from vjpgen.errors import InternalError
from vjpgen.expr import Expr, call, const, num, var, walk
from vjpgen.facts import FACTS, FOLD
from vjpgen.ops import OPS
from vjpgen.rules import GROUPS, RULES, Rule

Node = tuple[Any, ...]  # ("num", Fraction) | ("var", name) | ("const", name) | (op, class, ...)
_COMMUTATIVE = frozenset(("add", "mul", "max", "min", "hypot", "logaddexp", "sum3"))
_LONGEST_KEY = 5000  # nodes of a term that may stand for its class
_DEEPEST = 1000  # passes that terms may need to reach the top
_FULL = 0.9  # of the nodes that the graph may have: the next block that does not fit is the last one tried
_BURST = 3  # matches of one rule at a time, for every node that the graph may have
_SMALL = 10**6  # larger or fractional numbers are opaque: no arithmetic on them


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


@cache
def _bindings() -> Any:
    """egglog's compiled module alone: its Python package would import a formatter and a tracer as well."""
    if "egglog" in sys.modules:
        return importlib.import_module("egglog.bindings")
    package = importlib.util.find_spec("egglog")
    if package is None or not package.submodule_search_locations:
        raise InternalError("egglog is not installed")
    spec = importlib.machinery.PathFinder.find_spec(
        "egglog.bindings", list(package.submodule_search_locations)
    )
    if spec is None or spec.loader is None:
        raise InternalError("egglog has no compiled bindings")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _term(e: Expr, names: Mapping[str, str] | None = None) -> str:
    """egglog text of an expression; pattern variables stay bare when `names` is None."""
    done: dict[Expr, str] = {}
    for x in walk(e):
        if x.op == "var":
            done[x] = str(x.value) if names is None else f'(Var "{x.value}")'
        elif x.op == "const":
            done[x] = f'(Var "={x.value}")'
        elif x.op == "num":
            done[x] = _number(x.value)  # type: ignore[arg-type]
        elif x.op == "pow" and x.args[1].op == "num" and x.args[1].value == 2:
            done[x] = f"(o_square {done[x.args[0]]})"
        else:
            done[x] = f"(o_{x.op} {' '.join(done[a] for a in x.args)})"
    return done[e]


def _number(value: Fraction) -> str:
    p, q = value.numerator, value.denominator
    if abs(p) <= _SMALL and q == 1:
        return f"(Num {p})"
    if abs(p) <= _SMALL and q <= 64:
        return f"(o_div (Num {p}) (Num {q}))"
    return f'(Var "#{p}/{q}")'


def _rule(r: Rule) -> str:
    when = " ".join(f"({fact} {_term(e)})" for fact, e in r.guards)
    guard = f" :when ({when})" if when else ""
    return f"(rewrite {_term(r.left)} {_term(r.right)}{guard} :ruleset {_ruleset(r)})"


def _ruleset(r: Rule) -> str:
    """Rules that make terms smaller are always on; the others run block by block while there is room."""
    return "facts" if r.right.size < r.left.size and r.right.size <= 2 else f"g{r.group}"


@cache
def _operations(r: Rule) -> tuple[frozenset[str], frozenset[str]]:
    leaves = ("num", "var", "const")
    left, right = (frozenset(x.op for x in walk(side) if x.op not in leaves) for side in (r.left, r.right))
    return left, right


def _reachable(ops: Iterable[str]) -> tuple[list[Rule], frozenset[str]]:
    """The rules that can ever fire when these operations are there to begin with."""
    known = frozenset(ops) | {"add", "sub", "mul", "div", "neg", "square"}
    while True:
        rules = [r for r in RULES if _operations(r)[0] <= known]
        grown = known.union(*(_operations(r)[1] for r in rules))
        if grown == known:
            return rules, known
        known = grown


def _prelude(ops: Iterable[str]) -> list[str]:
    rules, known = _reachable(ops)
    real = [op for op in OPS.values() if op.name in known and op.arity > 0]
    head = [
        "(sort M)",
        "(constructor Num (i64) M)",
        "(constructor Var (String) M)",
        "(constructor Root (i64) M)",
    ]
    head += [f"(constructor o_{op.name} ({' '.join(['M'] * op.arity)}) M)" for op in real]
    head += [f"(relation {fact} (M))" for fact in ("nz", "pos", "nonneg")]
    head += ["(ruleset facts)", *(f"(ruleset g{k})" for k in range(GROUPS))]
    needed = [line for line in (FACTS + FOLD).splitlines() if set(re.findall(r"o_(\w+)", line)) <= known]
    return [*head, *needed, *map(_rule, rules)]


def saturate(
    targets: Sequence[Sequence[Expr]],
    facts: Iterable[tuple[str, Expr]],
    *,
    limit: int,
    rounds: int = 8,
) -> Graph:
    """Grow an e-graph from several equal shapes of each target.

    Args:
        targets: for each target, shapes that are equal on the domain; free of `where` and `poly`.
        facts: ("nz" | "pos" | "nonneg", expression) pairs that hold on the domain.
        limit: number of nodes that no step may exceed; a block of rules that would is undone and retired.
        rounds: number of rounds at most.
    """
    graph = _bindings().EGraph()

    def run(text: str) -> Any:
        return graph.run_program(*graph.parse_program(text))

    # Command by command: every part of a parsed program carries a copy of the whole program's text.
    lines = _prelude(x.op for x in walk(*(s for shapes in targets for s in shapes)) if x.args)
    lines += [f"(union (Root {k}) {_term(s, {})})" for k, shapes in enumerate(targets) for s in shapes]
    lines += [f"({fact} {_term(e, {})})" for fact, e in facts]
    for line in (*lines, "(run facts 3)", "(Num 0)", "(Num 1)", "(Num 2)", "(Num -1)"):
        run(line)
    alive, size = list(range(GROUPS)), _size(run)
    for _ in range(rounds):
        grown = _round(run, alive, size, limit)
        if grown == size:
            break
        size = grown
    return _read(graph, len(targets))


def _round(run: Any, alive: list[int], size: int, limit: int) -> int:
    """Apply every block once, retire from `alive` those that do too much; the size after it.

    A copy of the graph costs more than most blocks do: one is made at the start and one after each block that
    is undone, and the blocks since the last copy are applied anew.
    """
    run("(push)")
    kept, since = size, list[int]()
    for group in tuple(alive):
        grown = _step(run, group, size, limit)
        if grown is not None:
            size = grown
            since.append(group)
            continue
        alive.remove(group)
        run("(pop)")
        size = kept
        for done in since:
            size = _step(run, done, size, limit) or size
        if size > _FULL * limit:
            alive.clear()
            break
        run("(push)")
        kept, since = size, []
    return size


def _step(run: Any, group: int, size: int, limit: int) -> int | None:
    """Apply a block of rules; the size after it, None where it has to be undone."""
    bursts, changed = _apply(run, group, _BURST * limit if 2 * size > limit else None)
    if not (bursts or changed):
        return size
    grown = _size(run)
    if bursts or grown > limit or _collapsed(run):
        return None
    if grown > size:
        run("(run facts 2)")
        return grown
    return size


def _apply(run: Any, group: int, most: int | None) -> tuple[bool, bool]:
    """Apply a block of rules once.

    Without `most`, only what has changed since the last time is matched, which is faster.

    Returns:
        Whether one of them matched in more than `most` places, and was left out; whether the graph changed.
    """
    if most is None:
        (output,) = run(f"(run g{group} 1)")
        return False, output.report.updated
    (output,) = run(f"(run-schedule (let-scheduler s (back-off :match-limit {most})) (run-with s g{group}))")
    steps = (step.rule_set_report.rule_reports for step in output.report.iterations)
    bursts = any(r.num_matches > most for step in steps for rule in step.values() for r in rule)
    return bursts, output.report.updated


def _collapsed(run: Any) -> bool:
    """Whether different numbers have become equal: some rule has met 0/0, and everything would follow."""
    run("(run facts 1)")
    for pair in ("(Num 0) (Num 1)", "(Num 1) (Num 2)", "(Num -1) (Num 1)"):
        try:
            run(f"(check (= {pair}))")
        except Exception:  # the engine's way of saying no
            continue
        return True
    return False


def _size(run: Any) -> int:
    """Number of nodes, facts not counted."""
    (output,) = run("(print-size)")
    sizes = re.findall(r"\('(?:Num|Var|o_\w+)', (\d+)\)", repr(output))
    return sum(map(int, sizes))


def _read(graph: Any, roots: int) -> Graph:
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
    key: dict[str, tuple[int, str]] = {}
    for _ in range(_DEEPEST):
        changed = False
        for name, nodes in classes.items():
            for node in nodes:
                k = _key(node, key)
                if k is not None and (name not in key or k < key[name]):
                    key[name], changed = k, True
        if not changed:
            break
    order = {name: k for k, name in enumerate(sorted((c for c in classes if c in key), key=lambda c: key[c]))}
    numbers: dict[Node, int] = {n: order[c] for c in order for n in classes[c] if n[0] == "num"}
    idle = [("sum3", 0), ("add", 0), ("sub", 0), ("mul", -1), ("mul", 1), ("div", 1), ("div", -1)]
    dull = {(op, numbers["num", Fraction(v)]) for op, v in idle if ("num", Fraction(v)) in numbers}
    table = []
    for name, own in order.items():
        rows = {r for n in classes[name] if (r := _canonical(n, order)) and own not in _operands(r)}
        rows = {r for r in rows if not _dull(r, dull)} or rows
        table.append(tuple(sorted(rows, key=lambda n: (len(n), n[0], tuple(map(str, n[1:]))))))
    return Graph(tuple(table), tuple(order[t] for t in tops))


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


def _key(node: Node, key: Mapping[str, tuple[int, str]]) -> tuple[int, str] | None:
    if node[0] in ("num", "var", "const"):
        return (1, f"{node[0]} {node[1]}")
    below = [key[c] for c in node[1:] if c in key]
    if len(below) < len(node) - 1:
        return None
    size = 1 + sum(k[0] for k in below)
    return (size, f"{node[0]}({','.join(k[1] for k in below)})") if size < _LONGEST_KEY else None


def term(node: Node, operands: Sequence[Expr]) -> Expr:
    """The expression of one node over terms of its operands' classes."""
    if node[0] == "num":
        return num(node[1])
    if node[0] in ("var", "const"):
        return (var if node[0] == "var" else const)(node[1])
    return call(node[0], *operands)
