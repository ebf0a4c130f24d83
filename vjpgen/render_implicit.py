"""A function that an equation defines as the text of a Python module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vjpgen.doc import closing, heading, readable, table, wrapped
from vjpgen.double_word import lower_words
from vjpgen.expr import Expr, variables
from vjpgen.floats import constant_value
from vjpgen.implicit import Bound, Implicit
from vjpgen.lowering import lower
from vjpgen.module_names import module_names
from vjpgen.naming import Names
from vjpgen.printer import is_constant
from vjpgen.render import body, decorators_first, helpers_in, standard_imports, with_callees
from vjpgen.rule_text import RuleText
from vjpgen.statements import constant, returned, unpack, words
from vjpgen.templating import Templates
from vjpgen.tidy import tidy


@dataclass(frozen=True, slots=True)
class Solved:
    """An equation in the forms in which it is computed.

    Attributes:
        spec: what was asked for.
        left, right: the sides of the equation.
        slope: its derivative by the unknown.
        slopes: its derivative by each argument.
        rising: whether the residual rises through zero.
        anchors: ordinary points, a number for each argument and the unknown.
        accuracy: measured figures, in sentences.
    """

    spec: Implicit
    left: Expr
    right: Expr
    slope: Expr
    slopes: tuple[Expr, ...]
    rising: bool
    anchors: tuple[tuple[float, ...], ...]
    accuracy: tuple[str, ...] = ()

    @property
    def residual(self) -> Expr:
        """What is zero at the solution."""
        return tidy(self.left - self.right)


def render_implicit(solved: Solved, command: str, folder: Path | None = None) -> str:
    """The module's source, formatted.

    Args:
        solved: what is computed.
        command: the command that generates the module again.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder, body=body)
    spec, builder = solved.spec, _Builder(solved)
    functions = {
        "fwd": builder.fwd(),
        "bwd": builder.bwd(),
        "rule": builder.rule(),
        "value": builder.value(),
        "equation": builder.equation(),
        "partials": builder.partials(),
        "words": builder.words(),
    }
    code = "\n".join(line for lines in functions.values() for line in lines)
    found = with_callees(templates, helpers_in(code), "_Like" if builder.like else "Array")
    helpers = decorators_first(found)
    return templates.lay_out(
        templates.render(
            "implicit.py.j2",
            header=heading(f"{spec.title}, with its derivative rules.", command),
            standard=standard_imports("\n".join((code, *helpers))),
            **builder.variables(documentation(solved)),
            parameters=", ".join(f"{p}: Array" for p in spec.variables),
            pairs=", ".join(f"{p}: Pair" for p in spec.variables),
            direction="rises through it" if solved.rising else "rises through it, the sign changed",
            slopes=words([spec.unknown, *(spec.args[j] for j in builder.varying)]),
            helpers=helpers,
            **functions,
        )
    )


class _Builder(RuleText):
    """The functions of one module, statement by statement."""

    def __init__(self, solved: Solved) -> None:
        self.solved, self.spec = solved, solved.spec
        self.name, self.args, self.parameters = self.spec.name, self.spec.args, self.spec.variables
        self.output = self.unknown = self.spec.unknown
        own = (f"_{self.spec.name}_{part}" for part in ("value", "equation", "partials", "words"))
        reserved = (*module_names(self.spec.name), *own, "np")
        self.names = Names((*reserved, *self.spec.variables))
        self.varying = [j for j, e in enumerate(solved.slopes) if e.op != "num" or e.value != 0]
        self.like = False
        self.slots = [self.names.new(f"partial_{self.args[j]}") for j in self.varying]

    def residuals_type(self) -> str:
        return f"tuple[{', '.join([*self.kinds(len(self.args)), 'Array'])}]"

    def fwd(self) -> tuple[str, ...]:
        call = f"{self.unknown} = {self.name}_jvp({', '.join(self.args)})"
        return call, f"return {self.unknown}, {unpack([*self.kept(self.args), self.unknown], always=True)}"

    def bwd(self) -> tuple[str, ...]:
        return self.pulled_back(self.parameters)

    def rule(self) -> tuple[str, ...]:
        return self.pushed_forward()

    def value(self) -> tuple[str, ...]:
        names, args = self.names.copy(), ", ".join(self.args)
        dtype, low, high, start = (names.new(n) for n in ("dtype", "low", "high", "start"))
        lines = [
            f"{dtype} = jnp.result_type({args}, float)",
            f"{unpack(self.args)} = jnp.broadcast_arrays(*_widen({dtype}, {args}))",
        ]
        lines += self._end(names, low, self.spec.low, upper=False)
        lines += self._end(names, high, self.spec.high, upper=True)
        guess = "None"
        if self.spec.guess is not None:
            block = lower([self.spec.guess], names, None)
            lines += [*block.lines, f"{start} = jnp.broadcast_to({block.results[0]}, {self.args[0]}.shape)"]
            guess = start
        name, unknown = self.spec.name, self.unknown
        pairs = ", ".join(f"({a}, jnp.zeros_like({a}))" for a in self.args)
        root = names.new(f"{unknown}_word")
        lines += [
            f"{unknown} = _bracketed(lambda {unknown}: _{name}_equation({args}, {unknown}),"
            f" {low}, {high}, {guess})",
            f"{root} = _refined(lambda {unknown}: _{name}_words({pairs}, {unknown}), {unknown})",
        ]
        return (*lines, f"return _cast(jnp.where(jnp.isnan({unknown}), jnp.nan, {root}[0]), {dtype})")

    def _end(self, names: Names, name: str, bound: Bound | None, *, upper: bool) -> list[str]:
        """The place beyond one end of the range, which is never tried itself."""
        first, lines = self.args[0], tuple[str, ...]()
        if bound is None:
            text = f"jnp.full_like({first}, {'' if upper else '-'}jnp.finfo({first}.dtype).max)"
        elif is_constant(bound.at):
            text = f"jnp.full_like({first}, {constant(bound.at)})"
        else:
            block = lower([bound.at], names, None)
            lines, text = block.lines, block.results[0]
        excluded = bound is not None and bound.strict and _single(bound.at)
        beyond = "" if excluded else " + 1" if upper else " - 1"
        return [*lines, f"{name} = _place({text}){beyond}"]

    def equation(self) -> tuple[str, ...]:
        names = self.names.copy()
        anchors = [dict(zip(self.spec.variables, a, strict=True)) for a in self.solved.anchors]
        forms = [self.solved.residual, self.solved.slope]
        if not self.solved.rising:
            forms = [-e for e in forms]
        block = lower(forms, names, anchors)
        like = self.unknown
        results = [
            text if variables(form) else f"jnp.full_like({like}, {text})"
            for form, text in zip(forms, block.results, strict=True)
        ]
        return (*block.lines, *returned(results, ["residual", "slope"]))

    def partials(self) -> tuple[str, ...]:
        if not self.slots:
            return ("return ()",)
        names = self.names.copy()
        word, low = names.new(f"{self.unknown}_word"), names.new(f"{self.unknown}_low")
        slope, others = names.new("slope"), [names.new(f"slope_{self.args[j]}") for j in self.varying]
        args = ", ".join(self.args)
        name, unknown = self.spec.name, self.unknown
        pairs, fixed = names.new("pairs"), names.new("fixed")
        lines = [
            f"{unpack(self.spec.variables)} = jnp.broadcast_arrays({args}, {unknown})",
            f"{pairs} = [(a, jnp.zeros_like(a)) for a in {unpack(self.args, always=True)}]",
            f"{fixed} = jax.lax.stop_gradient({pairs})",
            f"{word} = _refined(lambda {unknown}: _{name}_words(*{fixed}, {unknown}),"
            f" jax.lax.stop_gradient({unknown}))",
            f"{low} = jax.lax.stop_gradient(({word}[0] - {unknown}) + {word}[1])",
            f"_, _, {', '.join((slope, *others))} = _{name}_words(*{pairs}, _dw_sum({unknown}, {low}))",
        ]
        quotients = [f"-_dw_div({o}, {slope})[0]" for o in others]
        return (*lines, *returned(quotients, self.slots))

    def words(self) -> tuple[str, ...]:
        names = self.names.copy()
        forms = [
            self.solved.left,
            self.solved.right,
            self.solved.slope,
            *(self.solved.slopes[j] for j in self.varying),
        ]
        lines, results = lower_words(forms, names, self.unknown)
        return (*lines, f"return {unpack(results, always=True)}")


def _single(bound: Expr) -> bool:
    """Whether a bound is a float32 number, so that no solution beside it is rounded to it or beyond it."""
    return is_constant(bound) and float(np.float32(constant_value(bound))) == constant_value(bound)


def documentation(solved: Solved) -> str:
    """The function's docstring, without quotes and unindented."""
    spec = solved.spec
    parts = [wrapped(spec.title, "    ")]
    where = sought(spec)
    parts.append(wrapped(f"{spec.unknown} is sought {where}.", ""))
    computed = [("zero", solved.residual), (f"d/d{spec.unknown}", solved.slope)]
    computed += [(f"d/d{a}", e) for a, e in zip(spec.args, solved.slopes, strict=True)]
    parts.append(table("Computed as", [(n, readable(e)) for n, e in computed]))
    return "\n\n".join([*parts, *closing(solved.accuracy, kept(spec), spec.assume_text)])


def kept(spec: Implicit) -> str:
    """What is kept between the passes, in words."""
    return f"the input{'s' if len(spec.args) > 1 else ''} {words(spec.args)} and the output {spec.unknown}"


def sought(spec: Implicit) -> str:
    """The range of the solution, in words."""
    return range_of(spec.low, spec.high)


def range_of(low: Bound | None, high: Bound | None) -> str:
    """What two bounds leave, in words."""
    ends = [f"{'above' if low.strict else 'from'} {readable(low.at)}"] if low else []
    ends += [f"{'below' if high.strict else 'up to'} {readable(high.at)}"] if high else []
    return " and ".join(ends) or "among all floats"
