"""Text to tokens. What cannot be a token becomes a "bad" token with its reason, met in reading order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_TEXT = 25_000
MAX_DIGITS = 400


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: "number", "name", "op", "end" or "bad".
        text: its spelling; for "bad" the reason.
        position: 0-based offset of its first character.
        hint: for "bad", what to write instead.
    """

    kind: str
    text: str
    position: int
    hint: str = ""


_NUMBER = re.compile(r"(\d+(_\d+)*\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r"\*\*|<=|>=|==|!=|[-+*/^<>&|~(),]")
_SPACE = re.compile(r"[ \t\r\n]+")

_STRING = ("strings are not in the language", "")
_ARRAY = ("arrays and indexing are not in the language", "every argument stands for one number of an array")
_REFUSED = (  # longest first
    ("===", ("'===' is not an operator here", "write ==")),
    (":=", ("assignments are not in the language", "write the formula alone")),
    ("&&", ("'&&' is not an operator here", "write & or and")),
    ("||", ("'||' is not an operator here", "write | or or; for an absolute value write abs(x)")),
    ("<<", ("'<<' is not an operator here", "")),
    (">>", ("'>>' is not an operator here", "")),
    ("<>", ("'<>' is not an operator here", "write !=")),
    ("=<", ("'=<' is not an operator here", "write <=")),
    ("=>", ("'=>' is not an operator here", "write >=")),
    ("->", ("'->' is not an operator here", "write the formula alone")),
    ("//", ("'//' is not an operator here", "write floor(x/y)")),
    ("=", ("'=' is not an operator here", "write == to compare; give the right-hand side alone")),
    ("%", ("'%' is not an operator here", "write mod(x, y)")),
    ("@", ("'@' (a matrix product) is not in the language", "write the sum of products out: a*x + b*y")),
    ("!", ("'!' is not an operator here", "write factorial(x) or gamma(x + 1)")),
    ("'", _STRING),
    ('"', _STRING),
    ("[", _ARRAY),
    ("]", _ARRAY),
    ("{", ("braces are not in the language", "group with parentheses")),
    ("}", ("braces are not in the language", "group with parentheses")),
    (".", ("attribute access is not in the language", "write exp(x), not jnp.exp(x)")),
    (":", ("':' is not in the language", "write a if condition else b, or where(condition, a, b)")),
    (";", ("one formula only: ';' is not in the language", "")),
    ("#", ("comments are not in the language", "")),
    ("\\", ("a backslash is not in the language", "write the formula in plain text, not in TeX")),
    ("$", ("'$' is not in the language", "write the formula in plain text, not in TeX")),
)
_PLAIN = {
    "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u00d7": "*", "\u00b7": "*", "\u22c5": "*",
    "\u2217": "*", "\u00f7": "/", "\u2215": "/", "\u2212": "-", "\u2013": "-", "\u2014": "-",
    "\u00b2": "**2", "\u00b3": "**3",
    "\u221a": "sqrt(x)", "\u221b": "cbrt(x)", "\u2227": "&", "\u2228": "|", "\u00ac": "not", "\u03c0": "pi",
    "\u00bd": "1/2", "\u00bc": "1/4", "\u00be": "3/4", "\uff08": "(", "\uff09": ")", "\u00a0": "a space",
}  # fmt: skip


def tokens(text: str) -> tuple[Token, ...]:
    """All tokens of `text`, an "end" or a "bad" token last. Linear in the text, raises nothing."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        token = _next(text, at)
        found.append(token)
        if token.kind == "bad":
            return tuple(found)
        at += len(token.text)
    return (*found, Token("end", "", len(text.rstrip())))


def _next(text: str, at: int) -> Token:
    if number := _NUMBER.match(text, at):
        return _number(text, at, number)
    if name := _NAME.match(text, at):
        return Token("name", name.group(), at)
    operator = _OPERATOR.match(text, at)
    taken = len(operator.group()) if operator else 0
    for spelling, (reason, hint) in _REFUSED:
        if len(spelling) > taken and text.startswith(spelling, at):
            return Token("bad", reason, at, hint)
    return Token("op", operator.group(), at) if operator else _strange(text[at], at)


def _number(text: str, at: int, match: re.Match[str]) -> Token:
    spelling, stop = match.group(), match.end()
    rest = text[stop : stop + 1]
    if spelling == "0" and rest in ("x", "X", "b", "B", "o", "O") and text[stop + 1 : stop + 2].isalnum():
        return Token("bad", "numbers are decimal", at)
    if rest in ("j", "J") and not text[stop + 1 : stop + 2].isalnum():
        return Token("bad", "complex numbers are not in the language", at, "every value is real")
    if rest.isalpha() or rest == "_":
        word = _NAME.match(text, stop)
        name = word.group() if word else rest
        hint = f"for a product write {spelling}*{name}"
        if name in ("i", "I"):
            hint += "; complex numbers are not in the language"
        return Token("bad", "an operator is missing between a number and a name", stop, hint)
    if rest == ".":
        return Token("bad", "a number has one decimal point", stop)
    if not fits(spelling):
        return Token("bad", "this number lies outside the range of float64, or has too many digits", at)
    return Token("number", spelling, at)


def fits(spelling: str) -> bool:
    """Whether a literal can be kept exactly and as a float64: a check on its text, before any arithmetic."""
    mantissa, _, exponent = spelling.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or len(exponent) > 6 or abs(int(exponent or "0")) > 2 * MAX_DIGITS:
        return False
    return representable(Fraction(spelling))


def representable(value: Fraction) -> bool:
    """Whether a constant is zero or within the normal range of float64."""
    return value == 0 or Fraction(2) ** -1022 <= abs(value) < Fraction(2) ** 1024


def _strange(character: str, at: int) -> Token:
    if character in _PLAIN:
        return Token("bad", f"'{character}' is not in the language", at, f"write {_PLAIN[character]}")
    if character.isalpha():
        reason = f"names are made of ASCII letters, and '{character}' is none"
        return Token("bad", reason, at, _spelled(character))
    if character.isprintable():
        return Token("bad", f"'{character}' is not in the language", at)
    return Token("bad", f"the character U+{ord(character):04X} is not in the language", at)


def _spelled(letter: str) -> str:
    """A hint for Greek letters: their English name."""
    import unicodedata

    words = unicodedata.name(letter, "").lower().split()
    return f"write {words[-1]}" if words[:1] == ["greek"] else ""
