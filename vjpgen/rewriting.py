"""The chain of rules by which one term becomes another: both grow in one graph until they meet.

The rules are those of the search, which grows its graph elsewhere and keeps no reasons. Here the graph is
small, and both ends are known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import islice

from vjpgen.congruence import Congruence, Step, TooLong
from vjpgen.expr import Expr, call, num, rebuild, substitute, var, walk
from vjpgen.rule_steps import ARITHMETIC, Binding, Holds, computed, guarded, shortened, single
from vjpgen.rules import RULES, Rule

Turn = tuple[Rule, bool]  # a rule, and whether from left to right
_LEAVES = ("num", "const", "var")
_SLACK = 12  # nodes that a term may have more than the longer of the two
_STEPS = 400
_EACH = 120  # matches of a rule in a round, at first


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a search goes.

    Attributes:
        nodes: operations on classes of equal terms, at most.
        tries: operations that are held against a pattern, at most.
        rounds: rounds of all rules, at most.
        both: whether every rule is used from right to left as well.
    """

    nodes: int = 2500
    tries: int = 120_000
    rounds: int = 7
    both: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A chain of terms.

    Attributes:
        start: the first.
        steps: how each becomes the next; `reason` is the name of a rule, or `ARITHMETIC`.
    """

    start: Expr
    steps: tuple[Step[str], ...]


def chain(
    start: Expr,
    end: Expr,
    holds: Holds,
    effort: Effort = Effort(),
    given: Sequence[tuple[Expr, Expr, str]] = (),
) -> tuple[Found | None, int]:
    """How `start` becomes `end` by rules, None where no way was found; and how many tries it took.

    Args:
        start, end: terms without `where` and `poly`; numbers are written as quotients of whole ones.
        holds: tells which guards of the rules hold.
        effort: how far to look.
        given: pairs of terms that are equal for a reason which is no rule, and the reason.
    """
    start, end = written(start), written(end)
    search = _Search(start, end, holds, effort)
    search.give(given)
    steps, used = search.steps(), search.tried
    if steps is None:
        return None, used
    again = _Search(start, end, holds, replace(effort, both=True), {s.reason for s in steps})
    again.give(given)
    fewer = again.steps()  # a graph of what was needed alone knows fewer detours
    if fewer is not None and len(fewer) < len(steps):
        steps = fewer
    return Found(start, tuple(steps)), used + again.tried


def written(e: Expr) -> Expr:
    """The term as rules see it: numbers as quotients of whole ones, second powers as squares."""

    def change(x: Expr) -> Expr | None:
        if x.op == "num" and isinstance(x.value, Fraction) and x.value.denominator != 1:
            return num(x.value.numerator) / num(x.value.denominator)
        if x.op == "pow" and x.args[1] is num(2):
            return call("square", x.args[0])
        return None

    return rebuild(e, change)


@cache
def _turned() -> frozenset[str]:
    """The rules that can be used from right to left, and are not there in both directions already."""
    pairs = {(r.left, r.right) for r in RULES}
    return frozenset(
        r.name
        for r in RULES
        if r.right.args and set(r.left.names) <= set(r.right.names) and (r.right, r.left) not in pairs
    )


class _Search:
    """A graph that grows from both ends."""

    def __init__(
        self, start: Expr, end: Expr, holds: Holds, effort: Effort, only: Collection[str] | None = None
    ) -> None:
        self.start, self.end, self.effort = start, end, effort
        self.graph: Congruence[str] = Congruence()
        self.largest = max(start.size, end.size) + _SLACK
        self.rules = reachable((start, end))
        used = [r for r in self.rules if only is None or r.name in only]
        self.turns = [(r, True) for r in used]
        self.turns += [(r, False) for r in used if effort.both and r.name in _turned()]
        self.collapsing: dict[str, list[Rule]] = {}
        for r in used:
            if r.right.op == "var":
                self.collapsing.setdefault(r.left.op, []).append(r)
        self.holds = _remembering(holds)
        self.seen: set[tuple[object, ...]] = set()
        self.each = dict.fromkeys(self.turns, _EACH)
        self.idle = dict.fromkeys(self.turns, 0)
        self.tried = 0
        for e in (start, end):
            self.add(e)

    def give(self, given: Sequence[tuple[Expr, Expr, str]]) -> None:
        """Terms that are equal for other reasons."""
        for a, b, reason in given:
            one, other = written(a), written(b)
            self.add(one)
            self.add(other)
            self.graph.merge(one, other, reason)

    def steps(self) -> list[Step[str]] | None:
        """How one end becomes the other, without detours; None where they do not meet."""
        if not self.meet():
            return None
        try:
            found = self.graph.explain(self.start, self.end, _STEPS)
        except TooLong:
            return None
        return shortened(self.start, found, self.rules, self.holds)

    def met(self) -> bool:
        return self.graph.equal(self.start, self.end)

    def meet(self) -> bool:
        if self.met():
            return True
        for k in range(self.effort.rounds):
            before = len(self.graph)
            for turn in self.turns:
                if self.idle[turn] > k:
                    continue
                self.apply(turn, k)
                if self.met():
                    return True
                if self.full():
                    return False
            if len(self.graph) == before and not any(n > k for n in self.idle.values()):
                return False
        return False

    def apply(self, turn: Turn, k: int) -> None:
        """One rule, everywhere; one that matches in too many places rests for a round, and may more then."""
        r, forward = turn
        found = list(islice(self.matches(turn), self.each[turn] + 1))
        if len(found) > self.each[turn]:
            self.idle[turn] = k + 2
            self.each[turn] *= 3
            return
        table = [(substitute(r.left, b), substitute(r.right, b), key) for b, key in found]
        for left, right, key in table:
            old, new = (left, right) if forward else (right, left)
            if new.size > self.largest or not guarded(r, left, self.holds):
                continue
            self.seen.add(key)
            self.add(old)
            if self.graph.lookup(new) is self.graph.find(old):
                continue
            self.add(new)
            self.graph.merge(left, right, r.name)
            if self.full() or self.met():
                return

    def full(self) -> bool:
        return len(self.graph) > self.effort.nodes or self.tried > self.effort.tries

    def matches(self, turn: Turn) -> Iterator[tuple[dict[Expr, Expr], tuple[object, ...]]]:
        """New choices of terms for the variables of a rule: the smallest of their classes."""
        graph, (r, forward) = self.graph, turn
        pattern = r.left if forward else r.right
        for root in graph.classes(pattern.op):
            for binding in self.match(pattern, root, {}):
                key = (r.name, forward, root, *(graph.find(binding[n]) for n in sorted(binding)))
                if key not in self.seen:
                    yield {var(n): graph.least[graph.find(e)] for n, e in binding.items()}, key

    def match(self, p: Expr, root: Expr, binding: Binding) -> Iterator[Binding]:
        graph = self.graph
        if p.op == "var":
            name = str(p.value)
            known = binding.get(name)
            if known is None:
                yield {**binding, name: root}
            elif graph.find(known) is root:
                yield binding
            return
        for node in tuple(graph.nodes(root, p.op)):
            if self.tried > self.effort.tries:
                return
            self.tried += 1
            if p.args:
                yield from self.match_all(p.args, node.args, binding)
            elif node.value == p.value:
                yield binding

    def match_all(self, ps: Sequence[Expr], es: Sequence[Expr], binding: Binding) -> Iterator[Binding]:
        if not ps:
            yield binding
            return
        for b in self.match(ps[0], self.graph.find(es[0]), binding):
            yield from self.match_all(ps[1:], es[1:], b)

    def add(self, e: Expr) -> None:
        """Adds a term, what the numbers in it come to, and which parts of it are other parts."""
        new = [x for x in walk(e) if x not in self.graph]
        self.graph.add(e)
        for x in new:
            if (value := computed(x)) is not None:
                self.graph.merge(x, value, ARITHMETIC)
            for r in self.collapsing.get(x.op, ()):
                if (part := single(r, x)) is not None and guarded(r, x, self.holds):
                    self.graph.merge(x, part, r.name)


def _remembering(holds: Holds) -> Holds:
    known: dict[tuple[str, Expr], bool] = {}

    def held(fact: str, e: Expr) -> bool:
        if (fact, e) not in known:
            known[fact, e] = holds(fact, e)
        return known[fact, e]

    return held


def reachable(ends: Iterable[Expr]) -> tuple[Rule, ...]:
    """The rules that can ever be used on the way between some terms: those that shorten go first."""
    ops = {x.op for x in walk(*ends) if x.args} | {"add", "sub", "mul", "div", "neg", "square"}
    while True:
        found = [r for r in RULES if _operations(r.left) <= ops]
        grown = ops.union(*(_operations(r.right) for r in found))
        if grown == ops:
            break
        ops = grown
    return tuple(sorted(found, key=lambda r: r.right.size - r.left.size > 0))


@cache
def _operations(e: Expr) -> frozenset[str]:
    return frozenset(x.op for x in walk(e) if x.op not in _LEAVES)
