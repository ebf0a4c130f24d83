"""A formula that was read from something else: its text in the language, and what came with it."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from vjpgen.expr import Expr, call, rebuild, show, substitute, var, variables, walk
from vjpgen.functions import TRUE
from vjpgen.parse import bounded, parse, short


@dataclass(frozen=True, slots=True)
class Formula:
    """What `generate` takes in place of a formula's text.

    Attributes:
        text: the formula, in the language.
        args: its arguments in order; None for the order in which they appear.
        assume: conditions that hold of every input, in the language.
        name: what the function is called there; None where it has no name.
        notes: remarks for the user: where it is from, what was not carried over.
    """

    text: str
    args: tuple[str, ...] | None = None
    assume: tuple[str, ...] = ()
    name: str | None = None
    notes: tuple[str, ...] = ()


def compose(
    outputs: Sequence[Expr],
    order: Sequence[str] | None,
    *,
    several: bool = False,
    assume: Sequence[Expr] = (),
    name: str | None = None,
    notes: Sequence[str] = (),
    spelled: Mapping[Fraction, str] | None = None,
) -> Formula:
    """The formula of trees whose variables may have any names: they become names of the language.

    Args:
        outputs: one tree per output.
        order: the arguments; None for those of the trees, as they first appear.
        several: whether the outputs come as a tuple.
        assume: conditions.
        name: the function's, as it was found.
        notes: remarks.
        spelled: positive constants as they are to be written; others are written as fractions.

    Raises:
        InputError: the formula is too large.
    """
    bounded("", *outputs, *assume)
    found = variables(*outputs, *assume) if order is None else tuple(order)
    table = _names(found, _words(*outputs, *assume))
    renamed = [f"{old} is called {new}" for old, new in table.items() if new != old]

    def written(e: Expr) -> str:
        return show(rebuild(e, lambda x: _leaf(x, table, spelled or {})))

    shown = ", ".join(map(written, outputs)) + ("," if several and len(outputs) == 1 else "")
    text = f"({shown})" if several else shown
    short(text, "formula")
    return Formula(
        text=text,
        args=tuple(table.values()),
        assume=tuple(written(c) for c in assume if c is not TRUE),
        name=None if name is None else slug(name),
        notes=(*notes, *([", ".join(renamed)] if renamed else [])),
    )


def written(text: str, *operands: Expr) -> Expr:
    """A formula of x, y and z in the language with these operands in their places."""
    names = ("x", "y", "z")[: len(operands)]
    return substitute(_read(text, names), dict(zip(map(var, names), operands, strict=True)))


@cache
def _read(text: str, names: tuple[str, ...]) -> Expr:
    return parse(text, args=names).outputs[0]


def slug(text: str) -> str | None:
    """A function's name made of a title; None where nothing of it is left."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:60].rstrip("_")
    if word != text.strip("_"):
        word = word.lower()
    return (f"f_{word}" if word[0].isdigit() else word) if word else None


def _words(*roots: Expr) -> set[str]:
    """What the trees' text says that is no argument."""
    return {str(x.value) if x.op == "const" else x.op for x in walk(*roots) if x.op != "var"}


def _names(found: Sequence[str], words: set[str]) -> dict[str, str]:
    """Names that are identifiers, and none of the functions and constants of the formula."""
    table: dict[str, str] = {}
    for old in found:
        new = re.sub(r"[^A-Za-z0-9_]", "_", old).lstrip("_") or "x"
        new = f"x{new}" if new[0].isdigit() else new
        while (
            keyword.iskeyword(new) or new in words or new in table.values() or (new != old and new in found)
        ):
            new += "_"
        table[old] = new
    return table


def _leaf(x: Expr, table: Mapping[str, str], spelled: Mapping[Fraction, str]) -> Expr | None:
    if x.op == "var":
        return var(table[str(x.value)])
    if x.op != "num" or not isinstance(x.value, Fraction) or abs(x.value) not in spelled:
        return None
    literal = var(spelled[abs(x.value)])  # shown as it stands
    return literal if x.value >= 0 else call("neg", literal)
