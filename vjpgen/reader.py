"""A cursor over tokens that knows how to refuse: what grammar and calls share."""

from __future__ import annotations

import keyword
from collections.abc import Collection
from typing import NoReturn

from vjpgen.constants import ConstantRefused
from vjpgen.errors import ParseError
from vjpgen.expr import Expr
from vjpgen.functions import build
from vjpgen.language import TRUTHS
from vjpgen.ops import OPS
from vjpgen.tokens import Token, tokens

WORDS = ("and", "or", "not", "if", "else")
Value = Expr | tuple[Expr, ...]
"""What an expression can be: a number or a condition, or the tuple that is a whole formula."""


class Reader:
    """One text being read.

    Attributes:
        text: the text, for carets.
        args: the arguments' names; None where every unknown name is an argument.
        first: the arguments in the order in which they first appear, each with its position.
        called: the functions that are called, each with the position of its first call.
        implied: conditions outside which a `Piecewise` has no value, each with its position.
    """

    def __init__(self, text: str, args: Collection[str] | None) -> None:
        self.text, self.args = text, args
        self.first: dict[str, int] = {}
        self.called: dict[str, int] = {}
        self.implied: list[tuple[Expr, int]] = []
        self._tokens = tokens(text)
        self._index = self._depth = 0

    def expression(self, level: int = 0) -> Value:
        """The value of the tokens up to the first operator that binds less tightly than `level`."""
        raise NotImplementedError

    # cursor

    def peek(self) -> Token:
        token = self._tokens[self._index]
        if token.kind == "bad":
            self.refuse(token.text, token, token.hint)
        return token

    def next(self) -> Token:
        token = self.peek()
        self._index += token.kind != "end"
        return token

    def at(self, *spellings: str) -> bool:
        token = self.peek()
        return token.kind in ("op", "name") and token.text in spellings

    def take(self, *spellings: str) -> bool:
        found = self.at(*spellings)
        self._index += found
        return found

    def close(self, opened: Token) -> None:
        """Reads the parenthesis that closes `opened`."""
        if self.take(")"):
            return
        if self.peek().kind == "end":
            self.refuse("this parenthesis is never closed", opened)
        self.misplaced(self.peek())

    def end(self) -> None:
        """Reads the end of the text."""
        if self.peek().kind != "end":
            self.misplaced(self.peek())

    # refusals

    def refuse(self, message: str, token: Token | None = None, hint: str = "") -> NoReturn:
        position = (token or self._tokens[self._index]).position
        raise ParseError(message, text=self.text, position=position, hint=hint)

    def misplaced(self, token: Token) -> NoReturn:
        """Refuses a token that cannot follow what was read."""
        before = self._tokens[self._index - 1]
        if token.text == ")":
            self.refuse("this parenthesis was never opened", token)
        if token.text == "for":
            self.refuse("comprehensions are not in the language", token)
        if token.text in (",", "else"):
            self.refuse(f"'{token.text}' does not belong here", token)
        if token.kind == "name" and keyword.iskeyword(token.text) and token.text not in (*WORDS, *TRUTHS):
            self.refuse(f"the Python keyword '{token.text}' is not in the language", token)
        if token.text == "(" and before.kind == "name":
            name = before.text
            self.refuse(f"'{name}' cannot be called", before, f"for a product write {name}*(...)")
        self.refuse("an operator is missing here", token, "for a product write *")

    def whole(self, choice: Token) -> None:
        """Refuses a Piecewise without a last resort inside the choice that began at `choice`."""
        if any(position >= choice.position for _, position in self.implied):
            message = "a Piecewise within another choice needs a value for every case"
            self.refuse(message, choice, "end it with (value, True)")

    # sorts

    def number(self, value: Value, at: Token) -> Expr:
        if isinstance(value, tuple):
            self.refuse("a tuple is the whole formula, never a part of it", at)
        if _is_condition(value):
            hint = "write where(condition, 1, 0)"
            self.refuse("a number is expected here, and this is a condition", at, hint)
        return value

    def condition(self, value: Value, at: Token) -> Expr:
        if isinstance(value, tuple) or not _is_condition(value):
            self.refuse("a condition is expected here, such as x > 0", at)
        return value

    def build(self, op: str, at: Token, *operands: Expr) -> Expr:
        """An operation on checked operands; a constant that cannot be kept is refused at `at`."""
        try:
            return build(op, *operands)
        except ConstantRefused as refused:
            self.refuse(str(refused), at)


def _is_condition(e: Expr) -> bool:
    return e.op in OPS and OPS[e.op].gives == "bool"
