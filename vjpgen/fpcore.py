"""FPCore (https://fpbench.org), the format that Herbie reads, to formulas of the language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, pairwise
from typing import NoReturn

from vjpgen.constants import ConstantRefused
from vjpgen.errors import InputError, ParseError
from vjpgen.expr import Expr, num, var
from vjpgen.formula import Formula, compose, slug
from vjpgen.fpcore_words import ARITHMETIC, BINARY, CONSTANTS, KNOWN, REFUSED, RELATIONS, UNARY
from vjpgen.functions import build, fold
from vjpgen.ops import OPS
from vjpgen.sexpr import Atom, Group, Item, read
from vjpgen.tokens import MAX_DIGITS, representable, tokens
from vjpgen.unknown import nearest

MAX_FILE = 1_000_000  # characters

_BEGINS = re.compile(r"(\s|;[^\n]*\n)*\(\s*FPCore\b")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_RATIONAL = re.compile(rf"([+-]?\d{{1,{MAX_DIGITS}}})/(\d{{1,{MAX_DIGITS}}})")
_HEX = re.compile(r"[+-]?0x[0-9a-f]{1,40}(\.[0-9a-f]{0,40})?(p[+-]?\d{1,5})?", re.I)
_SYMBOL = re.compile(r"[^\d:\"#].*|[+-]")


@dataclass(frozen=True, slots=True)
class Core:
    """One FPCore of a text.

    Attributes:
        name: what its function is called, its own name in the text.
        read: its formula, or why it has none.
    """

    name: str
    read: Formula | InputError


def from_fpcore(text: str) -> tuple[Formula, ...]:
    """The formulas of all FPCores in a text, for `generate`.

    Raises:
        InputError: the text is no FPCore, or something in one cannot be carried over; says where.
    """
    found = []
    for core in cores(text):
        if isinstance(core.read, InputError):
            raise core.read
        found.append(core.read)
    return tuple(found)


def is_fpcore(text: str) -> bool:
    """Whether a text begins as an FPCore does."""
    return _BEGINS.match(text) is not None


def cores(text: str, place: str = "") -> tuple[Core, ...]:
    """All FPCores of a text, each with its formula or what keeps it from having one.

    Args:
        text: what a file holds.
        place: the file, for messages; empty for none.

    Raises:
        InputError: the text as a whole cannot be read.
    """
    if len(text) > MAX_FILE:
        raise InputError(f"{place or 'the text'} has {len(text)} characters; the limit is {MAX_FILE}",
                         hint="split it")  # fmt: skip
    try:
        items = read(text)
    except ParseError as error:
        raise _placed(error, text, place) from None
    found: list[Core] = []
    for item in items:
        if not isinstance(item, Group) or item.head != "FPCore":
            refused = ParseError("an FPCore is expected here", text=text, position=item.position,
                                 hint="write (FPCore (x) (+ x 1))")  # fmt: skip
            raise _placed(refused, text, place)
        found.append(_core(item, text, place, [core.name for core in found]))
    if not found:
        raise InputError(f"there is no FPCore in {place or 'the text'}", hint="write (FPCore (x) (+ x 1))")
    return tuple(found)


def _core(group: Group, text: str, place: str, taken: Sequence[str]) -> Core:
    reading = _Reading(text)
    title, name = "", ""
    try:
        title, parts = reading.title(group)
        name = _free(slug(title) or "f", taken)
        formula = reading.core(parts, name)
        of = f"read from {place}" if place else "read from an FPCore"
        return Core(name, replace(formula, notes=(of + (f": {title}" if title else ""), *formula.notes)))
    except InputError as error:
        return Core(name or _free("f", taken), _placed(error, text, place, title))


def _free(name: str, taken: Sequence[str]) -> str:
    number, new = 1, name
    while new in taken:
        number += 1
        new = f"{name}_{number}"
    return new


def _placed(error: InputError, text: str, place: str, title: str = "") -> InputError:
    """The error with the name of what it is about, the file and the line."""
    line = [f"line {text.count(chr(10), 0, error.position) + 1}"] if error.position is not None else []
    about = [place, *line] if place else []
    about += [f"'{title}'"] if title else []
    message = ": ".join([", ".join(about), error.message] if about else [error.message])
    return type(error)(message, text=error.text, position=error.position, hint=error.hint)


class _Reading:
    """One FPCore being read.

    Attributes:
        text: the whole text, for carets.
        spelled: constants as they were written.
        notes: what was not carried over.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.spelled: dict[Fraction, str] = {}
        self.notes: dict[str, None] = {}

    def title(self, group: Group) -> tuple[str, tuple[Item, ...]]:
        """What it is called, and what follows: the arguments, the properties, the body."""
        _, *parts = group.items
        first = parts[0] if parts else group
        symbol = first.text if isinstance(first, Atom) else ""
        parts = parts[bool(symbol) :]
        if not parts or not isinstance(parts[0], Group):
            self.refuse("an FPCore begins with its arguments", group, "write (FPCore (x) (+ x 1))")
        if len(parts) < 2:
            self.refuse("this FPCore has no body", group, "write (FPCore (x) (+ x 1))")
        for key, value in pairwise(parts):
            if isinstance(key, Atom) and key.text == ":name" and isinstance(value, Atom) and not symbol:
                return value.text, tuple(parts)
        return symbol, tuple(parts)

    def core(self, parts: tuple[Item, ...], name: str) -> Formula:
        arguments, *properties, body = parts
        assert isinstance(arguments, Group)
        order = [self.argument(item) for item in arguments.items]
        scope = {a: var(a) for a in order}
        pre: list[Expr] = []
        while properties:
            key = properties.pop(0)
            if not (isinstance(key, Atom) and key.text.startswith(":")):
                self.refuse("a property such as :pre is expected here", key, "the body stands last, alone")
            value = properties.pop(0) if properties else self.refuse(f"{key.text} has no value", key)
            if key.text == ":pre":
                pre.append(self.condition(value, scope))
            elif key.text == ":spec":
                self.notes["its :spec is not used"] = None
            elif key.text == ":precision":
                self.note_precision()
        result = self.real(body, scope)
        return compose([result], order, assume=pre, name=name, notes=tuple(self.notes), spelled=self.spelled)

    def note_precision(self) -> None:
        self.notes["precisions and roundings are not carried over: the module has its arrays' dtype"] = None

    def argument(self, item: Item) -> str:
        if isinstance(item, Group) and item.head == "!" and len(item.items) > 1:
            self.note_precision()
            item = item.items[-1]
        if isinstance(item, Group):
            self.refuse("an argument is one number, not an array", item)
        if item.quoted or not _SYMBOL.fullmatch(item.text):
            self.refuse(f"'{item.text}' cannot be an argument", item)
        return item.text

    # expressions

    def real(self, item: Item, scope: Mapping[str, Expr]) -> Expr:
        value = self.value(item, scope)
        if _is_condition(value):
            self.refuse("a number is expected here, and this is a condition", item)
        return value

    def condition(self, item: Item, scope: Mapping[str, Expr]) -> Expr:
        value = self.value(item, scope)
        if not _is_condition(value):
            self.refuse("a condition is expected here, such as (< 0 x)", item)
        return value

    def value(self, item: Item, scope: Mapping[str, Expr]) -> Expr:
        if isinstance(item, Atom):
            return self.atom(item, scope)
        try:
            return self.operation(item, scope)
        except ConstantRefused as refused:
            self.refuse(str(refused), item)

    def atom(self, item: Atom, scope: Mapping[str, Expr]) -> Expr:
        word = item.text
        if word in scope and not item.quoted:
            return scope[word]
        if word in CONSTANTS and not item.quoted:
            return CONSTANTS[word]
        if word in REFUSED:
            self.refuse(f"{word} {REFUSED[word][0]}", item, REFUSED[word][1])
        if _DECIMAL.fullmatch(word):
            return self.decimal(item)
        if (found := _RATIONAL.fullmatch(word)) and int(found.group(2)):
            return self.exact(Fraction(int(found.group(1)), int(found.group(2))), item)
        if _HEX.fullmatch(word):
            try:
                return self.exact(Fraction(float.fromhex(word)), item)
            except OverflowError:
                self.refuse("this number lies outside the range of float64", item)
        near = nearest(word, (*scope, *CONSTANTS))
        hint = near and f"did you mean {near}?"
        return self.refuse(f"'{word}' is neither an argument nor a constant", item, hint)

    def decimal(self, item: Atom) -> Expr:
        plain = item.text.lstrip("+-")
        token = tokens(plain)[0]
        if token.kind != "number":
            self.refuse(token.text, item)
        value = Fraction(plain)
        self.spelled[value] = plain
        return num(-value if item.text[0] == "-" else value)

    def exact(self, value: Fraction, item: Item) -> Expr:
        if not representable(value):
            self.refuse("this number lies outside the range of float64", item)
        return num(value)

    def operation(self, group: Group, scope: Mapping[str, Expr]) -> Expr:
        if not group.head:
            self.refuse("an operation is expected here, such as (+ x 1)", group)
        word, operands = group.head, group.items[1:]
        if word in REFUSED:
            self.refuse(f"{word} {REFUSED[word][0]}", group, REFUSED[word][1])
        if word in ("let", "let*"):
            return self.let(group, scope)
        if word == "cond":
            return self.cond(group, scope)
        if word in ("!", "cast") and operands:
            self.note_precision()
            return self.value(operands[-1], scope)
        if word == "if":
            self.count(group, 3)
            condition = self.condition(operands[0], scope)
            return build("where", condition, *(self.real(o, scope) for o in operands[1:]))
        if word == "digits":
            return self.digits(group)
        if word in ("and", "or", "not"):
            self.count(group, *([1] if word == "not" else []))
            found = tuple(self.condition(o, scope) for o in operands)
            return build("not", *found) if word == "not" else fold(word, found)
        return self.arithmetic(group, tuple(self.real(o, scope) for o in self.known(group)))

    def known(self, group: Group) -> tuple[Item, ...]:
        """The operands of an operation that there is."""
        word = group.head
        if word not in KNOWN or word in CONSTANTS:
            near = nearest(word, tuple(w for w in KNOWN if w not in CONSTANTS))
            self.refuse(f"unknown operation '{word}'", group, near and f"did you mean {near}?")
        return group.items[1:]

    def arithmetic(self, group: Group, found: tuple[Expr, ...]) -> Expr:
        word = group.head
        if word in ARITHMETIC:
            self.count(group)
            alone = {"-": lambda x: build("neg", x), "/": lambda x: build("div", num(1), x)}.get(word)
            return alone(found[0]) if alone and len(found) == 1 else fold(ARITHMETIC[word], found)
        if word in RELATIONS:
            self.count(group)
            pairs = combinations(found, 2) if word == "!=" else pairwise(found)
            return fold("and", (build("true"), *(build(RELATIONS[word], a, b) for a, b in pairs)))
        if word == "fma":
            self.count(group, 3)
            return build("add", build("mul", found[0], found[1]), found[2])
        self.count(group, 1 if word in UNARY else 2)
        return (UNARY | BINARY)[word](*found)

    def let(self, group: Group, scope: Mapping[str, Expr]) -> Expr:
        self.count(group, 2)
        bindings, body = group.items[1:]
        if not isinstance(bindings, Group):
            self.refuse(
                f"{group.head} takes a list of bindings", bindings, "write (let ([t (* x x)]) (+ t 1))"
            )
        inner = dict(scope)
        for pair in bindings.items:
            if not isinstance(pair, Group) or len(pair.items) != 2 or not pair.head:
                self.refuse("a binding is a name and a value", pair, "write [t (* x x)]")
            inner[pair.head] = self.value(pair.items[1], inner if group.head == "let*" else scope)
        return self.value(body, inner)

    def cond(self, group: Group, scope: Mapping[str, Expr]) -> Expr:
        cases: list[tuple[Expr, Expr]] = []
        for case in group.items[1:]:
            if not isinstance(case, Group) or len(case.items) != 2:
                self.refuse("a case is a condition and a value", case, "write [(< x 0) (- x)]")
            first, chosen = case.items
            last = isinstance(first, Atom) and first.text == "else"
            condition = build("true") if last else self.condition(first, scope)
            cases.append((condition, self.real(chosen, scope)))
        if not cases or cases[-1][0] is not build("true"):
            self.refuse("this cond needs a last case", group, "end it with [else ...]")
        result = cases[-1][1]
        for condition, value in reversed(cases[:-1]):
            result = build("where", condition, value, result)
        return result

    def digits(self, group: Group) -> Expr:
        """m * b**e, written (digits m e b)."""
        self.count(group, 3)
        words = [item.text if isinstance(item, Atom) else "" for item in group.items[1:]]
        if not all(re.fullmatch(r"[+-]?\d{1,300}", word) for word in words):
            self.refuse("digits takes three whole numbers", group, "write (digits 15 -1 10)")
        mantissa, exponent, base = map(int, words)
        return build("mul", num(mantissa), build("pow", num(base), num(exponent)))

    # refusals

    def count(self, group: Group, *wanted: int) -> None:
        given = len(group.items) - 1
        if wanted and given != wanted[0]:
            plural = "" if wanted[0] == 1 else "s"
            self.refuse(f"{group.head} takes {wanted[0]} operand{plural}, not {given}", group)
        if not given:
            self.refuse(f"{group.head} has no operands", group)

    def refuse(self, message: str, item: Item, hint: str = "") -> NoReturn:
        raise ParseError(message, text=self.text, position=item.position, hint=hint)


def _is_condition(e: Expr) -> bool:
    return e.op in OPS and OPS[e.op].gives == "bool"
