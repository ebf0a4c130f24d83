"""Functions that an integral defines: what a user asks for, from text to `Integral`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vjpgen.errors import InputError, NameRefused, OptionError, ParseError
from vjpgen.expr import Expr, variables
from vjpgen.grammar import Grammar
from vjpgen.implicit import as_given, only_formula
from vjpgen.names import function_name, split_names
from vjpgen.parse import MAX_ARGS, bounded, parse_condition, short

_DOTS = re.compile(r"(?<!\.)\.\.(?!\.)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INFINITE = frozenset(("oo", "inf", "infinity"))
_HOW = "write VARIABLE=LOWER..UPPER, such as 't=0..y' or 't=-oo..oo'"


@dataclass(frozen=True, slots=True)
class Integral:
    """One function that is the integral of a formula.

    Attributes:
        name: name of the generated function.
        args: names of its arguments in order.
        variable: what is integrated over.
        integrand: over the arguments and the variable.
        low, high: the limits, over the arguments; none for -oo and oo.
        assume: conditions on the arguments that hold of every input.
        text, over_text: the integrand and the range, as the user wrote them.
        assume_text: the assumptions as the user wrote them.
        notes: remarks for the user.
    """

    name: str
    args: tuple[str, ...]
    variable: str
    integrand: Expr
    low: Expr | None
    high: Expr | None
    assume: tuple[Expr, ...]
    text: str
    over_text: str
    assume_text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        free = set(variables(self.integrand)) - {*self.args, self.variable}
        free |= set(variables(*self.limits)) - {*self.args}
        if free:
            raise ValueError(f"free variables: {sorted(free)}")

    @property
    def limits(self) -> tuple[Expr, ...]:
        """The finite ones."""
        return tuple(e for e in (self.low, self.high) if e is not None)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variable and the arguments, as the integrand takes them."""
        return (self.variable, *self.args)

    @property
    def formula(self) -> str:
        """The integral in words."""
        low, high = _ends(self.over_text)[1:]
        return f"the integral of {' '.join(self.text.split())} over {self.variable} from {low} to {high}"

    @property
    def title(self) -> str:
        """What the function is, in words."""
        return f"{self.name}({', '.join(self.args)}) = {self.formula}"

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command that ask for the same again, but for the files."""
        found = ["--integral", self.text, "--over", self.over_text]
        found += ["--name", self.name, "--args", ",".join(self.args)]
        for text in self.assume_text:
            found += ["--assume", text]
        return tuple(found)


def read_integral(
    text: str,
    over: str,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: Sequence[str] = (),
) -> Integral:
    """The integral of a formula, as a user describes it.

    Args:
        text: the integrand, in the language of docs/language.md.
        over: `VARIABLE=LOWER..UPPER`; the limits are formulas of the arguments, or oo with a sign.
        name: the function's name; None for the default.
        args: its arguments in order; None for the other names, as they first appear.
        assume: conditions on the arguments.

    Raises:
        ParseError: a text is not in the language; says where.
        OptionError: the range is none, or its variable is among the arguments.
    """
    short(text, "formula")
    short(over, "range")
    variable, *ends = _ends(over)
    given = None if args is None else split_names(args) if isinstance(args, str) else tuple(args)
    if given is not None and variable in given:
        raise OptionError(
            f"--over: '{variable}' is integrated over and is among the arguments", hint="rename one of them"
        )
    grammar = Grammar(text, None if given is None else (*given, variable))
    integrand = only_formula(grammar)
    limits, names = list[Expr | None](), dict.fromkeys(grammar.first)
    for end, sign in zip(ends, ("-", ""), strict=True):
        infinite = end.lstrip("+-").lower() in _INFINITE
        if infinite and (end[0] == "-") != (sign == "-"):
            raise OptionError(f"--over: the range ends at {end}", hint="write the smaller limit first")
        reader = Grammar(end, given)
        limits.append(None if infinite else only_formula(reader))
        names |= dict.fromkeys(() if infinite else reader.first)
    if variable in variables(*(e for e in limits if e is not None)):
        raise OptionError(f"--over: a limit holds '{variable}', which is integrated over")
    order = given if given is not None else tuple(n for n in names if n != variable)
    if not order:
        raise InputError(
            "the integral has no argument, so it has no gradient", hint="name the arguments: --args x"
        )
    if len(order) > MAX_ARGS:
        raise NameRefused(f"the function has {len(order)} arguments; the limit is {MAX_ARGS}")
    function, notes = function_name(name, (*order, variable))
    as_given((*order, variable), function)
    bounded(text, integrand, *(e for e in limits if e is not None))
    conditions = tuple(parse_condition(a, order) for a in assume)
    used = variables(integrand, *(e for e in limits if e is not None))
    idle = tuple(f"the integral does not use {a}: its partial is zero" for a in order if a not in used)
    return Integral(
        function, order, variable, integrand, limits[0], limits[1],
        tuple(c for c in conditions if c.op != "true"), text.strip(), over.strip(),
        tuple(a.strip() for a in assume), (*notes, *idle),
    )  # fmt: skip


def _ends(over: str) -> tuple[str, str, str]:
    """The variable and the limits, as text."""
    variable, equals, ends = (part.strip() for part in over.partition("="))
    found = [part.strip() for part in _DOTS.split(ends)]
    if not equals or len(found) != 2 or not all(found) or not _NAME.fullmatch(variable):
        raise ParseError("the range is none", text=over, position=0, hint=_HOW)
    return variable, found[0], found[1]
