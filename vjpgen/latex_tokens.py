"""LaTeX to tokens: what is mathematics; spacing and sizes are left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vjpgen.errors import ParseError


@dataclass(frozen=True, slots=True)
class Token:
    r"""One token.

    Attributes:
        kind: "number", "letter", "command" (as `\frac`), "word" (what stands in `\operatorname{...}` and the
            like), "sign", or "end".
        text: its spelling, of a command without the backslash; bars after `\left` and `\right` are "left|"
            and "right|".
        position: 0-based offset of its first character.
    """

    kind: str
    text: str
    position: int


_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")
_COMMAND = re.compile(r"\\([A-Za-z]+\*?|.)", re.S)
_SPACE = re.compile(r"(\s|~|\\[,;:!> ])+")
_FENCE = re.compile(r"\s*(\\[A-Za-z]+|\\[{}|]|[()\[\]|.])")
_WORDS = ("operatorname", "operatorname*", "mathrm", "text", "textrm", "mathit", "textit", "mathsf", "mathtt")
_SIZES = ("big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr")
_SKIPPED = ("quad", "qquad", "displaystyle", "textstyle", "limits", "nolimits", "mathopen", "mathclose",
            "hspace", "thinspace", "left", "right", *_SIZES)  # fmt: skip
_BARS = {"lvert": "left|", "rvert": "right|", "vert": "|"}
_SIGNS = "+-*/^_{}()[]|,<>=!&.'"
_QUOTES = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))


def tokens(text: str) -> list[Token]:
    """All tokens of a text, an "end" last. Linear in the text.

    Raises:
        ParseError: something in it is not read here; says where.
    """
    at, stop = _inside(text)
    found: list[Token] = []
    while at < stop:
        if space := _SPACE.match(text, at):
            at = min(space.end(), stop)
        elif command := _COMMAND.match(text, at):
            at = _command(text, at, command, found)
        elif number := _NUMBER.match(text, at):
            found.append(Token("number", number.group(), at))
            at = number.end()
        elif text[at].isascii() and text[at].isalpha():
            found.append(Token("letter", text[at], at))
            at += 1
        elif text[at] in _SIGNS:
            found.append(Token("sign", text[at], at))
            at += 1
        else:
            _strange(text, at)
    return [*found, Token("end", "", stop)]


def _inside(text: str) -> tuple[int, int]:
    """Where a formula between dollar signs or the like begins and ends."""
    start, stop = len(text) - len(text.lstrip()), len(text.rstrip())
    for opening, closing in _QUOTES:
        inner = start + len(opening), stop - len(closing)
        if text.startswith(opening, start) and text.endswith(closing, 0, stop) and inner[0] <= inner[1]:
            return inner
    return start, stop


def _command(text: str, at: int, match: re.Match[str], found: list[Token]) -> int:
    name, after = match.group(1), match.end()
    if name in _WORDS:
        word, after = _word(text, after, at)
        found.append(Token("word", word, at))
    elif name in ("left", "right") and (fence := _FENCE.match(text, after)) is not None:
        if fence.group(1) == ".":
            raise ParseError(f"a fence of one side only, \\{name}., is not read here", text=text, position=at)
        if fence.group(1) in ("|", r"\vert", r"\lvert", r"\rvert"):
            found.append(Token("sign", f"{name}|", at))
            after = fence.end()
    elif name in _BARS:
        found.append(Token("sign", _BARS[name], at))
    elif name in ("{", "}"):
        found.append(Token("sign", "(" if name == "{" else ")", at))  # written braces are parentheses
    elif name not in _SKIPPED:
        found.append(Token("command", "Vert" if name == "|" else name, at))
    return after


def _word(text: str, at: int, position: int) -> tuple[str, int]:
    """What stands in the braces after a command, without inner braces and backslashes."""
    at += len(text[at:]) - len(text[at:].lstrip()) if text[at : at + 1].isspace() else 0
    if text[at : at + 1] != "{":
        raise ParseError("braces are expected after this", text=text, position=position)
    depth, start = 0, at + 1
    while at < len(text):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            return re.sub(r"[{}\\\s]", "", text[start : at - 1]), at
    raise ParseError("this brace is never closed", text=text, position=start - 1)


def _strange(text: str, at: int) -> None:
    import unicodedata

    words = unicodedata.name(text[at], "").lower().split()
    shown = f"'{text[at]}'" if text[at].isprintable() else f"the character U+{ord(text[at]):04X}"
    hint = f"write \\{words[-1]}" if words[:1] == ["greek"] else ""
    raise ParseError(f"{shown} is not read here", text=text, position=at, hint=hint)
