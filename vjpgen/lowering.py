"""Expr to JAX statements: shared subexpressions named once, choices safe under differentiation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vjpgen.double_word import applied, lower_words
from vjpgen.expr import APART, Expr, again, opened, var, variables, walk
from vjpgen.floats import constant_value
from vjpgen.guards import Guard, condition_name
from vjpgen.naming import Names, telling
from vjpgen.ops import OPS
from vjpgen.printer import is_bool, is_constant, source
from vjpgen.wide_range import lower_wide

_LARGEST = float.fromhex("0x1.fffffep+127")  # of float32
_LONG = 64  # a single subexpression with more characters than this gets a name of its own


@dataclass(frozen=True, slots=True)
class Block:
    """Statements that compute some expressions.

    Attributes:
        lines: assignments, in order.
        results: source of each expression, after `lines`.
        support: helpers of `templates/support/` that the source calls.
    """

    lines: tuple[str, ...]
    results: tuple[str, ...]
    support: tuple[str, ...]


def lower(exprs: Sequence[Expr], names: Names, anchors: Sequence[Mapping[str, float]] | None) -> Block:
    """Statements and results for `exprs`.

    Args:
        exprs: real expressions over variables that are in scope under their names.
        names: the names in use; those of the new variables are added.
        anchors: ordinary points, a value for each variable; None leaves choices as they are.
    """
    guard = Guard(anchors or ())
    roots = [guard(e) if anchors is not None else e for e in exprs]
    uses = Counter(a for x in walk(*roots) for a in x.args)
    uses.update(roots)
    known: dict[Expr, str] = {}
    pairs: dict[str, dict[Expr, str]] = {op: {} for op in APART}
    lines: list[str] = []
    for x in _beyond_single(roots):
        known[x] = names.new("huge")
        lines.append(f"{known[x]} = _huge({source(x, {})}, {variables(*roots)[0]})")
    for x in walk(*roots):
        needed = x.op in APART or (
            _worth_a_name(x) and (uses[x] > 1 or x in guard.labels or _is_long(x, roots, known))
        )
        if not needed:
            continue
        if x.op in APART:
            lines += _apart(x, names, known, pairs[x.op])
            continue
        text = source(x, known)
        known[x] = _name(x, names, known, guard.labels)
        lines.append(f"{known[x]} = {text}")
    results = tuple(source(x, known) for x in roots)
    return Block(tuple(lines), results, _support(roots, (*lines, *results)))


def _apart(x: Expr, names: Names, known: dict[Expr, str], pairs: dict[Expr, str]) -> list[str]:
    """Statements for a formula in an arithmetic of its own; the number that it comes to becomes known."""
    lines, operands = [], list[Expr]()
    word, pair = ("words", "{0}, jnp.zeros_like({0})") if x.op == "double_word" else ("wide", "_wide({0})")
    for a in x.args:
        if is_constant(a):
            operands.append(a)
            continue
        text = source(a, known)
        operands.append(var(f"{text}:{word}"))
        if operands[-1] not in pairs:
            pairs[operands[-1]] = names.new(f"{text}_{word}" if text.isidentifier() else word)
            lines.append(f"{pairs[operands[-1]]} = {pair.format(text)}")
    root = opened(again(x, operands))
    like = next(pairs[o] for o in operands if o in pairs)
    if x.op == "double_word":
        more, results = lower_words(root.args, names, like, pairs, quick=True)
        result = f"{applied(root, results)}[0]"
    else:
        more, result = lower_wide(root, names, like, pairs)
    known[x] = names.numbered("t")
    return [*lines, *more, f"{known[x]} = {result}"]


def _beyond_single(roots: Sequence[Expr]) -> list[Expr]:
    """Constants beyond float32 that meet an array: converting them raises a warning."""
    met = (a for x in walk(*roots) if not is_constant(x) for a in x.args if is_constant(a) and not is_bool(a))
    return [a for a in dict.fromkeys(met) if _LARGEST < abs(constant_value(a)) < math.inf]


def _worth_a_name(x: Expr) -> bool:
    if not x.args or is_constant(x):
        return False
    return not (x.op == "neg" and not x.args[0].args)


def _is_long(x: Expr, roots: Sequence[Expr], known: Mapping[Expr, str]) -> bool:
    return x not in roots and not is_bool(x) and len(source(x, known)) > _LONG


def _name(x: Expr, names: Names, known: Mapping[Expr, str], labels: Mapping[Expr, str]) -> str:
    if x in labels:
        return names.new(labels[x])
    if is_bool(x):
        return names.new(condition_name(x))
    wish = telling(x, known)
    return names.new(wish) if wish is not None else names.numbered("t")


def _support(roots: Sequence[Expr], texts: Sequence[str]) -> tuple[str, ...]:
    found = [OPS[x.op].support for x in walk(*roots) if x.op in OPS and OPS[x.op].support]
    found += [name for name in ("horner", "huge") if any(f"_{name}(" in text for text in texts)]
    return tuple(dict.fromkeys(found))
