"""Signs of expressions from signs of their parts: enough to see which branches can never be taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from vjpgen.expr import Expr, walk

Signs = frozenset[int]  # of -1, 0, 1: what is possible
ANY: Signs = frozenset((-1, 0, 1))
_MEANING: dict[str, Signs] = {
    "lt": frozenset((-1,)), "le": frozenset((-1, 0)), "gt": frozenset((1,)), "ge": frozenset((0, 1)),
    "eq": frozenset((0,)), "ne": frozenset((-1, 1)),
}  # fmt: skip
_LIKE_OPERAND = frozenset(
    ("expm1", "log1p", "tanh", "sinh", "asinh", "atanh", "atan", "asin", "erf", "cbrt", "sign")
)
_POSITIVE = frozenset(
    ("exp", "exp2", "cosh", "logistic", "softplus", "erfc", "erfcx", "ierfcx", "exp_product", "exp_sum")
)


def difference(a: Expr, b: Expr, known: Iterable[Expr]) -> Signs:
    """Possible signs of a - b where all of `known` hold."""
    return _difference(a, b, _facts(known))


def decide(condition: Expr, known: Iterable[Expr]) -> bool | None:
    """Whether a relation always holds (True) or never (False) where all of `known` hold; None if not seen."""
    if condition.op == "not":
        inner = decide(condition.args[0], known)
        return None if inner is None else not inner
    if condition.op not in _MEANING:
        return None
    (a, b), meaning = condition.args, _MEANING[condition.op]
    found = difference(a, b, known)
    if found <= meaning:
        return True
    return False if not found & meaning else None


def _facts(known: Iterable[Expr]) -> dict[tuple[Expr, Expr], Signs]:
    """Signs of differences that the conditions state, by the two sides."""
    facts: dict[tuple[Expr, Expr], Signs] = {}

    def add(condition: Expr, holds: bool) -> None:
        if condition.op == "not":
            add(condition.args[0], not holds)
        elif condition.op == ("and" if holds else "or"):
            for part in condition.args:
                add(part, holds)
        elif condition.op in _MEANING:
            a, b = condition.args
            signs = _MEANING[condition.op] if holds else ANY - _MEANING[condition.op]
            facts[a, b] = facts.get((a, b), ANY) & signs
            facts[b, a] = facts.get((b, a), ANY) & frozenset(-s for s in signs)

    for condition in known:
        add(condition, True)
    return facts


def _difference(a: Expr, b: Expr, facts: Mapping[tuple[Expr, Expr], Signs]) -> Signs:
    if a is b:
        return frozenset((0,))
    if isinstance(a.value, Fraction) and isinstance(b.value, Fraction):
        return frozenset(((a.value > b.value) - (a.value < b.value),))
    found = facts.get((a, b), ANY)
    zero_a, zero_b = a.value == 0 and a.op == "num", b.value == 0 and b.op == "num"
    if zero_b:
        return found & _sign(a, facts)
    if zero_a:
        return found & frozenset(-s for s in _sign(b, facts))
    return found & _plus(_sign(a, facts), frozenset(-s for s in _sign(b, facts)))


def _sign(e: Expr, facts: Mapping[tuple[Expr, Expr], Signs]) -> Signs:
    """Possible signs of a real expression."""
    done: dict[Expr, Signs] = {}
    for x in walk(e):
        done[x] = _stated(x, facts) & _structural(x, [done[a] for a in x.args], facts)
    return done[e]


def _stated(x: Expr, facts: Mapping[tuple[Expr, Expr], Signs]) -> Signs:
    """What the facts say of x beside numbers: x > 3 says that x is positive."""
    found = ANY
    for (a, b), signs in facts.items():
        if a is not x or not isinstance(b.value, Fraction):
            continue
        found &= _plus(signs, frozenset(((b.value > 0) - (b.value < 0),)))
    return found


def _structural(x: Expr, below: list[Signs], facts: Mapping[tuple[Expr, Expr], Signs]) -> Signs:
    if isinstance(x.value, Fraction):
        return frozenset(((x.value > 0) - (x.value < 0),))
    if x.op == "const" or x.op in _POSITIVE:
        return frozenset((1,))
    if x.op in _LIKE_OPERAND:
        return below[0]
    if x.op == "neg":
        return frozenset(-s for s in below[0])
    if x.op in ("abs", "square", "sqrt", "hypot"):
        return frozenset((0, 1)) if 0 in below[0] or x.op == "hypot" else frozenset((1,))
    if x.op in ("mul", "div"):
        return frozenset(a * b for a in below[0] for b in below[1])
    if x.op == "pow" and below[0] == frozenset((1,)):
        return frozenset((1,))
    if x.op == "pow" and isinstance(x.args[1].value, Fraction) and x.args[1].value % 2 == 0:
        return frozenset((0, 1)) if 0 in below[0] else frozenset((1,))
    if x.op == "add":
        return _plus(below[0], below[1])
    if x.op == "sub":
        a, b = x.args
        if a.op == "exp" and b.value == 1:
            return _sign(a.args[0], facts)
        if b.op == "exp" and a.value == 1:
            return frozenset(-s for s in _sign(b.args[0], facts))
        return facts.get((a, b), ANY) & _plus(below[0], frozenset(-s for s in below[1]))
    return ANY


def _plus(a: Signs, b: Signs) -> Signs:
    """Signs of a sum of numbers with these signs."""
    found: set[int] = set()
    for s in a:
        for t in b:
            found |= ANY if s * t < 0 else {s or t}
    return frozenset(found)
