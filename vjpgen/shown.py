"""Expressions from the text that `expr.show` writes; nothing is rewritten."""

from __future__ import annotations

import ast
from fractions import Fraction

from vjpgen.errors import InternalError
from vjpgen.expr import CONSTANTS, INFINITE, Expr, call, const, double_word, num, var, wide_range
from vjpgen.ops import OPS

_INFIX = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_RELATIONS = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}


def read(text: str) -> Expr:
    """The expression of a text that `expr.show` wrote.

    Raises:
        InternalError: it did not.
    """
    try:
        return _read(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, KeyError, RecursionError) as error:
        raise InternalError(f"no expression: {text!r}") from error


def _read(node: ast.expr) -> Expr:
    if (fraction := _fraction(node)) is not None:
        return num(fraction)
    match node:
        case ast.Constant(value=bool() as truth):
            return call("true" if truth else "false")
        case ast.Constant(value=int() as n):
            return num(n)
        case ast.Constant(value=float() as x):
            return num(Fraction(repr(x)))
        case ast.Name(id="inf"):
            return num(INFINITE)
        case ast.Name(id=name):
            return const(name) if name in CONSTANTS else var(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as n)):
            return num(-n)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_read(operand)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return call("not", _read(operand))
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=2)):
            return call("square", _read(base))
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return call("pow", _read(base), _read(exponent))
        case ast.BinOp(left=left, op=op, right=right):
            return call(_INFIX[type(op)], _read(left), _read(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return call(_RELATIONS[type(op)], _read(left), _read(right))
        case ast.BoolOp(op=op, values=[first, *others]):
            total = _read(first)
            for other in others:
                total = call("and" if isinstance(op, ast.And) else "or", total, _read(other))
            return total
        case ast.Call(func=ast.Name(id="double_word"), args=[inside]):
            return double_word(_read(inside))
        case ast.Call(func=ast.Name(id="wide_range"), args=[inside]):
            return wide_range(_read(inside))
        case ast.Call(func=ast.Name(id=name), args=args) if name in OPS or name == "poly":
            return call(name, *map(_read, args))
    raise ValueError(ast.dump(node))


def _fraction(node: ast.expr) -> Fraction | None:
    """The number that stands as p/q; None for anything else."""
    match node:
        case ast.BinOp(
            left=ast.Constant(value=int() as p), op=ast.Div(), right=ast.Constant(value=int() as q)
        ):
            return Fraction(p, q) if q else None
        case ast.BinOp(
            left=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as p)),
            op=ast.Div(),
            right=ast.Constant(value=int() as q),
        ):
            return Fraction(-p, q) if q else None
    return None
