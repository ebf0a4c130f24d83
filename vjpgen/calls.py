"""Names and calls: arguments, constants, functions of the language, Piecewise."""

from __future__ import annotations

import keyword
from typing import NoReturn

from vjpgen.constants import ConstantRefused
from vjpgen.expr import Expr, call, const, var
from vjpgen.functions import build, choose, fill, fold, implied_by, special
from vjpgen.language import BY_NAME, CONSTANTS, TRUTHS, Function
from vjpgen.reader import Reader, Value
from vjpgen.tokens import Token
from vjpgen.unknown import about, nearest

_NO_NUMBERS = ("None", "inf", "nan", "oo", "zoo", "infinity", "Infinity", "NaN", "Inf")
_AXES = ("axis", "axes", "dim", "keepdims")
_PAIRS = "write Piecewise((a, x > 0), (b, True))"
_DEFINITIONS: dict[str, tuple[Expr, ...]] = {}


class Calls(Reader):
    """The part of the grammar that begins with a name."""

    def name(self, token: Token) -> Expr:
        """The value of a name that was just read."""
        name = token.text
        called = self.at("(")
        if self.args is not None and name in self.args:
            if called:
                self._no_function(f"'{name}' is an argument here and cannot be called", token)
            self.first.setdefault(name, token.position)
            return var(name)
        if called:
            return self._call(token)
        if name in TRUTHS:
            return call(TRUTHS[name])
        if name in CONSTANTS:
            return const(CONSTANTS[name])
        return self._symbol(token)

    def _no_function(self, message: str, token: Token) -> NoReturn:
        self.refuse(message, token, f"for a product write {token.text}*(...)")

    def _symbol(self, token: Token) -> Expr:
        name = token.text
        if name == "lambda":
            hint = "call an argument lambda_; functions are not in the language"
            self.refuse("'lambda' is a Python keyword", token, hint)
        if name in _NO_NUMBERS:
            self.refuse(f"'{name}' is no real number", token)
        if keyword.iskeyword(name):
            self.refuse(f"'{name}' is a Python keyword", token, f"call an argument {name}_")
        if name.startswith("__"):
            self.refuse(about(name)[0], token)
        if self.args is not None:
            near = nearest(name, (*self.args, *CONSTANTS))
            missing = f"'{name}' is not among the arguments ({', '.join(self.args) or 'none'})"
            self.refuse(missing, token, f"did you mean {near}?" if near else f"add {name} to the arguments")
        self.first.setdefault(name, token.position)
        return var(name)

    def _call(self, token: Token) -> Expr:
        name = token.text
        if keyword.iskeyword(name):
            self.refuse(f"the Python keyword '{name}' is not in the language", token)
        row = BY_NAME.get(name)
        if row is None:
            message, hint = about(name)
            self.refuse(message, token, hint)
        opened = self.next()
        self.called.setdefault(name, token.position)
        if name == "Piecewise":
            return self._piecewise(token, opened)
        operands, starts = self._operands(token, opened)
        if not row.least <= len(operands) <= (row.most or len(operands)):
            self._wrong_number(token, row, len(operands))
        checks = [self.condition if row.takes == "bool" else self.number] * len(operands)
        if row.takes == "where":
            checks[0] = self.condition
        checked = [check(o, at) for check, o, at in zip(checks, operands, starts, strict=True)]
        if row.takes == "where":
            self.whole(token)
        try:
            return self._apply(row, tuple(checked))
        except ConstantRefused as refused:
            self.refuse(str(refused), token)

    def _operands(self, function: Token, opened: Token) -> tuple[list[Value], list[Token]]:
        operands: list[Value] = []
        starts: list[Token] = []
        while not self.at(")"):
            starts.append(self.peek())
            if starts[-1].text in ("*", "**"):
                self.refuse("argument unpacking is not in the language")
            self._keyword_argument(function, starts[-1])
            operands.append(self.expression())
            if not self.take(","):
                break
        self.close(opened)
        return operands, starts

    def _keyword_argument(self, function: Token, at: Token) -> None:
        following = self.text[at.position + len(at.text) :].lstrip()
        if at.kind == "name" and following.startswith("=") and not following.startswith("=="):
            axis = "a formula is about single numbers, not axes"
            hint = axis if at.text in _AXES else "give the arguments by position"
            self.refuse(f"{function.text} takes no keyword '{at.text}'", at, hint)

    def _wrong_number(self, token: Token, row: Function, given: int) -> NoReturn:
        wanted = str(row.least) if row.most == row.least else f"{row.least} to {row.most}"
        hint = f"write {token.text}({', '.join(row.params)})"
        if row.most is None:
            wanted = f"at least {row.least}"
            hint += "; arrays over an axis are not in the language" if given == 1 else ""
        plural = "" if wanted.split()[-1] == "1" else "s"
        self.refuse(f"{token.text} takes {wanted} argument{plural}, not {given}", token, hint)

    def _apply(self, row: Function, operands: tuple[Expr, ...]) -> Expr:
        if row.kind == "op":
            return build(row.meaning, *operands)
        if row.kind == "fold":
            return fold(row.meaning, operands)
        if row.kind == "special":
            return special(row.names[0], operands)
        definition, *defaults = self._definition(row)
        missing = len(row.params) - len(operands)
        operands += tuple(defaults[len(defaults) - missing :] if missing else ())
        names = (p.partition("=")[0] for p in row.params)
        return fill(definition, {var(n): o for n, o in zip(names, operands, strict=True)})

    def _definition(self, row: Function) -> tuple[Expr, ...]:
        """The definition of a row and its defaults, read on first use."""
        if row.names[0] not in _DEFINITIONS:
            names = [p.partition("=")[0] for p in row.params]
            defaults = [p.partition("=")[2] for p in row.params if "=" in p]
            texts = ((row.meaning, names), *((d, ()) for d in defaults))
            _DEFINITIONS[row.names[0]] = tuple(type(self)(t, n).formula()[0][0] for t, n in texts)
        return _DEFINITIONS[row.names[0]]

    def formula(self) -> tuple[tuple[Expr, ...], bool]:
        """The outputs of a whole formula, and whether it is a tuple."""
        start = self.peek()
        value = self.expression()
        if self.at(","):
            self.refuse("a function with several outputs is written in parentheses", hint="write (a, b)")
        self.end()
        if isinstance(value, tuple):
            return value, True
        return (self.number(value, start),), False

    def conditions(self) -> Expr:
        """A whole text of conditions joined by commas, as one."""
        start = self.peek()
        result = self.condition(self.expression(), start)
        while self.take(",") and self.peek().kind != "end":
            start = self.peek()
            result = build("and", result, self.condition(self.expression(), start))
        self.end()
        return result

    def _piecewise(self, token: Token, opened: Token) -> Expr:
        cases: list[tuple[Expr, Expr]] = []
        while not self.at(")"):
            cases.append(self._case())
            if not self.take(","):
                break
        self.close(opened)
        if not cases:
            self.refuse("Piecewise takes at least one pair", token, _PAIRS)
        self.whole(token)
        gap = implied_by(tuple(condition for _, condition in cases))
        if gap is not None:
            self.implied.append((gap, token.position))
        result = cases[-1][0]
        for value, condition in reversed(cases[:-1]):
            result = choose(condition, value, result)
        return result

    def _case(self) -> tuple[Expr, Expr]:
        pair = self.peek()
        if not self.take("("):
            self.refuse("Piecewise takes pairs", pair, _PAIRS)
        at = self.peek()
        value = self.number(self.expression(), at)
        if not self.take(","):
            self.refuse("Piecewise takes pairs", pair, _PAIRS)
        at = self.peek()
        condition = self.condition(self.expression(), at)
        self.take(",")
        self.close(pair)
        return value, condition
