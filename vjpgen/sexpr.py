"""S-expressions: text to nested lists that know where they stand. Nothing is evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from vjpgen.errors import ParseError

MAX_NESTING = 150

_SKIPPED = re.compile(r"(\s|;[^\n]*)+")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)
_ATOM = re.compile(r"[^\s()\[\]{}\";'`,]+")
_CLOSING = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class Atom:
    """One word.

    Attributes:
        text: its spelling; of a string what stands between the quotes.
        position: 0-based offset of its first character.
        quoted: whether it is a string.
    """

    text: str
    position: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between two parentheses or brackets.

    Attributes:
        items: what it holds.
        position: offset of the first parenthesis.
    """

    items: tuple[Item, ...]
    position: int

    @property
    def head(self) -> str:
        """The word that it begins with; empty where it begins with none."""
        first = self.items[0] if self.items else None
        return first.text if isinstance(first, Atom) and not first.quoted else ""


Item: TypeAlias = Atom | Group


def read(text: str) -> tuple[Item, ...]:
    """Everything in a text.

    Raises:
        ParseError: parentheses or quotes do not match, or nest too deep; says where.
    """
    open_at: list[int] = []
    levels: list[list[Item]] = [[]]
    at = 0
    while at < len(text):
        if skipped := _SKIPPED.match(text, at):
            at = skipped.end()
            continue
        character = text[at]
        if character in _CLOSING:
            if len(open_at) == MAX_NESTING:
                raise _refused(f"this is nested more than {MAX_NESTING} deep", text, at)
            open_at.append(at)
            levels.append([])
        elif character in _CLOSING.values():
            if not open_at or _CLOSING[text[open_at[-1]]] != character:
                raise _refused(f"this '{character}' closes nothing", text, at)
            items = tuple(levels.pop())
            levels[-1].append(Group(items, open_at.pop()))
        else:
            atom, at = _atom(text, at)
            levels[-1].append(atom)
            continue
        at += 1
    if open_at:
        raise _refused(f"this '{text[open_at[-1]]}' is never closed", text, open_at[-1])
    return tuple(levels[0])


def _atom(text: str, at: int) -> tuple[Atom, int]:
    if text[at] == '"':
        string = _STRING.match(text, at)
        if string is None:
            raise _refused("this string never ends", text, at)
        return Atom(re.sub(r"\\(.)", r"\1", string.group(1), flags=re.S), at, quoted=True), string.end()
    word = _ATOM.match(text, at)
    if word is None:
        raise _refused(f"'{text[at]}' is not read here", text, at)
    return Atom(word.group(), at), word.end()


def _refused(message: str, text: str, position: int) -> ParseError:
    return ParseError(message, text=text, position=position)
