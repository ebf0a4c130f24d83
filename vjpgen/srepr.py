"""sympy's `srepr` text to formulas. Python's grammar reads it, a table says what may be called.

Nothing is evaluated as Python. sympy itself computes while an expression is put together: `2**(10**9)` and
`gamma(10**9)` would be written out, so what only consists of numbers is bounded before sympy gets it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NoReturn

import sympy as sp

from vjpgen.bridge import from_sympy, to_outputs
from vjpgen.constants import MAX_BITS, too_large
from vjpgen.errors import InputError
from vjpgen.formula import Formula, compose
from vjpgen.parse import short
from vjpgen.tokens import fits

MAX_NESTING = 100
_MOST = 200  # of the operand of a gamma function that consists of numbers: sympy writes its value out
_MANY = 32  # operands of a maximum, each of which sympy compares with every other
_PIECES = 64
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,6})?", re.ASCII | re.IGNORECASE)

_ANY = 10**6  # operands
_RELATIONS = ("StrictLessThan", "LessThan", "StrictGreaterThan", "GreaterThan", "Equality", "Unequality")
_LOGIC = {"And": _ANY, "Or": _ANY, "Not": 1}
_GAMMAS = ("gamma", "loggamma", "digamma", "polygamma")
# By name: the fewest and the most operands.
_OPERANDS: dict[str, tuple[int, int]] = {
    "Add": (1, _ANY), "Mul": (1, _ANY), "Pow": (2, 2), "Max": (1, _ANY), "Min": (1, _ANY), "log": (1, 2),
    "Heaviside": (1, 2), "atan2": (2, 2), "besselj": (2, 2), "besseli": (2, 2), "polygamma": (2, 2),
    **dict.fromkeys(
        ("exp", "sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh",
         "sech", "csch", "coth", "asinh", "acosh", "atanh", "Abs", "sign", "floor", "ceiling", "erf", "erfc",
         "erfinv", "gamma", "loggamma", "digamma", "LambertW"), (1, 1)),
    **dict.fromkeys(_RELATIONS, (2, 2)),
    **{name: (1, most) for name, most in _LOGIC.items()},
    "ExprCondPair": (2, 2), "Piecewise": (1, _PIECES),
}  # fmt: skip
_NAMES = {"pi": sp.pi, "E": sp.E, "EulerGamma": sp.EulerGamma, "true": sp.true, "false": sp.false}
_LEAVES = ("Integer", "Rational", "Float", "Symbol", "Dummy")
_ASSUMPTIONS = frozenset(
    ("algebraic", "antihermitian", "commutative", "complex", "composite", "even", "extended_negative",
     "extended_nonnegative", "extended_nonpositive", "extended_nonzero", "extended_positive", "extended_real",
     "finite", "hermitian", "imaginary", "infinite", "integer", "irrational", "negative", "noninteger",
     "nonnegative", "nonpositive", "nonzero", "odd", "polar", "positive", "prime", "rational", "real",
     "transcendental", "zero")
)  # fmt: skip


def from_srepr(text: str) -> Formula:
    """The formula of a sympy expression's `srepr`, for `generate`: what the expression itself would give.

    Args:
        text: such as "log(Add(Integer(1), exp(Symbol('x'))))"; a tuple of several has several outputs.

    Raises:
        InputError: it is no such text, or something in it is not in the language; says where.
    """
    short(text, "formula")
    outputs, several = to_outputs(_Srepr(text).whole())
    return compose(outputs, None, several=several)


class _Srepr:
    """One text being read, by `whole`, once."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())  # on one line, so that a column is a place

    def whole(self) -> Any:
        try:
            body = ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            nested = "nested" in str(error.msg)
            message = "this is nested too deep" if nested else f"this is no srepr: {error.msg}"
            at = None if error.offset is None else min(max(error.offset - 1, 0), len(self.text))
            raise InputError(message, text=self.text, position=at, hint=_HINT) from None
        except (ValueError, RecursionError, MemoryError):
            raise InputError("this is no srepr, or nested too deep", hint=_HINT) from None
        if isinstance(body, ast.Tuple | ast.List):
            items = body.elts
        elif isinstance(body, ast.Call) and _called(body) == "Tuple":
            self.no_keywords(body)
            items = body.args
        else:
            return self.real(body, 0)
        if not items:
            self.refuse("a tuple of outputs holds at least one", body)
        return tuple(self.real(item, 1) for item in items)

    def real(self, node: ast.expr, depth: int) -> Any:
        """An expression that is a number."""
        found = self.read(node, depth)
        if not isinstance(found, sp.Expr):
            self.refuse("a number is expected here", node)
        return found

    def condition(self, node: ast.expr, depth: int) -> Any:
        found = self.read(node, depth)
        if not isinstance(found, sp.logic.boolalg.Boolean) or isinstance(found, sp.Symbol):
            self.refuse("a condition is expected here", node)
        return found

    def read(self, node: ast.expr, depth: int) -> Any:
        if depth > MAX_NESTING:
            self.refuse(f"this is nested more than {MAX_NESTING} deep", node)
        if isinstance(node, ast.Name):
            if node.id not in _NAMES:
                self.refuse(f"'{node.id}' is not read here", node, f"the constants are {', '.join(_NAMES)}")
            return _NAMES[node.id]
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool):
                return sp.true if node.value else sp.false
            self.refuse("a number or text is read in Integer(...), Float('...') or Symbol('...') only", node)
        if not isinstance(node, ast.Call):
            self.refuse("this is not read here", node, _HINT)
        name = _called(node)
        if name in _LEAVES:
            return getattr(self, name.lower())(node)
        if name not in _OPERANDS:
            said = f"sympy's {name} is not read here" if name else "only a name can be called here"
            self.refuse(said, node, "see docs/language.md for the functions that there are")
        self.no_keywords(node)
        fewest, most = _OPERANDS[name]
        if not fewest <= len(node.args) <= most:
            more = "" if fewest == most else f" to {most}" if most < _ANY else " or more"
            operands = "operand" if most == 1 else "operands"
            self.refuse(f"{name} has {fewest}{more} {operands}, and not {len(node.args)}", node)
        return self.built(name, self.operands(name, node, depth + 1), node)

    def operands(self, name: str, node: ast.Call, depth: int) -> list[Any]:
        if name == "ExprCondPair":
            return [self.real(node.args[0], depth), self.condition(node.args[1], depth)]
        if name == "Piecewise":
            for a in node.args:
                if _called(a) != "ExprCondPair":
                    self.refuse("an ExprCondPair is expected here", a)
            return [self.read(a, depth) for a in node.args]
        kind = self.condition if name in _LOGIC else self.real
        return [kind(a, depth) for a in node.args]

    def built(self, name: str, args: Sequence[Any], node: ast.Call) -> Any:
        """What sympy makes of an operation, if that is not too much."""
        if (
            name in ("Max", "Min")
            and sum(len(a.args) if a.func.__name__ == name else 1 for a in args) > _MANY
        ):
            self.refuse(f"{name} has more than {_MANY} operands", node)
        if _too_much(name, args):
            self.refuse("sympy would write out a number that is too large", node)
        constant = not any(a.free_symbols for a in args)
        try:
            found = getattr(sp, name)(*args) if name != "ExprCondPair" else _PAIR(*args)
            large = constant and isinstance(found, sp.Expr) and too_large(from_sympy(found)) is not None
        except InputError as error:
            self.refuse(error.message, node, error.hint)
        except (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError) as error:
            said = str(error).partition("\n")[0]
            self.refuse(f"sympy refuses this {name}" + (f": {said}" if said else ""), node)
        if large or (isinstance(found, sp.Rational) and _bits(found) > MAX_BITS):
            self.refuse("this constant lies outside the range of float64, or has too many digits", node)
        return found

    # leaves

    def integer(self, node: ast.Call) -> Any:
        (value,) = self.integers(node, 1)
        return sp.Integer(value)

    def rational(self, node: ast.Call) -> Any:
        above, below = self.integers(node, 2)
        if below == 0:
            self.refuse("division by zero", node)
        return sp.Rational(above, below)

    def integers(self, node: ast.Call, count: int) -> list[int]:
        self.no_keywords(node)
        if len(node.args) != count:
            self.refuse(f"{_called(node)} has {count} whole numbers in it", node)
        return [self.whole_number(a) for a in node.args]

    def whole_number(self, node: ast.expr) -> int:
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
        if not isinstance(inner, ast.Constant) or type(inner.value) is not int:
            self.refuse("a whole number is expected here", node)
        if inner.value.bit_length() > MAX_BITS:
            self.refuse("this number has too many digits", node)
        return -inner.value if negative else inner.value

    def float(self, node: ast.Call) -> Any:
        text, keywords = self.text_and_keywords(node, "a number in quotes")
        if not _DECIMAL.fullmatch(text) or not fits(text.lstrip("+-")):
            self.refuse("this is no number, or outside the range of float64, or has too many digits", node)
        precision = keywords.pop("precision", None)
        bits = 53 if precision is None else self.whole_number(precision)
        if keywords or not 1 <= bits <= MAX_BITS:
            self.refuse(f"a Float has a precision of 1 to {MAX_BITS} bits, and nothing else", node)
        return sp.Float(text, precision=bits)

    def symbol(self, node: ast.Call) -> Any:
        name, keywords = self.text_and_keywords(node, "a name in quotes")
        given = {key: self.flag(key, value) for key, value in keywords.items()}
        return self.assumed(lambda: sp.Symbol(name, **given), name, node)

    def dummy(self, node: ast.Call) -> Any:
        name, keywords = self.text_and_keywords(node, "a name in quotes")
        index = keywords.pop("dummy_index", None)
        given = {key: self.flag(key, value) for key, value in keywords.items()}
        number = 0 if index is None else self.whole_number(index)
        return self.assumed(lambda: sp.Dummy(name, dummy_index=number, **given), name, node)

    def assumed(self, make: Callable[[], Any], name: str, node: ast.Call) -> Any:
        try:
            found = make()
        except ValueError:
            self.refuse(f"the assumptions of {name} contradict each other", node)
        if found.is_extended_real is False:
            self.refuse(f"{name} is not real, and a formula is about real numbers", node)
        return found

    def text_and_keywords(self, node: ast.Call, what: str) -> tuple[str, dict[str, ast.expr]]:
        """The one text that a leaf holds, and what follows it by keyword."""
        inside = node.args[0] if len(node.args) == 1 else None
        if not isinstance(inside, ast.Constant) or not isinstance(inside.value, str) or not inside.value:
            self.refuse(f"{_called(node)} holds {what}", node)
        found: dict[str, ast.expr] = {}
        for k in node.keywords:
            if k.arg is None:
                self.refuse("** is not read here", k.value)
            found[k.arg] = k.value
        return inside.value, found

    def flag(self, key: str, node: ast.expr) -> bool:
        if key not in _ASSUMPTIONS:
            self.refuse(f"'{key}' is no assumption of sympy's", node)
        if not isinstance(node, ast.Constant) or not isinstance(node.value, bool):
            self.refuse(f"{key} is True or False", node)
        return node.value

    # refusals

    def no_keywords(self, node: ast.Call) -> None:
        for k in node.keywords:
            self.refuse(f"{_called(node)} takes no keyword here", k.value)

    def refuse(self, message: str, node: ast.expr, hint: str = "") -> NoReturn:
        before = self.text.encode()[: node.col_offset].decode(errors="ignore")
        raise InputError(message, text=self.text, position=len(before), hint=hint)


_PAIR: Callable[..., Any] = sp.functions.elementary.piecewise.ExprCondPair
_HINT = "write what sympy.srepr prints, such as log(Add(Integer(1), exp(Symbol('x'))))"


def _called(node: ast.expr) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _bits(s: Any) -> int:
    """Of the longest number in an expression; 0 for those without digits to speak of, 0 and 1."""
    longest = max((max(abs(int(n.p)), int(n.q)) for n in s.atoms(sp.Rational)), default=1)
    return longest.bit_length() if longest > 1 else 0


def _largest(*parts: Any) -> Fraction:
    """The largest magnitude among the numbers in some expressions."""
    return max((abs(Fraction(int(n.p), int(n.q))) for s in parts for n in s.atoms(sp.Rational)),
               default=Fraction(0))  # fmt: skip


def _too_much(name: str, args: Sequence[Any]) -> bool:
    """Whether sympy may write out a number of more than `MAX_BITS` bits, or compute for long."""
    if name in _GAMMAS:
        numbers = [a for a in args if not a.free_symbols]
        return len(numbers) == len(args) and _largest(*numbers) > _MOST
    if name == "Pow" and args[0] is not sp.E:
        base, exponent = args
        distributed = base.is_number or base.is_Mul or base.is_Pow
        return distributed and _bits(base) * _largest(exponent) > MAX_BITS
    if name in ("exp", "Pow"):
        return args[-1].has(sp.log) and _bits(args[-1]) * _largest(args[-1]) > MAX_BITS
    return False
