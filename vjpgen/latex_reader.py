"""A cursor over LaTeX's tokens: names, numbers, arguments in braces, refusals."""

from __future__ import annotations

from fractions import Fraction
from typing import NoReturn

from vjpgen.constants import ConstantRefused
from vjpgen.errors import InputError, ParseError
from vjpgen.expr import Expr, const, num, var
from vjpgen.formula import written
from vjpgen.functions import build
from vjpgen.latex_tokens import Token, tokens
from vjpgen.latex_words import ACCENTS, FONTS, GREEK, REFUSED, SIGNS
from vjpgen.tokens import tokens as plain_tokens

MAX_NESTING = 60


class LatexReader:
    """One text being read.

    Attributes:
        text: the text, for carets.
        first: where each argument first stands.
        spelled: constants as they were written.
        implied: conditions outside which there is no value.
        bars: what closes the fences that are open, the innermost last.
        nested: how many `cases` are open.
        given: the arguments that the left of an equals sign names.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.index = self.depth = self.nested = 0
        self.first: dict[str, Token] = {}
        self.spelled: dict[Fraction, str] = {}
        self.implied: list[Expr] = []
        self.bars: list[str] = []
        self.given: tuple[str, ...] = ()

    def sum(self) -> Expr:
        """What stands up to the next end of a group."""
        raise NotImplementedError

    def base(self) -> Expr:
        """The shortest thing that has a value."""
        token = self.next()
        self.deeper(token)
        value = self.thing(token)
        self.depth -= 1
        return value

    def thing(self, token: Token) -> Expr:
        """What begins with a token that was just read."""
        raise NotImplementedError

    # cursor

    def peek(self) -> Token:
        return self.tokens[self.index]

    def next(self) -> Token:
        token = self.peek()
        self.index += token.kind != "end"
        return token

    def at(self, *spellings: str) -> bool:
        token = self.peek()
        if token.kind == "end":
            return "end" in spellings
        return token.kind != "letter" and token.kind != "number" and token.text in spellings

    def skip(self, *spellings: str) -> bool:
        found = self.at(*spellings) and self.peek().kind != "end"
        self.index += found
        return found

    def expect(self, spelling: str) -> None:
        if not self.skip(spelling):
            self.misplaced()

    def deeper(self, token: Token) -> None:
        """One more level of nesting."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.refuse(f"the formula is nested more than {MAX_NESTING} deep", token)

    def rewind(self, index: int) -> None:
        self.index = index

    # parts

    def number(self, token: Token) -> Expr:
        plain = plain_tokens(token.text)[0]
        if plain.kind != "number":
            self.refuse(plain.text, token)
        value = Fraction(token.text)
        self.spelled[value] = token.text.rstrip(".") if "." in token.text else token.text
        return num(value)

    def argument(self, of: Token) -> Expr:
        """What a command, or the sign of a power, takes: a group in braces, or the next thing alone."""
        token = self.peek()
        if token.kind == "end":
            self.refuse("something is missing after this", of)
        if token.kind == "number" and len(token.text) > 1:
            if of.text in ("^", "_"):
                self.refuse(
                    f"only {token.text[0]} belongs to the {of.text}", token, f"write {{{token.text}}}"
                )
            rest = Token("number", token.text[1:], token.position + 1)
            self.tokens[self.index : self.index + 1] = [Token("number", token.text[0], token.position), rest]
        if token.text in ("-", "+", "*") and token.kind == "sign":
            self.refuse("a group in braces is expected here", token, f"write {of.text}{{...}}")
        return self.base()

    def environment(self, of: Token) -> str:
        """The name in braces after `begin` or `end`."""
        self.expect("{")
        name = ""
        while self.peek().kind == "letter":
            name += self.next().text
        self.skip("*")
        self.expect("}")
        return name

    def symbol(self, token: Token) -> str:
        """The name that begins with a token, with its subscript."""
        name = self.letter(token)
        if self.at("_"):
            sign = self.next()
            name += "_" + self.subscript(sign)
        if self.at("'"):
            self.refuse("a prime is not read", self.peek(), "name it otherwise")
        self.first.setdefault(name, token)
        return name

    def letter(self, token: Token) -> str:
        word = token.text
        if token.kind == "letter" or (token.kind == "command" and word in GREEK):
            return word
        if token.kind == "word" and word.replace("_", "").isalnum() and word[0].isalpha() and word.isascii():
            return word
        if token.kind == "command" and word in (*ACCENTS, *FONTS, "pi"):
            if word == "pi":
                return "pi"
            self.deeper(token)
            braced = self.skip("{")
            name = self.letter(self.next())
            self.depth -= 1
            while braced and self.peek().kind in ("letter", "number"):
                name += self.next().text
            if braced:
                self.expect("}")
            return f"{name}_{word}" if word in ACCENTS else name
        if token.kind == "end":
            self.refuse("the formula ends too early" if self.text.strip() else "the formula is empty", token)
        if word in REFUSED and token.kind == "command":
            self.refuse(f"\\{word} {REFUSED[word][0]}", token, REFUSED[word][1])
        if token.kind == "command" and word not in SIGNS:
            hint = rf"write \operatorname{{{word}}}" if word.isalpha() else ""
            self.refuse(f"the command \\{word} is not read", token, hint)
        return self.refuse(f"a value is expected here, not '{self.shown(token)}'", token)

    def subscript(self, sign: Token) -> str:
        if not self.skip("{"):
            token = self.next()
            if token.kind == "number" and len(token.text) > 1:
                self.refuse(f"only {token.text[0]} belongs to the _", token, f"write {{{token.text}}}")
            return self.part(token)
        found = ""
        while not self.at("}"):
            if not self.skip(",", "+", "-") or not found:
                found += self.part(self.next())
        self.expect("}")
        if not found:
            self.refuse("this subscript is empty", sign)
        return found

    def part(self, token: Token) -> str:
        if token.kind == "number" and token.text.isdigit():
            return token.text
        return self.letter(token)

    def known(self, name: str, token: Token) -> Expr:
        """A constant, or an argument."""
        return const(name) if name in ("e", "pi") and name not in self.given else var(name)

    # building

    def build(self, op: str, at: Token, *operands: Expr) -> Expr:
        """An operation; a constant that cannot be kept is refused at `at`."""
        try:
            return build(op, *operands)
        except ConstantRefused as refused:
            self.refuse(str(refused), at)

    def build_text(self, text: str, at: Token, *operands: Expr) -> Expr:
        """A formula of the language with operands for x and y and z."""
        try:
            return written(text, *operands)
        except InputError as error:
            self.refuse(error.message, at, error.hint)

    # refusals

    def misplaced(self) -> NoReturn:
        """Refuses a token that cannot follow what was read."""
        token = self.peek()
        if token.kind == "end":
            self.refuse("the formula ends too early", token)
        self.refuse(f"'{self.shown(token)}' does not belong here", token)

    @staticmethod
    def shown(token: Token) -> str:
        return f"\\{token.text}" if token.kind == "command" else token.text

    def refuse(self, message: str, token: Token, hint: str = "") -> NoReturn:
        raise ParseError(message, text=self.text, position=token.position, hint=hint)
