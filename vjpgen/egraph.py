"""Equality saturation: many equal shapes of the targets, shared in one e-graph (egglog, in Rust).

Willsey et al., egg: Fast and Extensible Equality Saturation (POPL 2021); Zhang et al., Better Together:
Unifying Datalog and Equality Saturation (PLDI 2023). Only the bindings are used; terms and rules go in as
text and the saturated graph comes back as JSON.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

from vjpgen.eclasses import Graph, read
from vjpgen.errors import InternalError
from vjpgen.expr import Expr, walk
from vjpgen.facts import FACTS, FOLD
from vjpgen.ops import OPS
from vjpgen.rules import GROUPS, RULES, Rule

_FULL = 0.9  # of the nodes that the graph may have: the next block that does not fit is the last one tried
_BURST = 3  # matches of one rule at a time, for every node that the graph may have
_SMALL = 10**6  # larger or fractional numbers are opaque: no arithmetic on them


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


def _prelude(rules: Iterable[Rule], known: frozenset[str]) -> list[str]:
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
    enough: Callable[[Graph], bool] = lambda graph: False,
) -> Graph:
    """Grow an e-graph from several equal shapes of each target.

    Args:
        targets: for each target, shapes that are equal on the domain; free of `where` and `poly`.
        facts: ("nz" | "pos" | "nonneg", expression) pairs that hold on the domain.
        limit: number of nodes that no step may exceed; a block of rules that would is undone and retired.
        rounds: number of rounds at most.
        enough: says after the first round, the cheapest, whether the graph holds all that is wanted.
    """
    lines = [f"(union (Root {k}) {_term(s, {})})" for k, shapes in enumerate(targets) for s in shapes]
    lines += [f"({fact} {_term(e, {})})" for fact, e in facts]
    ops = frozenset(x.op for x in walk(*(s for shapes in targets for s in shapes)) if x.args)
    with _borrowed(ops) as engine:
        for line in (*lines, "(run facts 3)", "(Num 0)", "(Num 1)", "(Num 2)", "(Num -1)"):
            engine.run(line)
        alive, size = list(range(GROUPS)), _size(engine.run)
        for turn in range(rounds):
            grown = _round(engine.run, alive, size, limit)
            if grown == size or (not turn and enough(read(engine.graph, len(targets)))):
                break
            size = grown
        return read(engine.graph, len(targets))


class _Engine:
    """An empty e-graph that knows the rules which can fire for some operations."""

    def __init__(self, ops: frozenset[str]) -> None:
        self.graph = _bindings().EGraph()
        self.copies = 0
        rules, self.known = _reachable(ops)
        # Command by command: every part of a parsed program carries a copy of the whole program's text.
        for line in _prelude(rules, self.known):
            self.run(line)

    def run(self, text: str) -> Any:
        self.copies += {"(push)": 1, "(pop)": -1}.get(text, 0)
        return self.graph.run_program(*self.graph.parse_program(text))


_idle: list[_Engine] = []  # from earlier graphs: rules take longer to read than small graphs to grow


@contextmanager
def _borrowed(ops: frozenset[str]) -> Iterator[_Engine]:
    """An engine for the block, as good as new, whose e-graph is empty again after it."""
    engine = next((e for e in _idle if ops <= e.known), None) or _Engine(ops)
    _idle.clear()
    engine.run("(push)")
    yield engine
    while engine.copies:
        engine.run("(pop)")
    _idle.append(engine)


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
