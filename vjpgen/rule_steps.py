"""Single steps: what a rule makes of a term in one place, and chains of such steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache

from vjpgen.congruence import Step
from vjpgen.expr import Expr, again, call, num, substitute, var
from vjpgen.rules import RULES, Rule

Holds = Callable[[str, Expr], bool]  # whether a fact of `rules` holds of a term
Binding = dict[str, Expr]
ARITHMETIC = "arithmetic"

_WHOLE = 10**6  # numbers beyond are not computed with


def rule(name: str) -> Rule:
    """The rule of that name."""
    return _by_name()[name]


def is_rule(reason: str) -> bool:
    """Whether the reason of a step is a rule's name."""
    return reason in _by_name()


@cache
def _by_name() -> dict[str, Rule]:
    return {r.name: r for r in RULES}


def computed(x: Expr) -> Expr | None:
    """The value of an operation on whole numbers, where it is a short one; what a simple power is."""
    if x.op == "pow" and x.args[1] in (num(1), num(2)):
        return x.args[0] if x.args[1] is num(1) else call("square", x.args[0])
    values = [a.value for a in x.args if isinstance(a.value, Fraction)]
    if len(values) < len(x.args) or not values:
        return None
    value = _value(x.op, values)
    if value is None or value.denominator != 1 or abs(value) > _WHOLE:
        return None
    return num(value)


def _value(op: str, values: Sequence[Fraction]) -> Fraction | None:
    match op, values:
        case "add", [a, b]:
            return a + b
        case "sub", [a, b]:
            return a - b
        case "mul", [a, b]:
            return a * b
        case "neg", [a]:
            return -a
        case "square", [a]:
            return a * a
        case "div", [a, b] if b:
            return a / b
    return None


def guarded(r: Rule, left: Expr, holds: Holds) -> bool:
    """Whether the guards of a rule hold where its left side is this term."""
    if not r.guards:
        return True
    binding = next(_bindings(r.left, left, {}))
    table = {var(n): e for n, e in binding.items()}
    return all(holds(fact, substitute(e, table)) for fact, e in r.guards)


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


def all_right(start: Expr, steps: Sequence[Step[str]], holds: Holds) -> bool:
    """Whether every step of a chain is what it says; those that are no rules' are taken on trust."""
    terms = [start, *(s.term for s in steps)]
    ours = [(s, e) for s, e in zip(steps, terms, strict=False) if s.reason == ARITHMETIC or is_rule(s.reason)]
    return all(right(s, e, holds) for s, e in ours)


def _put(e: Expr, place: Sequence[int], part: Expr) -> Expr:
    if not place:
        return part
    k, *rest = place
    return again(e, [*e.args[:k], _put(e.args[k], rest, part), *e.args[k + 1 :]])


def shortened(
    start: Expr, steps: Sequence[Step[str]], rules: Sequence[Rule], holds: Holds
) -> list[Step[str]]:
    """The chain without detours: from each term to the furthest that one rule leads to."""
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
