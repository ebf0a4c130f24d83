"""Functions outside JAX with gradients by formula: what a user asks for, from text to `External`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vjpgen.dotted import Dotted, dotted
from vjpgen.errors import NameRefused, OptionError, ParseError
from vjpgen.expr import Expr, num, var, variables, walk
from vjpgen.grammar import Grammar
from vjpgen.names import argument_names, function_name, split_names
from vjpgen.parse import MAX_ARGS, bounded, parse_condition, short
from vjpgen.reader import Value
from vjpgen.tokens import Token
from vjpgen.unknown import nearest

ZERO, DIFFERENCE, COMPLEX_STEP, FORMULA = "zero", "difference", "complex-step", "formula"
WAYS = (ZERO, DIFFERENCE, COMPLEX_STEP)
CALL_DTYPES = ("float64", "float32", "same")
Pairs = Sequence[tuple[str, str]]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function outside JAX within the gradient.

    Attributes:
        result: the variable that stands for its result.
        callee: what the formula calls the function; the function itself in a difference or complex step.
        operands: formulas over the arguments, the output and the results of earlier calls.
        way: "formula" for the value there, or how the slope is found.
        along: for a slope, the argument along which.
    """

    result: str
    callee: str
    operands: tuple[Expr, ...]
    way: str = FORMULA
    along: int = 0


@dataclass(frozen=True, slots=True)
class Partial:
    """The gradient to one argument.

    Attributes:
        way: "formula", or one of `WAYS`.
        expr: over the arguments, the output and the results of calls.
        text: the formula as the user wrote it; empty for the other ways.
    """

    way: str
    expr: Expr
    text: str = ""


@dataclass(frozen=True, slots=True)
class External:
    """One function outside JAX to be wrapped.

    Attributes:
        name: name of the generated function.
        args: names of its arguments in order.
        target: the function itself.
        also: other functions that gradients call, by the name under which they do.
        output: what gradients call the value.
        partials: the gradient to each argument.
        calls: the calls in gradients, operands before the calls that use them.
        assume, assume_text: conditions that hold of every input, and as the user wrote them.
        elementwise: whether the function takes single numbers, not arrays.
        call_dtype: one of `CALL_DTYPES`, what the function gets.
        notes: remarks for the user.
        searched: positions of arguments whose formula is what a search found for the one that was given.
        anchors: ordinary points, a number for each argument, at which what was searched is defined.
    """

    name: str
    args: tuple[str, ...]
    target: Dotted
    also: tuple[tuple[str, Dotted], ...]
    output: str
    partials: tuple[Partial, ...]
    calls: tuple[Call, ...]
    assume: tuple[Expr, ...]
    assume_text: tuple[str, ...]
    elementwise: bool
    call_dtype: str
    notes: tuple[str, ...]
    searched: frozenset[int] = frozenset()
    anchors: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        known = {*self.args, self.output, *(c.result for c in self.calls)}
        free = set(variables(*(p.expr for p in self.partials), *self.operands)) - known
        if free:
            raise ValueError(f"free variables: {sorted(free)}")

    @property
    def operands(self) -> tuple[Expr, ...]:
        """The operands of every call."""
        return tuple(o for c in self.calls for o in c.operands)

    @property
    def used(self) -> frozenset[str]:
        """The arguments, and the output, that the gradient is computed from."""
        return frozenset(variables(*(p.expr for p in self.partials), *self.operands))

    @property
    def twice(self) -> bool:
        """Whether the gradient has derivatives itself: it calls nothing but the function."""
        return all(c.way == FORMULA and c.callee == self.target.last for c in self.calls)

    @property
    def words(self) -> tuple[str, ...]:
        """The options that ask for the same again, but for the files."""
        found = ["--external", str(self.target), "--name", self.name, "--args", ",".join(self.args)]
        for a, p in zip(self.args, self.partials, strict=True):
            option = {FORMULA: ["--grad", f"{a}={p.text}"], ZERO: ["--stop", a]}
            found += option.get(p.way, ["--missing", f"{a}={p.way}"])
        for alias, name in self.also:
            found += ["--also", f"{alias}={name}"]
        for text in self.assume_text:
            found += ["--assume", text]
        found += ["--elementwise"] if self.elementwise else []
        return (*found, *(["--call-dtype", self.call_dtype] if self.call_dtype != "float64" else []))


def read(
    target: str,
    *,
    name: str | None = None,
    args: Sequence[str] | None = None,
    assume: Sequence[str] = (),
    grad: Pairs = (),
    also: Pairs = (),
    stop: Sequence[str] = (),
    missing: Pairs = (),
    elementwise: bool = False,
    call_dtype: str = "float64",
) -> External:
    """What a user asks for, checked; nothing is imported.

    Args:
        target: `MODULE:NAME` of the function.
        name: the generated function's name; None for that of the function.
        args: its arguments in order.
        assume: conditions that every input satisfies.
        grad: by argument, a formula over the arguments and the output, which may call the function by its
            name and the functions of `also` by theirs.
        also: by the name that formulas use, `MODULE:NAME` of another function.
        stop: arguments to which no gradient flows.
        missing: by argument, one of `WAYS`.
        elementwise: whether the function takes single numbers.
        call_dtype: one of `CALL_DTYPES`.

    Raises:
        ParseError: a formula or condition is not in the language; says where.
        OptionError: options do not fit each other, or the gradient to an argument is missing.
    """
    called = dotted(target, "--external")
    order = _arguments(args)
    function, notes = function_name(called.last if name is None else name, order)
    _as_given(order, function)
    helpers = _helpers(also, order, called)
    ways = _ways(order, dict(grad), tuple(dict.fromkeys(stop)), dict(missing))
    if call_dtype not in CALL_DTYPES:
        raise OptionError(f"--call-dtype is one of {', '.join(CALL_DTYPES)}, not '{call_dtype}'")
    if call_dtype != "float64" and {DIFFERENCE, COMPLEX_STEP} & set(ways.values()):
        hint = "leave --call-dtype out, or give the gradient as a formula"
        raise OptionError("slopes are taken in float64, and --call-dtype is another", hint=hint)
    output = next(n for n in ("y", "z", "w", "value", *_numbered()) if n not in order)
    reading = _Reading(order, output, {called.last: len(order), **dict.fromkeys(helpers)})
    partials = tuple(reading.partial(j, ways[a], dict(grad).get(a, "")) for j, a in enumerate(order))
    used = {c.callee for c in reading.calls}
    idle = [alias for alias in helpers if alias not in used]
    return External(
        name=function,
        args=order,
        target=called,
        also=tuple((alias, found) for alias, found in helpers.items() if alias in used),
        output=output,
        partials=partials,
        calls=tuple(reading.calls),
        assume=tuple(parse_condition(text, order) for text in assume),
        assume_text=tuple(text.strip() for text in assume),
        elementwise=elementwise,
        call_dtype=call_dtype,
        notes=(*notes, *(f"no gradient calls {alias}" for alias in idle)),
    )


def _numbered() -> tuple[str, ...]:
    return tuple(f"value_{k}" for k in range(MAX_ARGS))


def _arguments(args: Sequence[str] | None) -> tuple[str, ...]:
    if args is None:
        hint = "write --args x,y"
        raise OptionError("a function outside JAX does not tell its arguments: --args is missing", hint=hint)
    order = split_names(args) if isinstance(args, str) else tuple(args)
    if len(order) > MAX_ARGS:
        raise NameRefused(f"the function has {len(order)} arguments; the limit is {MAX_ARGS}")
    return order


def _as_given(order: tuple[str, ...], function: str) -> None:
    """Refuses an argument that would have to be renamed."""
    table, reasons = argument_names(order, function)
    for a, reason in zip([a for a in order if table[a] != a], reasons, strict=True):
        why = reason.partition(", because ")[2]
        raise NameRefused(f"'{a}' cannot be an argument here: {why}", hint=f"write {table[a]}")


def _helpers(also: Pairs, order: Sequence[str], called: Dotted) -> dict[str, Dotted]:
    found: dict[str, Dotted] = {}
    for alias, text in also:
        if not _NAME.fullmatch(alias) or keyword.iskeyword(alias) or alias.startswith("__"):
            raise OptionError(f"--also takes NAME=MODULE:FUNCTION, and '{alias}' is no name", hint=_ALSO)
        if alias in order:
            hint = "give the function another name in the formula: --also g=..."
            raise OptionError(f"--also {alias}: '{alias}' is an argument", hint=hint)
        if alias == called.last:
            hint = f"give the function another name in the formula: --also {alias}_2={text}"
            raise OptionError(f"--also {alias}: '{alias}' is {called} itself", hint=hint)
        found[alias] = dotted(text, f"--also {alias}:")
    return found


_ALSO = "write --also jve=scipy.special:jve"


def _ways(
    order: Sequence[str], grad: Mapping[str, str], stop: Sequence[str], missing: Mapping[str, str]
) -> dict[str, str]:
    """How the gradient to each argument is found."""
    found: dict[str, str] = {}
    stated = [("--grad", a, f"{a}={t}", FORMULA) for a, t in grad.items()]
    stated += [("--stop", a, a, ZERO) for a in stop]
    stated += [("--missing", a, f"{a}={way}", way) for a, way in missing.items()]
    said: dict[str, str] = {}
    for option, a, text, way in stated:
        if a not in order:
            near = nearest(a, tuple(order))
            hint = f"did you mean {near}?" if near else "name one of them, or add it to --args"
            raise OptionError(f"{option}: '{a}' is not among the arguments ({', '.join(order)})", hint=hint)
        if way not in (*WAYS, FORMULA) or (option == "--missing" and way == FORMULA):
            hint = f"write --missing {a}={nearest(way, WAYS) or DIFFERENCE}"
            raise OptionError(f"{option} {a} is one of {', '.join(WAYS)}, not '{way}'", hint=hint)
        if a in found:
            message = f"{said[a]} and {option} {text} contradict each other"
            raise OptionError(message, hint="leave one of them out")
        found[a], said[a] = way, f"{option} {text}"
    lacking = [a for a in order if a not in found]
    if lacking:
        a = lacking[0]
        ways = f"--missing {a}={DIFFERENCE} or --missing {a}={COMPLEX_STEP} to compute it"
        raise OptionError(
            f"no gradient is given to {' and '.join(lacking)}, and it does not follow from the function",
            hint=f"write --grad '{a}=FORMULA', --stop {a} for none, {ways}",
        )
    return found


class _Reading:
    """Gradients being read, with the calls that are met on the way."""

    def __init__(self, order: tuple[str, ...], output: str, outside: Mapping[str, int | None]) -> None:
        self.order, self.output, self.outside = order, output, outside
        self.calls: list[Call] = []

    def partial(self, j: int, way: str, text: str) -> Partial:
        if way == ZERO:
            return Partial(way, num(0))
        if way != FORMULA:
            target = next(iter(self.outside))
            return Partial(way, self.call(target, tuple(map(var, self.order)), way, j))
        a = self.order[j]
        short(text, "gradient")
        grammar = _Gradient(text, (*self.order, self.output))
        grammar.reading = self
        found, several = grammar.formula()
        if several:
            raise OptionError(f"--grad {a}=... takes one formula, not a tuple",
                              hint="a function outside JAX has one output here")  # fmt: skip
        if grammar.implied:
            raise ParseError("a Piecewise in a gradient needs a value for every case", text=text,
                             position=grammar.implied[0][1], hint="end it with (value, True)")  # fmt: skip
        bounded(text, *found, *(o for c in self.calls for o in c.operands))
        return Partial(way, found[0], " ".join(text.split()))

    def call(self, callee: str, operands: tuple[Expr, ...], way: str = FORMULA, along: int = 0) -> Expr:
        """The variable that stands for a call; the same call is one variable."""
        for known in self.calls:
            if (known.callee, known.operands, known.way, known.along) == (callee, operands, way, along):
                return var(known.result)
        self.calls.append(Call(f"call {len(self.calls)}", callee, operands, way, along))
        return var(self.calls[-1].result)


class _Gradient(Grammar):
    """A gradient formula: the language, and before it the functions that were named by an option."""

    reading: _Reading | None = None

    def _call(self, token: Token) -> Expr:
        if self.reading is None or token.text not in self.reading.outside:
            return super()._call(token)
        opened = self.next()
        values, starts = self._operands(token, opened)
        wanted = self.reading.outside[token.text]
        if wanted is not None and len(values) != wanted:
            plural = "s" if wanted > 1 else ""
            hint = f"write {token.text}({', '.join(self.reading.order)})"
            self.refuse(f"{token.text} takes {wanted} argument{plural}, not {len(values)}", token, hint)
        if not values:
            self.refuse(f"{token.text} takes at least one argument", token)
        return self.reading.call(token.text, self._numbers(values, starts))

    def _numbers(self, values: Sequence[Value], starts: Sequence[Token]) -> tuple[Expr, ...]:
        return tuple(self.number(v, at) for v, at in zip(values, starts, strict=True))


def formulas_without_calls(spec: External) -> tuple[int, ...]:
    """The arguments whose gradient is a formula over the arguments alone, to be searched like a value."""
    found = []
    for j, p in enumerate(spec.partials):
        free = variables(p.expr)
        if p.way == FORMULA and free and set(free) <= set(spec.args) and any(e.args for e in walk(p.expr)):
            found.append(j)
    return tuple(found)
