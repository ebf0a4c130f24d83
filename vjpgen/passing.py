"""How a function is to be called, from text to `Signature`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vjpgen.constants import ConstantRefused, constant
from vjpgen.errors import OptionError
from vjpgen.expr import Expr, num, var, variables
from vjpgen.functions import FALSE, fill
from vjpgen.grammar import Grammar
from vjpgen.names import split_names
from vjpgen.spec import Signature
from vjpgen.unknown import nearest
from vjpgen.wishes import Pairs, Wishes, assignments

_WHOLE = re.compile(r"[+-]?\d+")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Passing:
    """What is asked for, as text.

    Attributes:
        nondiff: arguments without a gradient.
        static: arguments that are Python numbers, fixed when the function is traced.
        defaults: (argument, constant) of each that may be left out.
        outputs: names of the outputs, for a function that returns a dict.
    """

    nondiff: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    defaults: Pairs = ()
    outputs: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        """Those that are given, as keyword arguments of `generate`."""
        given = {
            "nondiff": self.nondiff,
            "static": self.static,
            "param": dict(self.defaults),
            "outputs": self.outputs,
        }
        return {option: value for option, value in given.items() if value}


NOTHING = Passing()


def worded(
    *,
    nondiff: Iterable[str] = (),
    static: Iterable[str] = (),
    param: Iterable[str] = (),
    outputs: Iterable[str] = (),
) -> Passing:
    """What the words of the command's options ask for.

    Raises:
        OptionError: a word of --param has no "=", or an argument is named twice.
    """
    return Passing(
        nondiff=_listed(nondiff),
        static=_listed(static),
        defaults=assignments(
            "--param", param, "ARGUMENT=NUMBER", lambda word: f"--param {word.strip() or 'alpha'}=0.5"
        ),
        outputs=_listed(outputs),
    )


def _listed(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for names in words for name in split_names(names))


def ordered(passing: Passing, order: Sequence[str], *, given: bool) -> tuple[str, ...]:
    """The arguments, those with a default last.

    Args:
        passing: what is asked for.
        order: the arguments.
        given: whether the user gave that order.

    Raises:
        OptionError: an argument is unknown, or one without a default follows one with it in the order given.
    """
    for option, names in (
        ("--nondiff", passing.nondiff),
        ("--static", passing.static),
        ("--param", tuple(a for a, _ in passing.defaults)),
    ):
        for name in names:
            if name not in order:
                near = nearest(name, tuple(order))
                hint = f"did you mean {near}?" if near else "name one of them, or add it with --args"
                among = f"'{name}' is not among the arguments ({', '.join(order)})"
                raise OptionError(f"{option}: {among}", hint=hint)
    optional = dict(passing.defaults)
    last = tuple(sorted(order, key=lambda a: a in optional))
    if given and last != tuple(order):
        late = next(a for a, b in zip(order, last, strict=True) if a != b)
        raise OptionError(
            f"'{late}' has a default, and an argument without one follows it",
            hint=f"write --args {','.join(last)}",
        )
    return last


def read(
    passing: Passing,
    outputs: Sequence[Expr],
    conditions: Sequence[Expr],
    wishes: Wishes,
    table: Mapping[str, str],
) -> Signature:
    """How the function is called.

    Args:
        passing: what is asked for.
        outputs: the formulas.
        conditions: what holds of the arguments.
        wishes: what is asked of the gradient.
        table: the arguments in order, with what they are called in the module.

    Raises:
        OptionError: two options contradict each other, no argument is left to differentiate, a default is no
            constant or lies outside the domain, or the names of the outputs do not fit.
    """
    _consistent(passing, wishes, tuple(table))
    values = {a: _value(a, text) for a, text in passing.defaults}
    _inside(passing, values, conditions)
    literals = {
        a: _literal(text, values[a], a in (*passing.nondiff, *passing.static)) for a, text in passing.defaults
    }
    return Signature(
        nondiff=tuple(name for a, name in table.items() if a in passing.nondiff),
        static=tuple(name for a, name in table.items() if a in passing.static),
        defaults=tuple((name, literals[a]) for a, name in table.items() if a in literals),
        keys=_keys(passing.outputs, len(outputs)),
    )


def notes(signature: Signature) -> Iterator[str]:
    """What a caller has to know."""
    if signature.nondiff:
        who = f"{_series(signature.nondiff)} {_verb(signature.nondiff)}"
        yield f"{who} not differentiated, and may be of any dtype"
    if signature.static:
        number = "a Python number" if len(signature.static) == 1 else "Python numbers"
        who = f"{_series(signature.static)} {_verb(signature.static)}"
        yield f"{who} static: {number}, fixed when the function is traced"


def _verb(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _series(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _consistent(passing: Passing, wishes: Wishes, order: Sequence[str]) -> None:
    fixed = dict.fromkeys(passing.nondiff, "--nondiff") | dict.fromkeys(passing.static, "--static")
    for a in passing.nondiff:
        if a in passing.static:
            raise OptionError(
                f"--nondiff {a} and --static {a} contradict each other",
                hint="an array goes to --nondiff, a Python number to --static",
            )
    for option, names in (("--nondiff", passing.nondiff), ("--static", passing.static)):
        for a in names:
            if names.count(a) > 1:
                raise OptionError(f"{option} is given twice for '{a}'", hint="give it once")
    for option, words in (
        ("--grad", wishes.grad),
        ("--surrogate", wishes.surrogate),
        ("--grad-scale", wishes.scale),
        ("--grad-clip", wishes.clip),
        ("--stop", tuple((a, "") for a in wishes.stop)),
    ):
        for a, _ in words:
            if a in fixed:
                raise OptionError(
                    f"{option} {a} and {fixed[a]} {a} contradict each other", hint="leave one of them out"
                )
    if fixed and not set(order) - fixed.keys():
        raise OptionError(
            "no argument is left to differentiate", hint="leave one of them out of --nondiff and --static"
        )


def _value(a: str, text: str) -> float:
    found, several = Grammar(text, None).formula()
    value = None if several else constant(found[0])
    if value is None or not math.isfinite(value):
        raise OptionError(
            f"--param {a}={text}: a default is a constant", hint=f"write a number, such as --param {a}=0.5"
        )
    return value


def _literal(text: str, value: float, fixed: bool) -> str:
    """Python's spelling of a default; that of an integer only where nothing is differentiated by it."""
    return str(int(text)) if fixed and _WHOLE.fullmatch(text.strip()) else repr(value)


def _inside(passing: Passing, values: Mapping[str, float], conditions: Sequence[Expr]) -> None:
    for condition in conditions:
        names = variables(condition)
        if names and set(names) <= values.keys():
            table = {var(a): num(Fraction(values[a])) for a in names}
            if _decided(condition, table) is FALSE:
                shown = " and ".join(f"{a}={dict(passing.defaults)[a]}" for a in names)
                raise OptionError(
                    f"the default {shown} lies outside the domain", hint="give another, or change --assume"
                )


def _decided(condition: Expr, table: Mapping[Expr, Expr]) -> Expr:
    """The condition with numbers in place of its variables, decided as far as rational arithmetic goes."""
    try:
        return fill(condition, table)
    except ConstantRefused:
        return FALSE


def _keys(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    if not names:
        return ()
    for name in names:
        if not _KEY.fullmatch(name):
            hint = "names are ASCII letters, digits and underscores, a letter first"
            raise OptionError(f"--outputs: '{name}' cannot be the name of an output", hint=hint)
        if names.count(name) > 1:
            raise OptionError(f"--outputs is given twice for '{name}'", hint="give each output its own name")
    if len(names) != count:
        plural = "s" if count > 1 else ""
        raise OptionError(
            f"the formula has {count} output{plural}, and --outputs has {len(names)} names",
            hint="name each output once, in order",
        )
    return names
