"""Functions that an equation defines: what a user asks for, from text to `Implicit`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vjpgen.errors import InputError, NameRefused, OptionError, ParseError
from vjpgen.expr import Expr, call, substitute, var, variables
from vjpgen.grammar import Grammar
from vjpgen.names import argument_names, function_name, split_names
from vjpgen.parse import MAX_ARGS, bounded, parse_condition, short
from vjpgen.unknown import nearest

_EQUALS = re.compile(r"(?<![<>=!])=(?![=<>])")
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_UNKNOWNS = ("y", "z", "w", "value", "root")


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of the range in which the solution is sought.

    Attributes:
        at: a formula over the arguments.
        strict: whether the solution never lies on it.
    """

    at: Expr
    strict: bool


@dataclass(frozen=True, slots=True)
class Implicit:
    """One function that is the solution of an equation.

    Attributes:
        name: name of the generated function.
        args: names of its arguments in order.
        unknown: what the equation calls the solution.
        left, right: the sides of the equation, over the arguments and the unknown.
        low, high: bounds of the solution; none where there is no such assumption.
        guess: where the iteration starts, over the arguments; none where it is not given.
        assume: conditions on the arguments that hold of every input.
        text: the equation, or the formula to be inverted, as the user wrote it.
        inverse: whether the function is the inverse of a formula.
        assume_text, guess_text: assumptions and guess as the user wrote them.
        notes: remarks for the user.
    """

    name: str
    args: tuple[str, ...]
    unknown: str
    left: Expr
    right: Expr
    low: Bound | None
    high: Bound | None
    guess: Expr | None
    assume: tuple[Expr, ...]
    text: str
    inverse: bool = False
    assume_text: tuple[str, ...] = ()
    guess_text: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        free = set(variables(self.left, self.right)) - {*self.args, self.unknown}
        if free:
            raise ValueError(f"free variables: {sorted(free)}")

    @property
    def variables(self) -> tuple[str, ...]:
        """The arguments and the unknown."""
        return (*self.args, self.unknown)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """The unknown alone."""
        return (self.unknown,)

    @property
    def bounds(self) -> tuple[tuple[Bound | None, Bound | None], ...]:
        """The bounds of the unknown."""
        return ((self.low, self.high),)

    @property
    def residual(self) -> Expr:
        """What is zero at the solution, as the user wrote it."""
        return self.left - self.right

    @property
    def equation(self) -> str:
        """The equation as one line of text."""
        if self.inverse:
            written = " ".join(self.text.split())
            return f"the inverse of {self.args[0]} -> {written}"
        return " ".join(self.text.split())

    @property
    def title(self) -> str:
        """What the function is, in words."""
        call = f"{self.name}({', '.join(self.args)})"
        return f"{call} = {self.equation if self.inverse else f'{self.unknown} with {self.equation}'}"

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command that ask for the same again, but for the files."""
        head = ["--inverse", self.text] if self.inverse else [self.text, "--solve", self.unknown]
        found = [*head, "--name", self.name, "--args", ",".join(self.args)]
        for text in self.assume_text:
            found += ["--assume", text]
        return (*found, *(["--guess", self.guess_text] if self.guess_text else []))


def read_equation(
    text: str,
    unknown: str,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: Sequence[str] = (),
    guess: str | None = None,
) -> Implicit:
    """The solution of an equation, as a user describes it.

    Args:
        text: `LEFT = RIGHT`, in the language of docs/language.md.
        unknown: the name for which it is solved.
        name: the function's name; None for the default.
        args: its arguments in order; None for the other names, as they first appear.
        assume: conditions on the arguments, or bounds of the unknown by formulas over the arguments.
        guess: where the iteration starts, a formula over the arguments.

    Raises:
        ParseError: a text is not in the language; says where.
        OptionError: the equation does not hold the unknown, or options do not fit each other.
    """
    short(text, "equation")
    sides = sides_of(text)
    given = None if args is None else split_names(args) if isinstance(args, str) else tuple(args)
    if given is not None and unknown in given:
        raise OptionError(
            f"--solve {unknown}: '{unknown}' is among the arguments", hint="leave it out of --args"
        )
    grammars = [Grammar(side, None if given is None else (*given, unknown)) for side in sides]
    left, right = (only_formula(g) for g in grammars)
    order = given if given is not None else _others(grammars, unknown)
    if unknown not in variables(left, right):
        near = nearest(unknown, variables(left, right))
        hint = (
            f"did you mean {near}?"
            if near
            else "name the arguments with --args if the name means something else"
        )
        raise OptionError(f"--solve {unknown}: the equation does not hold '{unknown}'", hint=hint)
    return _implicit(text, unknown, order, (left, right), name, assume, guess, inverse=False)


def read_inverse(
    text: str,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: Sequence[str] = (),
    guess: str | None = None,
) -> Implicit:
    """The inverse of a formula in its first argument; the others are parameters.

    Args:
        text: the formula g; the function is y(x, ...) with g(y, ...) = x.
        name, args, assume, guess: as for `read_equation`; assumptions call the result y, or z where y is an
            argument.

    Raises:
        ParseError, OptionError: as `read_equation` does.
    """
    short(text, "formula")
    given = None if args is None else split_names(args) if isinstance(args, str) else tuple(args)
    grammar = Grammar(text, given)
    formula = only_formula(grammar)
    order = given if given is not None else tuple(grammar.first)
    if not order:
        raise InputError("the formula has no argument", text=text, position=0, hint="name it: --args x")
    unknown = next(n for n in _UNKNOWNS if n not in order)
    left = substitute(formula, {var(order[0]): var(unknown)})
    if unknown not in variables(left):
        raise OptionError(f"--inverse: the formula does not hold '{order[0]}', its first argument")
    return _implicit(text, unknown, order, (left, var(order[0])), name, assume, guess, inverse=True)


def sides_of(text: str) -> tuple[str, str]:
    """The two sides of an equation, as text."""
    found = _EQUALS.findall(text)
    if len(found) != 1:
        hint = "write LEFT = RIGHT, such as 'y*exp(y) = x'"
        message = "the equation has no '='" if not found else "the equation has more than one '='"
        place = len(text.rstrip()) if not found else [m.start() for m in _EQUALS.finditer(text)][1]
        raise ParseError(message, text=text, position=place, hint=hint)
    left, right = _EQUALS.split(text)
    return left, right


def only_formula(grammar: Grammar) -> Expr:
    found, several = grammar.formula()
    if several:
        raise ParseError("one formula is expected here, not a tuple", text=grammar.text, position=0)
    if grammar.implied:
        raise ParseError("a Piecewise in an equation needs a value for every case", text=grammar.text,
                         position=grammar.implied[0][1], hint="end it with (value, True)")  # fmt: skip
    return found[0]


def _others(grammars: Sequence[Grammar], unknown: str) -> tuple[str, ...]:
    names = dict.fromkeys(name for g in grammars for name in g.first)
    order = tuple(name for name in names if name != unknown)
    if not order:
        hint = "name the arguments: --args x"
        raise InputError("the equation has no argument, so its solution has no gradient", hint=hint)
    return order


def _implicit(
    text: str,
    unknown: str,
    order: tuple[str, ...],
    sides: tuple[Expr, Expr],
    name: str | None,
    assume: Sequence[str],
    guess: str | None,
    *,
    inverse: bool,
) -> Implicit:
    if len(order) > MAX_ARGS:
        raise NameRefused(f"the function has {len(order)} arguments; the limit is {MAX_ARGS}")
    function, notes = function_name(name, (*order, unknown))
    as_given((*order, unknown), function)
    bounded(text, *sides)
    domain: list[Expr] = []
    bounds: dict[str, Bound] = {}
    for condition, written in each_condition(assume, (*order, unknown)):
        if unknown not in variables(condition):
            domain.append(condition)
            continue
        side, bound = bound_of(condition, unknown, written)
        if side in bounds:
            raise OptionError(f"{unknown} has two {side} bounds", hint="leave one of them out")
        bounds[side] = bound
    start = None
    if guess is not None:
        short(guess, "guess")
        start = only_formula(Grammar(guess, order))
        bounded(guess, start)
    used = variables(*sides)
    idle = tuple(f"the equation does not use {a}: its partial is zero" for a in order if a not in used)
    return Implicit(
        function, order, unknown, *sides, bounds.get("lower"), bounds.get("upper"),
        start, tuple(domain), text.strip(), inverse, tuple(t.strip() for t in assume),
        "" if guess is None else guess.strip(), (*notes, *idle),
    )  # fmt: skip


def as_given(names: tuple[str, ...], function: str) -> None:
    """Refuses a name that would have to be changed."""
    table, reasons = argument_names(names, function)
    for a, reason in zip([a for a in names if table[a] != a], reasons, strict=True):
        why = reason.partition(", because ")[2]
        raise NameRefused(f"'{a}' cannot be a name here: {why}", hint=f"write {table[a]}")


def each_condition(assume: Sequence[str], names: tuple[str, ...]) -> Iterator[tuple[Expr, str]]:
    """Each condition that a conjunction joins, with the text it stands in."""
    for text in assume:
        waiting = [parse_condition(text, names)]
        while waiting:
            part = waiting.pop()
            if part.op == "and":
                waiting.extend(reversed(part.args))
            elif part.op != "true":
                yield part, text


def bound_of(condition: Expr, unknown: str, text: str) -> tuple[str, Bound]:
    """What a condition on the unknown says: which end it bounds, and where."""
    hint = f"write '{unknown} > FORMULA' or '{unknown} <= FORMULA', without {unknown} in the formula"
    if condition.op in _MIRRORED:
        one, other = condition.args
        kind = condition.op
        if other is var(unknown):
            one, other, kind = other, one, _MIRRORED[kind]
        if one is var(unknown) and unknown not in variables(other):
            return ("lower" if kind in ("gt", "ge") else "upper"), Bound(other, kind in ("gt", "lt"))
    raise OptionError(f"the assumption '{text.strip()}' is no bound of {unknown}", hint=hint)


class Solvable(Protocol):
    """What has unknowns within bounds, and assumptions about its arguments."""

    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def args(self) -> tuple[str, ...]: ...
    @property
    def assume(self) -> tuple[Expr, ...]: ...
    @property
    def assume_text(self) -> tuple[str, ...]: ...
    @property
    def unknowns(self) -> tuple[str, ...]: ...
    @property
    def variables(self) -> tuple[str, ...]: ...
    @property
    def bounds(self) -> tuple[tuple[Bound | None, Bound | None], ...]: ...


def conditions(spec: Solvable) -> tuple[Expr, ...]:
    """Everything that is assumed, as conditions over the arguments and the unknowns."""
    found = list(spec.assume)
    for unknown, ends in zip(spec.unknowns, spec.bounds, strict=True):
        for bound, ops in zip(ends, (("ge", "gt"), ("le", "lt")), strict=True):
            if bound is not None:
                found.append(call(ops[bound.strict], var(unknown), bound.at))
    return tuple(found)
