"""Expressions, as `expr.show` writes them, in MathML Core: what browsers typeset and screen readers speak.

The order of operations stays as it is written. Text is read by Python's own grammar and never evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from html import escape, unescape

from vjpgen.errors import InternalError

_OR, _AND, _NOT, _RELATION, _SUM, _MINUS, _PRODUCT, _FRACTION, _POWER, _ATOM = range(10)
_RELATIONS = {ast.Lt: "&lt;", ast.LtE: "≤", ast.Gt: "&gt;", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠"}
_FENCES = {"abs": ("|", "|"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉")}
_ALPHA, _OMEGA = "\u0391", "\u03c9"
_SIGN = "&#x2212;"
_INFIX = {ast.Add: ("+", _SUM), ast.Sub: (_SIGN, _SUM), ast.Mult: ("⋅", _PRODUCT)}
_NAME = re.compile(r"(.*?[^\W\d_])_?(\d+)")

Piece = tuple[str, int]  # markup, and how tightly its outermost operation binds


def math(text: str, *, left: str = "", block: bool = True) -> str:
    """A `math` element, with the text itself as its alternative.

    Args:
        text: an expression as `expr.show` writes it.
        left: the left side of an equation, if any, in the same notation or as `partial` makes it.
        block: on a line of its own.
    """
    side = left if left.startswith("<") else _markup(left) if left else ""
    whole = f"{side}<mo>=</mo>{_markup(text)}" if side else _markup(text)
    display = ' display="block"' if block else ""
    return f'<math{display} alttext="{escape(text)}"><mrow>{whole}</mrow></math>'


def partial(function: str, arguments: Sequence[str], argument: str) -> str:
    """Markup of d function / d argument: with a straight d for one argument, a round one for several."""
    d = "<mi>d</mi>" if len(arguments) == 1 else "<mi>∂</mi>"
    return f"<mfrac><mrow>{d}{_name(function)}</mrow><mrow>{d}{_name(argument)}</mrow></mfrac>"


def splitpoints(text: str) -> tuple[str, ...]:
    """The conditions of every `where` in an expression, each once, outermost first."""
    wheres = (n for n in ast.walk(_read(text)) if isinstance(n, ast.Call) and _called(n) == "where")
    return tuple(dict.fromkeys(ast.unparse(n.args[0]) for n in wheres))


def _read(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise InternalError(f"no expression: {text!r}") from error


def _markup(text: str) -> str:
    return _piece(_read(text))[0]


def _piece(node: ast.expr) -> Piece:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        tag = "mtext" if isinstance(node.value, bool) else "mn"
        return f"<{tag}>{str(node.value).lower()}</{tag}>", _ATOM
    if isinstance(node, ast.Name):
        return _name(node.id), _ATOM
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            return f"<mrow><mo>¬</mo>{_inside(node.operand, _SUM)}</mrow>", _NOT
        return f"<mrow><mo>{_SIGN}</mo>{_inside(node.operand, _PRODUCT)}</mrow>", _MINUS
    if isinstance(node, ast.BinOp):
        return _binary(node)
    if isinstance(node, ast.Compare):
        (right,), sign = node.comparators, _RELATIONS[type(node.ops[0])]
        sides = _inside(node.left, _SUM), _inside(right, _SUM)
        return f"<mrow>{sides[0]}<mo>{sign}</mo>{sides[1]}</mrow>", _RELATION
    if isinstance(node, ast.BoolOp):
        word, level = ("and", _AND) if isinstance(node.op, ast.And) else ("or", _OR)
        between = f"<mspace width='0.4em'/><mtext>{word}</mtext><mspace width='0.4em'/>"
        return f"<mrow>{between.join(_inside(v, level + 1) for v in node.values)}</mrow>", level
    if isinstance(node, ast.Call):
        return _call(_called(node), node.args)
    raise InternalError(f"no expression: {ast.unparse(node)}")


def _binary(node: ast.BinOp) -> Piece:
    if isinstance(node.op, ast.Div):
        return f"<mfrac>{_inside(node.left, _OR)}{_inside(node.right, _OR)}</mfrac>", _FRACTION
    if isinstance(node.op, ast.Pow):
        return f"<msup>{_inside(node.left, _ATOM)}{_inside(node.right, _OR)}</msup>", _POWER
    sign, level = _INFIX[type(node.op)]
    least = _MINUS if level == _PRODUCT else level  # a minus sign in front of a product is the product's
    left, right = _inside(node.left, least), _inside(node.right, level + 1)
    return f"<mrow>{left}<mo>{sign}</mo>{right}</mrow>", level


def _call(name: str, args: Sequence[ast.expr]) -> Piece:
    if name == "where":
        return _cases(args)
    if name == "exp":
        return f"<msup><mi>e</mi>{_inside(args[0], _OR)}</msup>", _POWER
    if name == "sqrt":
        return f"<msqrt>{_inside(args[0], _OR)}</msqrt>", _ATOM
    if name == "cbrt":
        return f"<mroot>{_inside(args[0], _OR)}<mn>3</mn></mroot>", _ATOM
    opening, closing = _FENCES.get(name, ("(", ")"))
    listed = "<mo>,</mo>".join(_inside(a, _OR) for a in args)
    fenced = f"<mrow><mo>{opening}</mo>{listed}<mo>{closing}</mo></mrow>"
    return (
        fenced if name in _FENCES else f"<mrow><mi>{escape(name)}</mi><mo>&#x2061;</mo>{fenced}</mrow>"
    ), _ATOM


def _cases(args: Sequence[ast.expr]) -> Piece:
    """A chain of choices, one to a line."""
    lines = []
    while True:
        condition, yes, no = args
        lines.append((_inside(yes, _OR), f"<mtext>if&#xa0;</mtext>{_inside(condition, _OR)}"))
        if not (isinstance(no, ast.Call) and _called(no) == "where"):
            lines.append((_inside(no, _OR), "<mtext>otherwise</mtext>"))
            break
        args = no.args
    rows = "".join(f"<mtr><mtd>{a}</mtd><mtd><mrow>{b}</mrow></mtd></mtr>" for a, b in lines)
    return f"<mrow><mo>{{</mo><mtable class='cases' displaystyle='true'>{rows}</mtable></mrow>", _OR


def _inside(node: ast.expr, least: int) -> str:
    """Markup of an operand, in parentheses where it binds less tightly than it has to."""
    markup, level = _piece(node)
    return markup if level >= least else f"<mrow><mo>(</mo>{markup}<mo>)</mo></mrow>"


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _name(name: str) -> str:
    if name == "inf":
        return "<mi>&#x221e;</mi>"
    name = name.removesuffix("_") or name
    numbered = _NAME.fullmatch(name)
    if numbered:
        return f"<msub>{_name(numbered[1])}<mn>{numbered[2]}</mn></msub>"
    letter = unescape(f"&{name};")
    return f"<mi>{escape(letter if letter.isalpha() and _ALPHA <= letter <= _OMEGA else name)}</mi>"
