"""Functions that several equations define together: what a user asks for, from text to `System`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vjpgen.errors import InputError, NameRefused, OptionError
from vjpgen.expr import Expr, variables
from vjpgen.grammar import Grammar
from vjpgen.implicit import Bound, as_given, bound_of, each_condition, only_formula, sides_of
from vjpgen.names import function_name, split_names
from vjpgen.parse import MAX_ARGS, bounded, short

MOST = 3  # equations
_OPEN, _CLOSED = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class System:
    """One function whose outputs are the solution of two or three equations.

    Attributes:
        name: name of the generated function.
        args: names of its arguments in order.
        unknowns: what the equations call the outputs, in order.
        sides: the sides of each equation, over the arguments and the unknowns.
        bounds: of each unknown, over the arguments; none where there is no such assumption.
        guess: where the iteration starts, a formula over the arguments for each unknown; empty if not given.
        assume: conditions on the arguments that hold of every input.
        text: the equations as the user wrote them.
        assume_text, guess_text: assumptions and guess as the user wrote them.
        notes: remarks for the user.
    """

    name: str
    args: tuple[str, ...]
    unknowns: tuple[str, ...]
    sides: tuple[tuple[Expr, Expr], ...]
    bounds: tuple[tuple[Bound | None, Bound | None], ...]
    guess: tuple[Expr, ...]
    assume: tuple[Expr, ...]
    text: str
    assume_text: tuple[str, ...] = ()
    guess_text: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        free = set(variables(*self.residuals)) - {*self.args, *self.unknowns}
        if free:
            raise ValueError(f"free variables: {sorted(free)}")

    @property
    def variables(self) -> tuple[str, ...]:
        """The arguments and the unknowns."""
        return (*self.args, *self.unknowns)

    @property
    def residuals(self) -> tuple[Expr, ...]:
        """What is zero at the solution, as the user wrote it."""
        return tuple(left - right for left, right in self.sides)

    @property
    def title(self) -> str:
        """What the function is, in words."""
        found = f"{self.name}({', '.join(self.args)}) = ({', '.join(self.unknowns)})"
        return f"{found} with {' '.join(self.text.split())}"

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command that ask for the same again, but for the files."""
        found = [self.text, "--solve", ",".join(self.unknowns), "--name", self.name]
        found += ["--args", ",".join(self.args)]
        for text in self.assume_text:
            found += ["--assume", text]
        return (*found, *(["--guess", self.guess_text] if self.guess_text else []))


def read_system(
    text: str,
    unknowns: str,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: Sequence[str] = (),
    guess: str | None = None,
) -> System:
    """The solution of several equations, as a user describes it.

    Args:
        text: `LEFT = RIGHT, LEFT = RIGHT`, two or three of them, in the language of docs/language.md.
        unknowns: the names for which they are solved, `X,Y`, one for each equation.
        name: the function's name; None for the default.
        args: its arguments in order; None for the other names, as they first appear.
        assume: conditions on the arguments, or bounds of an unknown by formulas over the arguments.
        guess: where the iteration starts, `X=FORMULA, Y=FORMULA` over the arguments.

    Raises:
        ParseError: a text is not in the language; says where.
        OptionError: equations and unknowns, or options, do not fit each other.
    """
    short(text, "equation")
    sought = split_names(unknowns)
    equations = list(_divided(text))
    if len(equations) != len(sought):
        raise OptionError(
            f"--solve {unknowns}: {_many(len(sought), 'unknown')} and {_many(len(equations), 'equation')}",
            hint="write one equation for each unknown, with a comma between them",
        )
    if len(sought) > MOST:
        raise OptionError(f"--solve {unknowns}: {MOST} unknowns are the most")
    given = None if args is None else split_names(args) if isinstance(args, str) else tuple(args)
    for unknown in sought:
        if sought.count(unknown) > 1 or unknown in (given or ()):
            other = "twice among the unknowns" if sought.count(unknown) > 1 else "among the arguments"
            raise OptionError(f"--solve {unknowns}: '{unknown}' is {other}", hint="leave it out there")
    known = None if given is None else (*given, *sought)
    grammars = [[Grammar(side, known) for side in sides_of(e)] for e in equations]
    sides = tuple((only_formula(a), only_formula(b)) for a, b in grammars)
    flat = [side for both in sides for side in both]
    for unknown in sought:
        if unknown not in variables(*flat):
            raise OptionError(f"--solve {unknowns}: the equations do not hold '{unknown}'")
    names = dict.fromkeys(n for both in grammars for g in both for n in g.first)
    order = given if given is not None else tuple(n for n in names if n not in sought)
    if not order:
        hint = "name the arguments: --args x"
        raise InputError("the equations have no argument, so their solution has no gradient", hint=hint)
    if len(order) > MAX_ARGS:
        raise NameRefused(f"the function has {len(order)} arguments; the limit is {MAX_ARGS}")
    function, notes = function_name(name, (*order, *sought))
    as_given((*order, *sought), function)
    bounded(text, *flat)
    domain, bounds = _assumed(assume, order, sought)
    used = variables(*flat)
    idle = tuple(f"the equations do not use {a}: its partials are zero" for a in order if a not in used)
    return System(
        function, order, sought, sides, bounds, () if guess is None else _guess(guess, order, sought),
        domain, text.strip(), tuple(t.strip() for t in assume), "" if guess is None else guess.strip(),
        (*notes, *idle),
    )  # fmt: skip


def _assumed(
    assume: Sequence[str], order: tuple[str, ...], sought: tuple[str, ...]
) -> tuple[tuple[Expr, ...], tuple[tuple[Bound | None, Bound | None], ...]]:
    """The conditions on the arguments, and the bounds of each unknown."""
    domain, bounds = list[Expr](), dict[tuple[str, str], Bound]()
    for condition, written in each_condition(assume, (*order, *sought)):
        held = [u for u in sought if u in variables(condition)]
        if not held:
            domain.append(condition)
            continue
        side, bound = bound_of(condition, held[0], written)
        if len(held) > 1 or (held[0], side) in bounds:
            told = "holds two unknowns" if len(held) > 1 else f"is a second {side} bound of {held[0]}"
            raise OptionError(
                f"the assumption '{written.strip()}' {told}", hint="bound each by the arguments"
            )
        bounds[held[0], side] = bound
    return tuple(domain), tuple((bounds.get((u, "lower")), bounds.get((u, "upper"))) for u in sought)


def _guess(text: str, order: tuple[str, ...], sought: tuple[str, ...]) -> tuple[Expr, ...]:
    short(text, "guess")
    found: dict[str, Expr] = {}
    for part in _divided(text):
        name, equals, formula = part.partition("=")
        if not equals or name.strip() not in sought or name.strip() in found:
            hint = "write " + ", ".join(f"{u}=FORMULA" for u in sought)
            raise OptionError(f"--guess: '{part.strip()}' starts no unknown", hint=hint)
        found[name.strip()] = only_formula(Grammar(formula, order))
        bounded(formula, found[name.strip()])
    missing = [u for u in sought if u not in found]
    if missing:
        raise OptionError(f"--guess says nothing of {missing[0]}", hint=f"add {missing[0]}=FORMULA")
    return tuple(found[u] for u in sought)


def _divided(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets."""
    depth, first = 0, 0
    for place, letter in enumerate(text):
        depth += (letter in _OPEN) - (letter in _CLOSED)
        if letter == "," and depth == 0:
            yield text[first:place]
            first = place + 1
    yield text[first:]


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
