"""Rewrite rules: identities of a few operations each, read from rows of data.

A row reads `name: left -> right if guards`; `<->` goes both ways. Patterns are over a, b, c, d, which match
anything; functions are operations of `ops.OPS`; `a**2` is the operation square. Guards are facts that the
e-graph knows of a class: nz (nowhere identically 0), pos (> 0), nonneg (>= 0). Facts come from the sampled
domain and from structure. A test samples every row against exact arithmetic, tails included.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from vjpgen.expr import Expr, call, const, num, var
from vjpgen.rules_algebra import REARRANGING, SIMPLIFYING
from vjpgen.rules_functions import FUNCTIONS


@dataclass(frozen=True, slots=True)
class Rule:
    """One directed identity.

    Attributes:
        name: unique name.
        left: the pattern.
        right: what it equals.
        guards: (fact, pattern) pairs that have to hold.
        group: number of the block it stands in; the rules of a block are run together.
        source: where the identity comes from.
    """

    name: str
    left: Expr
    right: Expr
    guards: tuple[tuple[str, Expr], ...]
    group: int
    source: str


TEXT = SIMPLIFYING + FUNCTIONS + REARRANGING

_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}


def pattern(text: str) -> Expr:
    """The pattern that a row's text means; the text is this module's own, never a user's."""
    return _pattern(ast.parse(text.strip(), mode="eval").body)


def _pattern(node: ast.expr) -> Expr:
    match node:
        case ast.Constant(value=int() as n):
            return num(n)
        case ast.Name(id=name):
            return const(name) if name == "pi" else var(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as n)):
            return num(-n)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_pattern(operand)
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=2)):
            return call("square", _pattern(base))
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return call("pow", _pattern(base), _pattern(exponent))
        case ast.BinOp(left=left, op=op, right=right):
            return call(_BINARY[type(op)], _pattern(left), _pattern(right))
        case ast.Call(func=ast.Name(id=name), args=args):
            return call(name, *map(_pattern, args))
    raise ValueError(ast.dump(node))


def _read(group: int, source: str, text: str) -> list[Rule]:
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, body = line.split(": ", 1)
        body, _, condition = body.partition(" if ")
        guards = tuple(
            (g.partition("(")[0], pattern(g.partition("(")[2][:-1])) for g in condition.split(", ") if g
        )
        arrow = "<->" if "<->" in body else "->"
        left, right = map(pattern, body.split(arrow))
        found.append(Rule(name, left, right, guards, group, source))
        if arrow == "<->":
            found.append(Rule(name + "-back", right, left, guards, group, source))
    return found


RULES: tuple[Rule, ...] = tuple(r for k, (source, text) in enumerate(TEXT) for r in _read(k, source, text))
GROUPS = len(TEXT)
