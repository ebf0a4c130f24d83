"""The chain of rules by which one term becomes another: both grow in one graph until they meet.

The rules are those of the search, which grows its graph elsewhere and keeps no reasons. Here the graph is
small, and both ends are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from vjpgen.congruence import Congruence, Step, TooLong
from vjpgen.expr import Expr, again, call, num, rebuild, substitute, var, variables, walk
from vjpgen.rules import RULES, Rule

Holds = Callable[[str, Expr], bool]  # whether a fact of `rules` holds of a term
Binding = dict[str, Expr]
ARITHMETIC = "arithmetic"

_LEAVES = ("num", "const", "var")
_WHOLE = 10**6  # numbers beyond are not computed with
_SLACK = 12  # nodes that a term may have more than the longer of the two
_STEPS = 400
_EACH = 120  # matches of a rule in a round, at first


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a search goes.

    Attributes:
        nodes: operations on classes of equal terms, at most.
        rounds: rounds of all rules, at most.
    """

    nodes: int = 2500
    rounds: int = 7


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
) -> Found | None:
    """How `start` becomes `end` by rules; None where no way was found.

    Args:
        start, end: terms without `where` and `poly`; numbers are written as quotients of whole ones.
        holds: tells which guards of the rules hold.
        effort: how far to look.
        given: pairs of terms that are equal for a reason which is no rule, and the reason.
    """
    start, end = written(start), written(end)
    search = _Search(start, end, holds, effort)
    for a, b, reason in given:
        for e in (written(a), written(b)):
            search.add(e)
        search.graph.merge(written(a), written(b), reason)
    if not search.meet():
        return None
    try:
        steps = search.graph.explain(start, end, _STEPS)
    except TooLong:
        return None
    return Found(start, tuple(_shortened(start, steps, search.rules, holds)))


def written(e: Expr) -> Expr:
    """The term as rules see it: numbers as quotients of whole ones, second powers as squares."""

    def change(x: Expr) -> Expr | None:
        if x.op == "num" and isinstance(x.value, Fraction) and x.value.denominator != 1:
            return num(x.value.numerator) / num(x.value.denominator)
        if x.op == "pow" and x.args[1] is num(2):
            return call("square", x.args[0])
        return None

    return rebuild(e, change)


def rule(name: str) -> Rule:
    """The rule of that name."""
    return _by_name()[name]


@cache
def _by_name() -> dict[str, Rule]:
    return {r.name: r for r in RULES}


def computed(x: Expr) -> Expr | None:
    """The value of an operation on whole numbers, where it is a short one; what a simple power is."""
    match x.op, x.args:
        case "pow", (a, n) if n is num(2):
            return call("square", a)
        case "pow", (a, n) if n is num(1):
            return a
    values = [a.value for a in x.args if isinstance(a.value, Fraction)]
    if len(values) < len(x.args) or not values:
        return None
    match x.op, values:
        case "add", [a, b]:
            value = a + b
        case "sub", [a, b]:
            value = a - b
        case "mul", [a, b]:
            value = a * b
        case "neg", [a]:
            value = -a
        case "square", [a]:
            value = a * a
        case "div", [a, b] if b and (a / b).denominator == 1:
            value = a / b
        case _:
            return None
    return num(value) if value.denominator == 1 and abs(value) <= _WHOLE else None


class _Search:
    """A graph that grows from both ends."""

    def __init__(self, start: Expr, end: Expr, holds: Holds, effort: Effort) -> None:
        self.start, self.end, self.effort = start, end, effort
        self.graph: Congruence[str] = Congruence()
        self.largest = max(start.size, end.size) + _SLACK
        self.rules = reachable((start, end))
        self.holds = _remembering(holds)
        self.seen: set[tuple[object, ...]] = set()
        self.each = dict.fromkeys((r.name for r in self.rules), _EACH)
        self.idle = dict.fromkeys((r.name for r in self.rules), 0)
        for e in (start, end):
            self.add(e)

    def met(self) -> bool:
        return self.graph.equal(self.start, self.end)

    def meet(self) -> bool:
        if self.met():
            return True
        for k in range(self.effort.rounds):
            before = len(self.graph)
            for r in self.rules:
                if self.idle[r.name] > k:
                    continue
                self.apply(r, k)
                if self.met():
                    return True
                if len(self.graph) > self.effort.nodes:
                    return False
            if len(self.graph) == before and not any(n > k for n in self.idle.values()):
                return False
        return False

    def apply(self, r: Rule, k: int) -> None:
        """One rule, everywhere; one that matches in too many places rests for a round, and may more then."""
        found = list(self.matches(r))
        if len(found) > self.each[r.name]:
            self.idle[r.name] = k + 2
            self.each[r.name] *= 3
            return
        table = [(substitute(r.left, b), substitute(r.right, b), key) for b, key in found]
        for left, right, key in table:
            if right.size > self.largest or not guarded(r, left, self.holds):
                continue
            self.seen.add(key)
            self.add(left)
            if self.graph.lookup(right) is self.graph.find(left):
                continue
            self.add(right)
            self.graph.merge(left, right, r.name)
            if len(self.graph) > self.effort.nodes or self.met():
                return

    def matches(self, r: Rule) -> Iterator[tuple[dict[Expr, Expr], tuple[object, ...]]]:
        """New choices of terms for the variables of a rule: the smallest of their classes."""
        graph = self.graph
        for root in graph.classes(r.left.op):
            for binding in self.match(r.left, root, {}):
                key = (r.name, root, *(graph.find(binding[n]) for n in sorted(binding)))
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
        """Adds a term, and what the numbers in it come to."""
        new = [x for x in walk(e) if x not in self.graph]
        self.graph.add(e)
        for x in new:
            if (value := computed(x)) is not None:
                self.graph.merge(x, value, ARITHMETIC)


def guarded(r: Rule, left: Expr, holds: Holds) -> bool:
    """Whether the guards of a rule hold where its left side is this term."""
    if not r.guards:
        return True
    (binding,) = list(_bindings(r.left, left, {}))[:1] or [None]
    assert binding is not None
    table = {var(n): e for n, e in binding.items()}
    return all(holds(fact, substitute(e, table)) for fact, e in r.guards)


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


def _bindings(p: Expr, e: Expr, binding: Mapping[str, Expr]) -> Iterator[Binding]:
    """The choice of terms for which a pattern is this very term, if there is one."""
    if p.op == "var":
        known = binding.get(str(p.value))
        if known is None or known is e:
            yield {**binding, str(p.value): e}
        return
    if p.op != e.op or p.value != e.value or len(p.args) != len(e.args):
        return
    found: list[Binding] = [dict(binding)]
    for a, b in zip(p.args, e.args, strict=True):
        found = [more for one in found for more in _bindings(a, b, one)]
    yield from found


def single(r: Rule, e: Expr) -> Expr | None:
    """What a rule makes of a term at its top; None where it does not match."""
    return _other(r, e, True)


def _other(r: Rule, e: Expr, forward: bool) -> Expr | None:
    """The other side of a rule where one side is this term, and says all that the other one holds."""
    one, other = (r.left, r.right) if forward else (r.right, r.left)
    if one.op != e.op and one.op != "var":
        return None
    if not forward and (one.op == "var" or not set(other.names) <= set(one.names)):
        return None
    found = next(_bindings(one, e, {}), None)
    return None if found is None else substitute(other, {var(n): x for n, x in found.items()})


def right(step: Step[str], before: Expr, holds: Holds) -> bool:
    """Whether a step is what it says: its reason, at its place, makes the next term of this one."""
    part = before
    for k in step.place:
        part = part.args[k]
    if part is not step.before or _put(before, step.place, step.after) is not step.term:
        return False
    one, other = (step.before, step.after) if step.forward else (step.after, step.before)
    if step.reason == ARITHMETIC:
        return computed(one) is other
    r = rule(step.reason)
    return single(r, one) is other and guarded(r, one, holds)


def _put(e: Expr, place: Sequence[int], part: Expr) -> Expr:
    if not place:
        return part
    k, *rest = place
    return again(e, [*e.args[:k], _put(e.args[k], rest, part), *e.args[k + 1 :]])


def _shortened(
    start: Expr, steps: Sequence[Step[str]], rules: Sequence[Rule], holds: Holds
) -> list[Step[str]]:
    """The chain without detours: as few steps as lead from each term to the furthest that is one rule away."""
    terms = [start, *(s.term for s in steps)]
    last = {e: k for k, e in enumerate(terms)}
    found: list[Step[str]] = []
    k = last[start]
    while k < len(terms) - 1:
        ahead = {e: last[e] for e in terms[k + 1 :]}
        best = steps[k]
        for s in _neighbours(terms[k], rules, holds):
            if ahead.get(s.term, -1) > last[best.term]:
                best = s
        found.append(best)
        k = last[best.term]
    return found


def _neighbours(e: Expr, rules: Sequence[Rule], holds: Holds) -> Iterator[Step[str]]:
    """Everything that one rule makes of a term in one place."""
    for place, part in _places(e, ()):
        for r in rules:
            for forward in (True, False):
                new = _other(r, part, forward)
                if new is None or new is part:
                    continue
                if guarded(r, part if forward else new, holds):
                    yield Step(r.name, forward, place, part, new, _put(e, place, new))


def _places(e: Expr, place: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Expr]]:
    yield place, e
    for k, a in enumerate(e.args):
        yield from _places(a, (*place, k))
