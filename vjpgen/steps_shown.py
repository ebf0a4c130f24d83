"""How a form follows from the formula, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from vjpgen import doc, mathml
from vjpgen.derivations import Branch, Line

_LONGEST = 700  # characters of a term that is typeset


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step.

    Attributes:
        reason: the rule's name, or what was done.
        rule: its two sides, as MathML; empty for what is no rule.
        guards: what has to hold, as MathML.
        term: the whole after the step, as markup.
    """

    reason: str
    rule: str
    guards: tuple[str, ...]
    term: str


@dataclass(frozen=True, slots=True)
class BranchShown:
    """One branch.

    Attributes:
        conditions: where it is taken, as MathML; none for everywhere.
        count: how many steps there are, in words.
        start: the plain term, as markup.
        steps: what follows.
        remark: what is said beside or instead.
        end: the branch as it is computed, where no steps lead to it.
    """

    conditions: tuple[str, ...]
    count: str
    start: str
    steps: tuple[StepShown, ...]
    remark: str
    end: str


def branches(found: tuple[Branch, ...]) -> tuple[BranchShown, ...]:
    """The branches of one value or partial."""
    return tuple(_branch(b) for b in found)


def _branch(b: Branch) -> BranchShown:
    return BranchShown(
        conditions=tuple(mathml.math(doc.decimals(c), block=False) for c in b.conditions),
        count=_count(b),
        start=_term(b.start),
        steps=tuple(_step(line) for line in b.lines),
        remark=b.remark,
        end="" if b.found else _term(b.end),
    )


def _count(b: Branch) -> str:
    if not b.found:
        return "no chain of rules"
    if not b.lines:
        return "as it is written"
    named = sum(not line.rule for line in b.lines)
    steps = f"{len(b.lines)} step{'s' if len(b.lines) > 1 else ''}"
    return f"{steps}, {named} of them no rule" if named else steps


def _step(line: Line) -> StepShown:
    rule = mathml.math(line.right, left=line.left, block=False) if line.left else ""
    guards = tuple(mathml.math(g, block=False) for g in line.guards)
    return StepShown(line.reason, rule, guards, _term(line.term))


def _term(text: str) -> str:
    """A term on a line of its own, as text where it is long."""
    text = doc.decimals(text)
    return mathml.math(text) if len(text) <= _LONGEST else f"<code>{escape(text)}</code>"
