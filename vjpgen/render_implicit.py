"""A function that an equation defines as the text of a Python module."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vjpgen import __version__
from vjpgen.doc import escape, one_line, readable, wrapped
from vjpgen.double_word import lower_words
from vjpgen.expr import Expr, variables
from vjpgen.implicit import Bound, Implicit
from vjpgen.lowering import lower
from vjpgen.module_names import module_names
from vjpgen.naming import Names
from vjpgen.printer import constant_value, is_constant
from vjpgen.render import body, decorators_first, helpers_in, standard_imports, with_callees
from vjpgen.statements import constant, cotangents_type, product, returned, unpack, without_unused, words
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
    arrays = f"tuple[{', '.join(['Array'] * len(spec.args))}]"
    return templates.lay_out(
        templates.render(
            "implicit.py.j2",
            header=_header(spec, command),
            standard=standard_imports("\n".join((code, *helpers))),
            name=spec.name,
            signature=", ".join(f"{a}: ArrayLike" for a in spec.args),
            arguments=", ".join(spec.args),
            documentation=textwrap.indent(escape(documentation(solved)), "    ").lstrip(),
            residuals_type=builder.residuals_type(),
            cotangents_type=cotangents_type(builder.cotangents()),
            tangents_type=arrays,
            primals_type=arrays.replace("Array", "ArrayLike"),
            parameters=", ".join(f"{p}: Array" for p in spec.variables),
            partials_type=f"tuple[{', '.join(['Array'] * len(builder.varying))}]"
            if len(builder.varying) > 1
            else "Array",
            pairs=", ".join(f"{p}: Pair" for p in spec.variables),
            direction="rises through it" if solved.rising else "rises through it, the sign changed",
            slopes=words([spec.unknown, *(spec.args[j] for j in builder.varying)]),
            helpers=helpers,
            **functions,
        )
    )


class _Builder:
    """The functions of one module, statement by statement."""

    def __init__(self, solved: Solved) -> None:
        self.solved, self.spec = solved, solved.spec
        self.args, self.unknown = self.spec.args, self.spec.unknown
        own = (f"_{self.spec.name}_{part}" for part in ("value", "equation", "partials", "words"))
        reserved = (*module_names(self.spec.name), *own, "np")
        self.names = Names((*reserved, *self.spec.variables))
        self.varying = [j for j, e in enumerate(solved.slopes) if e.op != "num" or e.value != 0]
        self.like = False
        self.slots = [self.names.new(f"partial_{self.args[j]}") for j in self.varying]

    def factors(self) -> list[str]:
        held = dict(zip(self.varying, self.slots, strict=True))
        return [held.get(j, "0.0") for j in range(len(self.args))]

    def residuals_type(self) -> str:
        kind = "ArrayLike" if len(self.args) == 1 else "Array"
        return f"tuple[{', '.join([*[kind] * len(self.args), 'Array'])}]"

    def fwd(self) -> tuple[str, ...]:
        kept = [f"jnp.asarray({a})" if len(self.args) > 1 else a for a in self.args]
        call = f"{self.unknown} = {self.spec.name}_jvp({', '.join(self.args)})"
        return call, f"return {self.unknown}, {unpack([*kept, self.unknown], always=True)}"

    def bwd(self) -> tuple[str, ...]:
        lines = [f"{unpack(self.spec.variables)} = residuals", *self._call("cotangent")]
        return without_unused(self.names.copy(), (*lines, f"return {unpack(self.cotangents(), always=True)}"))

    def cotangents(self) -> list[str]:
        """The source of the cotangent of each argument."""
        return [self._pulled(f, a) for a, f in zip(self.args, self.factors(), strict=True)]

    def _pulled(self, factor: str, like: str) -> str:
        text = product(factor, "cotangent")
        if len(self.args) == 1:
            return f"_cast({text}, cotangent.dtype)" if text else "jnp.zeros_like(cotangent)"
        return f"_unbroadcast({text}, {like})" if text else "None"

    def rule(self) -> tuple[str, ...]:
        names = self.names.copy()
        dots = [names.new(f"{a}_dot") for a in self.args]
        lines = [f"{unpack(self.args, True)}, {unpack(dots, True)} = primals, tangents"]
        lines.append(f"{self.unknown} = {self.spec.name}_jvp({', '.join(self.args)})")
        lines += self._call(f"{self.unknown}")
        terms = [f"({f}, {d})" for f, d in zip(self.factors(), dots, strict=True) if f != "0.0"]
        last = f"return {self.unknown}, _tangent({', '.join([self.unknown, *terms])})"
        return without_unused(names, (*lines, last))

    def _call(self, like: str) -> list[str]:
        given = f"*_widen({like}.dtype, {', '.join(self.spec.variables)})"
        return [f"{', '.join(self.slots)} = _{self.spec.name}_partials({given})"] if self.slots else []

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


def _header(spec: Implicit, command: str) -> str:
    made = f"Generated by vjpgen {__version__}; do not edit. To generate it again:"
    return escape(
        f"{wrapped(f'{spec.title}, with its derivative rules.', '    ')}\n\n{made}\n\n    {one_line(command)}"
    )


def documentation(solved: Solved) -> str:
    """The function's docstring, without quotes and unindented."""
    spec = solved.spec
    parts = [wrapped(spec.title, "    ")]
    where = sought(spec)
    parts.append(wrapped(f"{spec.unknown} is sought {where}.", ""))
    computed = [("zero", solved.residual), (f"d/d{spec.unknown}", solved.slope)]
    computed += [(f"d/d{a}", e) for a, e in zip(spec.args, solved.slopes, strict=True)]
    width = max(len(n) for n, _ in computed)
    table = [wrapped(f"    {n:{width}}  {one_line(readable(e))}", " " * (width + 10)) for n, e in computed]
    parts.append("\n".join(["Computed as:", *table]))
    if solved.accuracy:
        lines = [wrapped(f"    {line}", "        ") for line in solved.accuracy]
        parts.append("\n".join(["Measured:", *lines]))
    parts.append(wrapped(f"Kept for the backward pass: {kept(spec)}.", ""))
    parts += [wrapped(f"Assumes {', '.join(spec.assume_text)}.", "")] if spec.assume_text else []
    return "\n\n".join(parts)


def kept(spec: Implicit) -> str:
    """What is kept between the passes, in words."""
    return f"the input{'s' if len(spec.args) > 1 else ''} {words(spec.args)} and the output {spec.unknown}"


def sought(spec: Implicit) -> str:
    """The range of the solution, in words."""
    low, high = spec.low, spec.high
    ends = [f"{'above' if low.strict else 'from'} {readable(low.at)}"] if low else []
    ends += [f"{'below' if high.strict else 'up to'} {readable(high.at)}"] if high else []
    return " and ".join(ends) or "among all floats"
