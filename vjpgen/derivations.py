"""How the form that is computed follows from the formula: rule by rule where a chain of rules is found.

The search keeps no reasons. Here each branch of a form is proved anew, from its text, in a small graph of its
own (`rewriting`); what is no rule is named, and where no chain is found that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vjpgen import rewriting, rule_steps, shown
from vjpgen.branches import Question, plain, questions
from vjpgen.cancel import cancelled
from vjpgen.collect import collected
from vjpgen.expr import Expr, has_op, opened, show, substitute, var, walk
from vjpgen.gather import gathered
from vjpgen.rational import rational
from vjpgen.report import Report
from vjpgen.rewriting import Effort
from vjpgen.survey import Survey
from vjpgen.tidy import tidy

TRIES = 700_000  # of all searches of a page together
_GLANCE, _FIRST, _SECOND = Effort(300, 20_000), Effort(), Effort(3500, 200_000, 8, both=True)
_LONGEST = 150  # nodes of a term that is followed
_EQUAL = 2.0**-60  # relative difference that exact values may have: they are rounded to float64
_FEW = 4
_APART = {"double_word": "in double words", "wide_range": "in a wider range"}
_GUARDS = {"pos": "{} > 0", "nonneg": "{} >= 0", "nz": "{} != 0"}
_SHAPES: tuple[tuple[str, Callable[[Expr], Expr | None]], ...] = (
    ("factors above and below the line cancelled", cancelled),
    ("like terms put together", lambda e: tidy(collected(e))),
    ("exponentials and powers put together", gathered),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One step.

    Attributes:
        reason: the name of a rule, or what is done, in words.
        left, right: the two sides of the rule, as it is used; empty for what is no rule.
        guards: what has to hold for it.
        term: the whole after the step.
    """

    reason: str
    left: str
    right: str
    guards: tuple[str, ...]
    term: str

    @property
    def rule(self) -> bool:
        """Whether a rule of the search, or arithmetic, makes this step."""
        return bool(self.left) or self.reason == rule_steps.ARITHMETIC


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a form.

    Attributes:
        conditions: where it is taken; none for everywhere.
        start: the plain term.
        lines: from there to the branch; none where there is no chain.
        remark: what is to be said beside them, or in their place.
        end: the branch, as it is computed.
        found: whether the lines lead from the start to the end.
    """

    conditions: tuple[str, ...]
    start: str
    lines: tuple[Line, ...]
    remark: str
    end: str
    found: bool


def derivations(report: Report, survey: Survey) -> tuple[tuple[Branch, ...], ...]:
    """For each target of a report, the branches of its form and how they follow from the formula.

    Args:
        report: the forms.
        survey: points of the domain, at which the guards of rules are looked at.

    Returns:
        Branches by target; none for a form with more branches than are followed.
    """
    spec = survey.spec
    defined = {var(name): shown.read(text) for name, text in report.definitions}
    forms = [shown.read(t.form) for t in report.targets]
    at = survey.exact.at[: survey.drawn].astype(np.float64)
    values = {
        q.output: substitute(form, defined)
        for q, form in zip(survey.quantities, forms, strict=True)
        if q.argument is None
    }
    asked = [
        tuple(questions(spec, plain(spec, q), form, q, defined, values.get(q.output), at, survey.ordinary))
        for q, form in zip(survey.quantities, forms, strict=True)
    ]
    work = _Work(TRIES)
    found: dict[Question, Branch | None] = {c: work.simply(c) for cs in asked for c in cs}
    for step in (work.again, work.thoroughly):
        found |= {c: step(c) for c, known in found.items() if known is None}
    return tuple(tuple(b for c in cs if (b := found[c]) is not None) for cs in asked)


class _Work:
    """The search for chains, within one limit for all of them: what is short comes first."""

    def __init__(self, tries: int) -> None:
        self.left = tries
        self.known: dict[tuple[object, ...], rewriting.Found | None] = {}

    def simply(self, c: Question) -> Branch | None:
        """What can be said without a large graph; None where one is needed."""
        said = _no_chain(c)
        return _branch(c, None, said) if said else self.reached(c, _GLANCE)

    def again(self, c: Question) -> Branch | None:
        """The same with a graph of the usual size."""
        return self.reached(c, _FIRST)

    def thoroughly(self, c: Question) -> Branch:
        """What a graph gives in which rules go both ways, or one with shapes that no rule leads to."""
        found = self.reached(c, _SECOND) or self.reached(c, _FIRST, tuple(_given(c)))
        if found is not None:
            return found
        points, gap = c.gap
        told = f"Equal to all digits of float64 by exact evaluation at {points} points (not by a rule):"
        told += " no chain of rules was found"
        told += f"; relative difference at most {gap:.1g}" if gap > _EQUAL else ""
        return _branch(c, None, told + ("." if self.left > 0 else ", and the page's limit was reached."))

    def reached(
        self, c: Question, effort: Effort, given: Sequence[tuple[Expr, Expr, str]] = ()
    ) -> Branch | None:
        key = (c.start, c.end, effort, tuple(given))
        found = self.known.get(key)
        if key not in self.known and (self.left > 0 or effort is _GLANCE):
            most = effort if effort is _GLANCE else replace(effort, tries=min(effort.tries, self.left))
            found, used = rewriting.chain(c.start, c.end, c.holds, most, given)
            self.known[key] = found
            self.left -= used
        if found is None or not rule_steps.all_right(found.start, found.steps, c.holds):
            return None
        return _branch(c, found, "")


def _no_chain(c: Question) -> str:
    """Why no chain is sought, if none is."""
    if len(c.at) < _FEW and any(x.op == "eq" for x in c.path):
        return "At these inputs alone: what the formula tends to there, or is there."
    if len(c.at) < _FEW:
        return "Too few of the points that were drawn lie here: nothing is said of this branch."
    if has_op(c.start, "where") or has_op(c.end, "where"):
        return "Put together of several pieces of the formula: no chain is sought."
    series = [x for x in walk(c.end) if x.op == "poly"]
    points, gap = c.gap
    compared = f" By exact evaluation at {points} points the relative difference is at most {gap:.1g}."
    if series:
        told = "; ".join(f"a polynomial of degree {len(x.args) - 2} in {show(x.args[0])}" for x in series)
        return f"A series at 0, not a rule: {told}." + compared
    if not points:
        return "No exact value is known here: no chain is sought."
    if gap > 1e-13:
        return "Not equal but close: what is left out does not count here, not a rule." + compared
    if not c.end.names and c.start.names:
        return "What the formula is here to all digits of float64: not a rule." + compared
    if max(c.start.size, c.end.size) > _LONGEST:
        return f"Longer than the {_LONGEST} operations up to which a chain is sought." + compared
    return ""


def _given(c: Question) -> Iterator[tuple[Expr, Expr, str]]:
    """Terms that are equal to the ends though no rule says so, and why they are."""
    ends = [c.start, c.end]
    if c.slope is not None:
        yield c.start, c.slope, "the derivative of the form of the value"
        ends.append(c.slope)
    for e in ends:
        for reason, shape in _SHAPES:
            new = shape(e)
            if new is not None and new is not e:
                yield e, new, reason
        for new in rational(e):
            yield e, new, "one quotient of polynomials"


def _branch(c: Question, found: rewriting.Found | None, remark: str) -> Branch:
    lines = () if found is None else tuple(_lines(c, found))
    return Branch(c.conditions, show(c.start), lines, remark, show(c.written), found is not None)


def _lines(c: Question, found: rewriting.Found) -> Iterator[Line]:
    for s in found.steps:
        term = show(s.term)
        if not rule_steps.is_rule(s.reason):
            yield Line(s.reason, "", "", (), term)
            continue
        r = rule_steps.rule(s.reason)
        one, other = (r.left, r.right) if s.forward else (r.right, r.left)
        guards = tuple(_GUARDS[fact].format(show(e)) for fact, e in r.guards)
        yield Line(s.reason, show(one), show(other), guards, term)
    kinds = [(op, how) for op, how in _APART.items() if has_op(c.written, op)]
    for op, how in kinds:
        parts = dict.fromkeys(show(opened(x)) for x in walk(c.written) if x.op == op)
        yield Line(f"the same {how}: {', '.join(parts)}", "", "", (), show(c.written))
    if kinds:
        return
    if c.names:
        yield Line(f"{', '.join(c.names)} as kept for the backward pass", "", "", (), show(c.written))
