"""Building calls: folds, definitions filled in, whole-number orders, constant conditions decided."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from vjpgen.constants import ConstantRefused, combine
from vjpgen.expr import Expr, call, num, walk, where

MAX_ORDER = 20
_NEGATED = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
TRUE, FALSE = call("true"), call("false")


def compare(op: str, left: Expr, right: Expr) -> Expr:
    """A relation; between two literals it is decided."""
    a, b = left.value, right.value
    if not (isinstance(a, Fraction) and isinstance(b, Fraction)):
        return call(op, left, right)
    holds = {"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b, "eq": a == b, "ne": a != b}[op]
    return TRUE if holds else FALSE


def logic(op: str, *operands: Expr) -> Expr:
    """`and`, `or`, `not`; an operand that is constant is dropped or decides."""
    if op == "not":
        constant = {TRUE: FALSE, FALSE: TRUE}.get(operands[0])
        return constant or call("not", operands[0])
    neutral, deciding = (TRUE, FALSE) if op == "and" else (FALSE, TRUE)
    left, right = operands
    if deciding in operands:
        return deciding
    if neutral in operands:
        return right if left is neutral else left
    return call(op, left, right)


def choose(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """`where`; a constant condition decides."""
    if condition in (TRUE, FALSE):
        return yes if condition is TRUE else no
    return where(condition, yes, no)


def build(op: str, *operands: Expr) -> Expr:
    """Any operation: exact on literals, decided on constant conditions."""
    if op in _NEGATED:
        return compare(op, *operands)
    if op in ("and", "or", "not"):
        return logic(op, *operands)
    return choose(*operands) if op == "where" else combine(op, *operands)


def fold(op: str, operands: tuple[Expr, ...]) -> Expr:
    """A binary operation over two or more operands, from the left."""
    result = operands[0]
    for operand in operands[1:]:
        result = build(op, result, operand)
    return result


def fill(definition: Expr, table: Mapping[Expr, Expr]) -> Expr:
    """A definition with its parameters replaced; factors of one and minus one go away.

    Raises:
        ConstantRefused: as `constants.combine`.
    """
    done: dict[Expr, Expr] = {}
    for e in walk(definition):
        operands = tuple(done[a] for a in e.args)
        if e in table:
            done[e] = table[e]
        elif e.op == "mul" and num(1) in operands:
            done[e] = operands[operands[0] is num(1)]
        elif e.op == "mul" and operands[0] is num(-1):
            done[e] = combine("neg", operands[1])
        elif e.op == "div" and operands[1] is num(1):
            done[e] = operands[0]
        else:
            done[e] = build(e.op, *operands) if operands else e
    return done[definition]


def special(name: str, operands: tuple[Expr, ...]) -> Expr:
    """The functions that are neither an operation nor one formula.

    Raises:
        ConstantRefused: an order that is not a whole number from the range the language has.
    """
    if name == "log":
        top = call("log", operands[0])
        return top if len(operands) == 1 else combine("div", top, call("log", operands[1]))
    if name == "logsumexp":
        return call("log", fold("add", tuple(call("exp", o) for o in operands)))
    order, x = _order(name, operands[0]), operands[1]
    if name == "polygamma":
        return call("polygamma", num(order), x) if order else call("digamma", x)
    value = call(name, num(abs(order)), x)
    return call("neg", value) if name == "besselj" and order < 0 and order % 2 else value


def _order(name: str, e: Expr) -> int:
    least = 0 if name == "polygamma" else -MAX_ORDER
    if not isinstance(e.value, Fraction) or e.value.denominator != 1 or not least <= e.value <= MAX_ORDER:
        raise ConstantRefused(f"the order of {name} is a whole number from {least} to {MAX_ORDER}")
    return int(e.value)


def implied_by(conditions: tuple[Expr, ...]) -> Expr | None:
    """What must hold for one of the conditions to hold; None where one always does."""
    last = conditions[-1]
    if last is TRUE or any(_opposite(c, last) for c in conditions[:-1]):
        return None
    return fold("or", conditions)


def _opposite(a: Expr, b: Expr) -> bool:
    """Whether one relation is the other's negation, by its form."""
    if a.op not in _NEGATED or b.op not in _NEGATED:
        return call("not", a) is b or call("not", b) is a
    negated = _NEGATED[a.op]
    return call(negated, *a.args) is b or call(_MIRRORED[negated], *a.args[::-1]) is b
