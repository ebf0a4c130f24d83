"""From the user's text to a `Spec`: the formula, its arguments, its assumptions, its names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vjpgen.constants import too_large
from vjpgen.errors import InputError, NameRefused, ParseError
from vjpgen.expr import Expr, rebuild, show, var, variables, walk
from vjpgen.functions import TRUE
from vjpgen.grammar import Grammar
from vjpgen.names import argument_names, function_name, split_names
from vjpgen.passing import NOTHING, Passing, ordered
from vjpgen.passing import notes as told
from vjpgen.passing import read as read_signature
from vjpgen.spec import Spec
from vjpgen.tokens import MAX_TEXT, tokens
from vjpgen.wishes import NONE, Wishes, read

MAX_DEPTH = 250
MAX_SIZE = 20_000
MAX_ARGS = 32


def parse(
    text: str,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: Sequence[str] = (),
    wishes: Wishes = NONE,
    passing: Passing = NOTHING,
) -> Spec:
    """The function a user describes.

    Args:
        text: the formula, in the language of `language`; in parentheses with commas, several outputs.
        name: the function's name; None for the default.
        args: its arguments in order; None for those of the formula, as they first appear.
        assume: conditions that every input satisfies.
        wishes: what the gradient is to be, where it is not the derivative.
        passing: how the function is called; arguments with a default come last.

    Raises:
        ParseError: the text is not in the language; says where.
        NameRefused: a name cannot stand in a Python module.
        OptionError: what is asked for contradicts itself, or names what is no argument.
    """
    short(text, "formula")
    for wish in (
        *wishes.mask,
        *(t for pairs in (wishes.grad, wishes.surrogate, wishes.scale) for _, t in pairs),
    ):
        short(wish, "gradient")
    for _, default in passing.defaults:
        short(default, "default")
    given = None if args is None else _arguments(args)
    grammar = Grammar(text, given)
    outputs, several = grammar.formula()
    order = ordered(passing, given if given is not None else _in_order(grammar), given=given is not None)
    if not order:
        hint = "name the arguments of a constant function: --args x"
        raise InputError(
            "the formula has no argument, so it has no gradient", text=text, position=0, hint=hint
        )
    implied = [e for e, _ in grammar.implied]
    stated = [part for a in assume for part in _parts(parse_condition(a, order))]
    conditions = dict.fromkeys(implied + stated)
    bounded(text, *outputs, *conditions)
    implied_too = bool(grammar.implied)
    stated_as = tuple(conditions), tuple(assume), implied_too
    return _spec(text, name, order, outputs, several, *stated_as, wishes, passing)


def parse_condition(text: str, args: Sequence[str]) -> Expr:
    """A condition over `args`: relations joined by `&`, `and`, `|`, `or`, commas, chained ones too.

    Raises:
        ParseError: the text is no condition, or names something that is not an argument.
    """
    short(text, "condition")
    grammar = Grammar(text, tuple(args))
    condition = grammar.conditions()
    if grammar.implied:
        hint = "end it with (value, True)"
        raise ParseError("a Piecewise in a condition needs a value for every case", text=text,
                         position=grammar.implied[0][1], hint=hint)  # fmt: skip
    return condition


def short(text: str, what: str) -> None:
    if len(text) > MAX_TEXT:
        hint = "generate several smaller functions"
        raise InputError(f"the {what} has {len(text)} characters; the limit is {MAX_TEXT}", hint=hint)


def _arguments(args: Sequence[str]) -> tuple[str, ...]:
    """The arguments as given, checked before the formula is read, so that the first error is the nearest."""
    names = split_names(args) if isinstance(args, str) else tuple(args)
    argument_names(names, "")
    return names


def _in_order(grammar: Grammar) -> tuple[str, ...]:
    for name, position in grammar.first.items():
        if name in grammar.called:
            raise ParseError(f"'{name}' is an argument here and a function elsewhere", text=grammar.text,
                             position=position, hint="give the argument another name")  # fmt: skip
    return tuple(grammar.first)


def _parts(condition: Expr) -> Iterator[Expr]:
    """The conditions that a conjunction joins, in order; none for one that always holds."""
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if part.op == "and":
            waiting.extend(reversed(part.args))
        elif part is not TRUE:
            yield part


def bounded(text: str, *roots: Expr) -> None:
    """Refuses what is too large to work on, before any work."""
    depth: dict[Expr, int] = {}
    for e in walk(*roots):
        depth[e] = 1 + max((depth[a] for a in e.args), default=0)
        if e.size > MAX_SIZE:
            raise InputError(f"written out, the formula has more than {MAX_SIZE} operations",
                             hint="generate several smaller functions")  # fmt: skip
        if depth[e] > MAX_DEPTH:
            raise InputError(f"the formula is more than {MAX_DEPTH} operations deep",
                             hint="generate several smaller functions")  # fmt: skip
    constant = too_large(*roots)
    if constant is not None:
        raise InputError(f"the constant {show(constant)} lies outside the range of float64", text=text)


def _spec(
    text: str,
    name: str | None,
    order: tuple[str, ...],
    outputs: tuple[Expr, ...],
    several: bool,
    conditions: tuple[Expr, ...],
    assume: tuple[str, ...],
    implied: bool,
    wishes: Wishes,
    passing: Passing,
) -> Spec:
    if len(order) > MAX_ARGS:
        raise NameRefused(f"the function has {len(order)} arguments; the limit is {MAX_ARGS}")
    function, notes = function_name(name, order)
    table, renamed = argument_names(order, function)
    used = variables(*outputs)
    notes += renamed
    meant = read(wishes, outputs, order, lambda e: _renamed(e, table), lambda t: _respelled(t, table))
    if meant is not None:
        bounded(text, *meant.exprs())
    signature = read_signature(passing, outputs, conditions, wishes, table)
    notes += tuple(told(signature))
    idle = [a for j, a in enumerate(order) if a not in used and not (meant and meant.formulas[0][j])]
    notes += tuple(f"the formula does not use {a}: its partial is zero" for a in idle)
    if implied:
        notes += ("where no condition of a Piecewise holds there is no value: that one holds is assumed",)
    return Spec(
        name=function,
        args=tuple(table[a] for a in order),
        outputs=tuple(_renamed(e, table) for e in outputs),
        several=several or bool(signature.keys),
        assume=tuple(_renamed(e, table) for e in conditions),
        text=_respelled(text.strip(), table),
        assume_text=tuple(_respelled(a.strip(), table) for a in assume),
        notes=notes,
        meant=meant,
        signature=signature,
    )


def _respelled(text: str, table: dict[str, str]) -> str:
    """The text with the arguments' new names, so that it still describes the module."""
    for token in reversed(tokens(text)):
        if token.kind == "name" and table.get(token.text, token.text) != token.text:
            text = text[: token.position] + table[token.text] + text[token.position + len(token.text) :]
    return text


def _renamed(e: Expr, table: dict[str, str]) -> Expr:
    return rebuild(e, lambda x: var(table[str(x.value)]) if x.op == "var" else None)
