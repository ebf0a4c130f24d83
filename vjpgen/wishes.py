"""What a user wants the gradient to be, from text to `Meant`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from vjpgen.constants import ConstantRefused, constant
from vjpgen.errors import InputError, OptionError, ParseError
from vjpgen.expr import Expr, num, show, var
from vjpgen.functions import fill, logic
from vjpgen.grammar import Grammar
from vjpgen.names import split_names
from vjpgen.presets import BY_NAME, Preset
from vjpgen.spec import Clip, Meant
from vjpgen.unknown import nearest

Pairs = tuple[tuple[str, str], ...]
_OPTIONS = {
    "grad": "--grad", "surrogate": "--surrogate", "stop": "--stop", "scale": "--grad-scale",
    "clip": "--grad-clip", "mask": "--grad-mask",
}  # fmt: skip
_EXAMPLES = {"grad": "1", "surrogate": "straight-through", "scale": "-1", "clip": "-1:1"}
_PRESET = re.compile(r"\s*([A-Za-z][\w-]*)\s*(\(.*\))?\s*", re.S)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Text by argument; the same argument may stand in several of the fields.

    Attributes:
        grad: formulas in place of the derivative.
        surrogate: presets in place of the derivative.
        scale: factors.
        clip: bounds, LOW:HIGH.
        stop: arguments without a gradient.
        mask: conditions, all of which have to hold.
    """

    grad: Pairs = ()
    surrogate: Pairs = ()
    scale: Pairs = ()
    clip: Pairs = ()
    stop: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()

    def options(self) -> dict[str, Any]:
        """Those that are given, as keyword arguments of `generate`."""
        given = {
            "grad": dict(self.grad),
            "surrogate": dict(self.surrogate),
            "stop": self.stop,
            "grad_scale": dict(self.scale),
            "grad_clip": dict(self.clip),
            "grad_mask": self.mask,
        }
        return {option: value for option, value in given.items() if value}


NONE = Wishes()
Respell = Callable[[str], str]


def pairs(kind: str, words: Iterable[str]) -> Pairs:
    """The words ARGUMENT=TEXT of an option, split.

    Raises:
        OptionError: a word has no "=", or an argument is named twice.
    """
    what = {"grad": "FORMULA", "surrogate": "NAME", "scale": "FACTOR", "clip": "LOW:HIGH"}[kind]
    option = _OPTIONS[kind]
    return assignments(
        option, words, f"ARGUMENT={what}", lambda word: f"{option} x={word.strip() or _EXAMPLES[kind]}"
    )


def assignments(option: str, words: Iterable[str], what: str, example: Callable[[str], str]) -> Pairs:
    """The words NAME=TEXT of any option, split.

    Args:
        option: the option.
        words: what it was given.
        what: what it takes.
        example: what to write in place of a word that has no "=".

    Raises:
        OptionError: a word has no "=", or a name is given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, sign, text = (part.strip() for part in word.partition("="))
        if not sign:
            raise OptionError(f"{option} takes {what}, not '{word}'", hint=f"write {example(word)}")
        if name in found:
            raise OptionError(f"{option} is given twice for '{name}'", hint="give it once")
        found[name] = text
    return tuple(found.items())


def worded(
    *,
    grad: Iterable[str] = (),
    surrogate: Iterable[str] = (),
    scale: Iterable[str] = (),
    clip: Iterable[str] = (),
    stop: Iterable[str] = (),
    mask: Iterable[str] = (),
) -> Wishes:
    """What the words of the command's options ask for.

    Raises:
        OptionError: a word has no "=", or an argument is named twice.
    """
    return Wishes(
        grad=pairs("grad", grad),
        surrogate=pairs("surrogate", surrogate),
        scale=pairs("scale", scale),
        clip=pairs("clip", clip),
        stop=tuple(a for names in stop for a in split_names(names)),
        mask=tuple(mask),
    )


def read(
    wishes: Wishes,
    outputs: Sequence[Expr],
    order: Sequence[str],
    rename: Callable[[Expr], Expr],
    respell: Respell,
) -> Meant | None:
    """The gradient that is meant; None where nothing is wished for.

    Args:
        wishes: the text.
        outputs: the formulas of the value.
        order: the arguments, as the user calls them.
        rename: gives a formula the arguments' names in the module.
        respell: does the same to text.

    Raises:
        ParseError: a formula or condition is not in the language; says where.
        OptionError: an argument is unknown, or two wishes contradict each other.
    """
    if wishes == NONE:
        return None
    _known(wishes, order)
    _consistent(wishes)
    columns: dict[str, tuple[Expr, ...]] = {a: (num(0),) * len(outputs) for a in wishes.stop}
    for a, text in wishes.grad:
        columns[a] = _formulas(text, a, len(outputs), order)
    for a, text in wishes.surrogate:
        columns[a] = (_surrogate(text, a, len(outputs), order)[0],)
    factors = {a: _one("scale", text, a, order) for a, text in wishes.scale}
    clips = {a: _bounds(text, a) for a, text in wishes.clip}
    mask = _mask(wishes.mask, order)
    return Meant(
        formulas=tuple(
            tuple(rename(columns[a][i]) if a in columns else None for a in order) for i in range(len(outputs))
        ),
        factors=tuple(rename(factors[a]) if a in factors else None for a in order),
        mask=None if mask is None else rename(mask),
        clips=tuple(clips.get(a) for a in order),
        stated=tuple(_sentences(wishes, len(outputs), order, clips, rename, respell)),
        words=tuple(_words(wishes, respell)),
    )


def _known(wishes: Wishes, order: Sequence[str]) -> None:
    for kind in ("grad", "surrogate", "scale", "clip", "stop"):
        given = getattr(wishes, kind)
        names = given if kind == "stop" else [a for a, _ in given]
        for name in names:
            if name not in order:
                near = nearest(name, tuple(order))
                hint = f"did you mean {near}?" if near else "name one of them, or add it with --args"
                among = f"'{name}' is not among the arguments ({', '.join(order)})"
                raise OptionError(f"{_OPTIONS[kind]}: {among}", hint=hint)
            if list(names).count(name) > 1:
                raise OptionError(f"{_OPTIONS[kind]} is given twice for '{name}'", hint="give it once")


def _consistent(wishes: Wishes) -> None:
    grad, surrogate = dict(wishes.grad), dict(wishes.surrogate)
    for a in grad:
        if a in surrogate:
            _contradict(f"--grad {a}={grad[a]}", f"--surrogate {a}={surrogate[a]}")
    for a in wishes.stop:
        for kind in ("grad", "surrogate", "scale", "clip"):
            text = dict(getattr(wishes, kind)).get(a)
            if text is not None:
                _contradict(f"--stop {a}", f"{_OPTIONS[kind]} {a}={text}")


def _contradict(one: str, other: str) -> None:
    raise OptionError(f"{one} and {other} contradict each other", hint="leave one of them out")


def _grammar(text: str, order: Sequence[str]) -> tuple[tuple[Expr, ...], bool]:
    grammar = Grammar(text, tuple(order))
    found = grammar.formula()
    if grammar.implied:
        raise ParseError("a Piecewise in a gradient needs a value for every case", text=text,
                         position=grammar.implied[0][1], hint="end it with (value, True)")  # fmt: skip
    return found


def _formulas(text: str, a: str, count: int, order: Sequence[str]) -> tuple[Expr, ...]:
    match = _PRESET.fullmatch(text)
    try:
        found, several = _grammar(text, order)
    except ParseError as error:
        if match and match[1] in BY_NAME and error.position is not None:
            hint = f"write --surrogate {a}={text.strip()}"
            raise ParseError(f"'{match[1]}' is the name of a preset, and --grad takes a formula", hint=hint,
                             text=text, position=text.index(match[1])) from None  # fmt: skip
        raise
    if len(found) != count or (several and count == 1):
        wanted = f"({', '.join(['...'] * count)})" if count > 1 else "one formula without a tuple"
        plural = "s" if count > 1 else ""
        message = f"the function has {count} output{plural}, and --grad {a}=... has {len(found)}"
        raise OptionError(message, hint=f"write --grad '{a}={wanted}'" if count > 1 else f"write {wanted}")
    return found


def _one(kind: str, text: str, a: str, order: Sequence[str]) -> Expr:
    found, several = _grammar(text, order)
    if several:
        raise OptionError(f"{_OPTIONS[kind]} {a}=... takes one formula, not a tuple",
                          hint=f"write {_OPTIONS[kind]} {a}={_EXAMPLES[kind]}")  # fmt: skip
    return found[0]


def _surrogate(text: str, a: str, count: int, order: Sequence[str]) -> tuple[Expr, Preset]:
    """The formula of a preset at its operand, and its row."""
    names = ", ".join(BY_NAME)
    match = _PRESET.fullmatch(text)
    if match is None or match[1] not in BY_NAME:
        near = nearest(match[1], tuple(BY_NAME)) if match else ""
        hint = f"did you mean {near}? " if near else ""
        hint += f"the presets are {names}; a formula goes to --grad {a}=..."
        raise OptionError(f"--surrogate {a}: there is no preset '{text}'", hint=hint)
    if count > 1:
        raise OptionError(f"--surrogate {a}: a preset is for one output, not {count}",
                          hint=f"write formulas: --grad '{a}=({', '.join(['...'] * count)})'")  # fmt: skip
    row = BY_NAME[match[1]]
    operands = _grammar(match[2], order)[0] if match[2] else (var(a),)
    if len(operands) > len(row.params):
        hint = f"write {row.name}({', '.join(row.params)})"
        raise OptionError(
            f"{row.name} takes at most {len(row.params)} operands, not {len(operands)}", hint=hint
        )
    params = [p.partition("=") for p in row.params]
    defaults = [_grammar(default, ())[0][0] for _, _, default in params[len(operands) :]]
    table = {var(p[0]): e for p, e in zip(params, (*operands, *defaults), strict=True)}
    definition = _grammar(row.formula, [p[0] for p in params])[0][0]
    try:
        return fill(definition, table), row
    except ConstantRefused as refused:
        raise OptionError(f"--surrogate {a}={text}: {refused}", hint="choose another parameter") from None


def _mask(texts: Sequence[str], order: Sequence[str]) -> Expr | None:
    """All conditions as one; None where there is none."""
    mask: Expr | None = None
    for text in texts:
        grammar = Grammar(text, tuple(order))
        condition = grammar.conditions()
        if condition.op in ("true", "false"):
            raise OptionError(f"--grad-mask: '{text}' is {condition.op} everywhere",
                              hint="leave it out, or stop an argument with --stop")  # fmt: skip
        mask = condition if mask is None else logic("and", mask, condition)
    return mask


def _bounds(text: str, a: str) -> Clip:
    """The bounds LOW:HIGH, constants around zero."""
    low, sign, high = text.partition(":")
    if not sign:
        raise OptionError(f"--grad-clip takes ARGUMENT=LOW:HIGH, not '{a}={text}'",
                          hint=f"write --grad-clip {a}=-1:1")  # fmt: skip
    bounds = _bound(low, -math.inf), _bound(high, math.inf)
    shown = f"--grad-clip {a}={text}"
    if bounds == (-math.inf, math.inf):
        raise OptionError(f"{shown} has no bound", hint=f"write --grad-clip {a}=-1:1")
    if bounds[0] > bounds[1]:
        hint = f"write --grad-clip {a}={high.strip()}:{low.strip()}"
        raise OptionError(f"{shown}: the lower bound comes first", hint=hint)
    if bounds[0] == bounds[1] == 0:
        raise OptionError(f"{shown} leaves no gradient to {a}", hint=f"write --stop {a}")
    if not bounds[0] <= 0 <= bounds[1]:
        message = f"{shown}: the bounds have to hold 0, so that a cotangent of zero stays zero"
        raise OptionError(message, hint=f"write --grad-clip {a}=-1:1, or scale with --grad-scale")
    return bounds


def _bound(text: str, missing: float) -> float:
    if not text.strip():
        return missing
    found, several = Grammar(text, None).formula()
    value = None if several else constant(found[0])
    if value is None or not math.isfinite(value):
        raise InputError(f"a bound of --grad-clip is a constant, not {text.strip()}", hint="write x=-1:1")
    return value


def _sentences(
    wishes: Wishes,
    count: int,
    order: Sequence[str],
    clips: Mapping[str, Clip],
    rename: Callable[[Expr], Expr],
    respell: Respell,
) -> Iterable[str]:
    grad, surrogate, scale = dict(wishes.grad), dict(wishes.surrogate), dict(wishes.scale)
    for a in order:
        name, what = respell(a), ""
        if a in wishes.stop:
            yield f"No gradient flows to {name}."
            continue
        if a in grad:
            what = respell(" ".join(grad[a].split()))
        elif a in surrogate:
            formula, row = _surrogate(surrogate[a], a, count, order)
            what = f"{show(rename(formula))} ({row.name}; {row.source})"
        if a in scale:
            what = f"{respell(scale[a])} times {what or 'the derivative'}"
        if what:
            yield f"The gradient to {name} is {what}."
    if wishes.mask:
        yield f"It is 0 except where {' and '.join(map(respell, wishes.mask))}."
    for a in order:
        if a in clips:
            low, high = clips[a]
            inside = (
                f"between {low:g} and {high:g}"
                if math.isfinite(low + high)
                else (f"at least {low:g}" if math.isfinite(low) else f"at most {high:g}")
            )
            yield f"The cotangent of {respell(a)} is clipped, so that it is {inside}."


def _words(wishes: Wishes, respell: Respell) -> Iterable[tuple[str, str]]:
    for field in fields(wishes):
        for given in getattr(wishes, field.name):
            text = respell(given) if isinstance(given, str) else f"{respell(given[0])}={respell(given[1])}"
            yield _OPTIONS[field.name], text
