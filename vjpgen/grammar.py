"""The grammar: tokens to `Expr`, by operator precedence. Nothing is evaluated but exact literals.

From loosest to tightest: `a if c else b`; `or` `|`; `and` `&`; `not` `~`; relations, chained;
`+ -`; `* /`; unary `+ -`; `**` `^`, from the right.
"""

from __future__ import annotations

from fractions import Fraction

from vjpgen.calls import Calls
from vjpgen.expr import Expr, num
from vjpgen.functions import build, choose
from vjpgen.reader import WORDS, Value
from vjpgen.tokens import Token

MAX_NESTING = 100

_RELATIONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_LOGIC = {"or": ("or", 2), "|": ("or", 2), "and": ("and", 3), "&": ("and", 3)}
_ARITHMETIC = {"+": ("add", 10), "-": ("sub", 10), "*": ("mul", 20), "/": ("div", 20)}
_TERNARY, _NOT, _RELATION, _UNARY, _POWER = 1, 4, 5, 25, 30


class Grammar(Calls):
    """One text being read, by `formula` or `conditions`, once."""

    def expression(self, level: int = 0) -> Value:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self.refuse(f"the formula is nested more than {MAX_NESTING} deep")
        start = self.peek()
        value = self._prefix()
        while (new := self._infix(value, start, level)) is not None:
            value = new
        self._depth -= 1
        return value

    def _prefix(self) -> Value:
        token = self.peek()
        if self.take("not", "~"):
            at = self.peek()
            return build("not", self.condition(self.expression(_NOT), at))
        if self.take("-"):
            at = self.peek()
            return self.build("neg", token, self.number(self.expression(_UNARY), at))
        if self.take("+"):
            at = self.peek()
            return self.number(self.expression(_UNARY), at)
        return self._atom()

    def _infix(self, left: Value, start: Token, level: int) -> Value | None:
        """The value with one more operator applied, None where none of this level or tighter follows."""
        token = self.peek()
        sign = token.text if token.kind in ("op", "name") else ""
        if sign in ("**", "^") and level <= _POWER:
            return self._binary("pow", _UNARY, left, start)
        if sign in _ARITHMETIC and level <= _ARITHMETIC[sign][1]:
            op, bind = _ARITHMETIC[sign]
            return self._binary(op, bind + 1, left, start)
        if sign in _RELATIONS and level <= _RELATION:
            return self._relations(left, start)
        if sign in _LOGIC and level <= _LOGIC[sign][1]:
            return self._logic(*_LOGIC[sign], left, start)
        if sign == "if" and level <= _TERNARY:
            return self._ternary(left, start)
        return None

    def _binary(self, op: str, level: int, left: Value, start: Token) -> Expr:
        sign, second = self.next(), self.peek()
        right = self.expression(level)
        return self.build(op, sign, self.number(left, start), self.number(right, second))

    def _logic(self, op: str, bind: int, left: Value, start: Token) -> Expr:
        self.next()
        second = self.peek()
        right = self.expression(bind + 1)
        return build(op, self.condition(left, start), self.condition(right, second))

    def _relations(self, left: Value, start: Token) -> Expr:
        found: list[Expr] = []
        while self.at(*_RELATIONS):
            sign, second = self.next(), self.peek()
            right = self.expression(_RELATION + 1)
            found.append(build(_RELATIONS[sign.text], self.number(left, start), self.number(right, second)))
            left, start = right, second
        result = found[0]
        for relation in found[1:]:
            result = build("and", result, relation)
        return result

    def _ternary(self, yes: Value, start: Token) -> Expr:
        word, at = self.next(), self.peek()
        condition = self.condition(self.expression(_TERNARY + 1), at)
        if not self.take("else"):
            self.refuse("this 'if' needs an 'else'", word)
        at = self.peek()
        no = self.number(self.expression(_TERNARY), at)
        self.whole(start)
        return choose(condition, self.number(yes, start), no)

    def _atom(self) -> Value:
        token = self.next()
        if token.kind == "number":
            return num(Fraction(token.text))
        if token.text == "(":
            return self._group(token)
        if token.kind == "name" and token.text not in WORDS:
            return self.name(token)
        if token.kind == "end":
            self.refuse("the formula ends too early" if self.text.strip() else "the formula is empty", token)
        hint = "for an absolute value write abs(x)" if token.text == "|" else ""
        return self.refuse(f"a value is expected here, not '{token.text}'", token, hint)

    def _group(self, opened: Token) -> Value:
        leading = all(t.text == "(" for t in self._tokens[: self._index])
        if self.at(")"):
            self.refuse("these parentheses are empty", opened)
        start = self.peek()
        value = self.expression()
        if not self.at(","):
            self.close(opened)
            return value
        if not leading:
            self.refuse("a tuple is the whole formula, never a part of it")
        items = [self.number(value, start)]
        while self.take(",") and not self.at(")"):
            start = self.peek()
            items.append(self.number(self.expression(), start))
        self.close(opened)
        return tuple(items)
