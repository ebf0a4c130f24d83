"""The solution of several equations as the text of a Python module."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vjpgen.doc import closing, escape, heading, readable, table, wrapped
from vjpgen.double_word import lower_words
from vjpgen.expr import Expr, num
from vjpgen.implicit import Bound
from vjpgen.lowering import lower
from vjpgen.module_names import module_names
from vjpgen.naming import Names
from vjpgen.printer import is_constant
from vjpgen.render import body, decorators_first, helpers_in, standard_imports, with_callees
from vjpgen.render_implicit import range_of
from vjpgen.statements import constant, total, unpack, words
from vjpgen.system import System
from vjpgen.templating import Templates


@dataclass(frozen=True, slots=True)
class SolvedSystem:
    """Equations in the forms in which they are computed.

    Attributes:
        spec: what was asked for.
        sides: of each equation.
        slopes: of the difference of the sides of each, by the unknowns, then by the arguments.
        starts: where the iteration starts, numbers for each unknown; none where the user says it.
        anchors: ordinary points, a number for each argument and unknown.
        accuracy: measured figures, in sentences.
    """

    spec: System
    sides: tuple[tuple[Expr, Expr], ...]
    slopes: tuple[tuple[Expr, ...], ...]
    starts: tuple[tuple[float, ...], ...]
    anchors: tuple[tuple[float, ...], ...]
    accuracy: tuple[str, ...] = ()

    @property
    def lefts(self) -> tuple[Expr, ...]:
        return tuple(left for left, _ in self.sides)

    @property
    def rights(self) -> tuple[Expr, ...]:
        return tuple(right for _, right in self.sides)

    @property
    def square(self) -> tuple[tuple[Expr, ...], ...]:
        """The slopes by the unknowns."""
        return tuple(row[: len(self.sides)] for row in self.slopes)


def render_system(solved: SolvedSystem, command: str, folder: Path | None = None) -> str:
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
        "equations": builder.equations(),
        "partials": builder.partials(),
        "words": builder.words(),
    }
    code = "\n".join(line for lines in functions.values() for line in lines)
    helpers = decorators_first(with_callees(templates, helpers_in(code), "Array"))
    arrays = [f"tuple[{', '.join([kind] * len(spec.args))}]" for kind in ("Array", "ArrayLike")]
    text = templates.render(
        "system.py.j2",
        header=heading(f"{spec.title}, with its derivative rules.", command),
        standard=standard_imports("\n".join((code, *helpers))),
        name=spec.name,
        signature=", ".join(f"{a}: ArrayLike" for a in spec.args),
        arguments=", ".join(spec.args),
        documentation=textwrap.indent(escape(documentation(solved)), "    ").lstrip(),
        outputs_type=_tuple(len(spec.unknowns)),
        residuals_type=_tuple(len(spec.variables)),
        cotangents_type=arrays[0],
        tangents_type=arrays[0],
        primals_type=arrays[1],
        partials_type=_tuple(len(builder.slots)),
        parameters=", ".join(f"{p}: Array" for p in spec.variables),
        pairs=", ".join(f"{p}: Pair" for p in spec.variables),
        unknowns=words(spec.unknowns),
        towards=words(spec.args),
        helpers=helpers,
        **functions,
    )
    return templates.lay_out(text)


class _Builder:
    """The functions of one module, statement by statement."""

    def __init__(self, solved: SolvedSystem) -> None:
        self.solved, self.spec = solved, solved.spec
        self.name, self.args, self.unknowns = self.spec.name, self.spec.args, self.spec.unknowns
        own = (f"_{self.name}_{part}" for part in ("value", "equations", "partials", "words"))
        taken = (*module_names(self.name), *own, "cotangents", "tangents", "Sequence", "Any")
        self.names = Names((*taken, *self.spec.variables))
        self.table = [[self.names.new(f"{u}_by_{a}") for a in self.args] for u in self.unknowns]
        self.slots = [slot for row in self.table for slot in row]

    def fwd(self) -> tuple[str, ...]:
        kept = [*(f"jnp.asarray({a})" for a in self.args), *self.unknowns]
        call = f"{unpack(self.unknowns)} = {self.name}_jvp({', '.join(self.args)})"
        return call, f"return {unpack(self.unknowns, always=True)}, {unpack(kept, always=True)}"

    def bwd(self) -> tuple[str, ...]:
        names = self.names.copy()
        bars = [names.new(f"{u}_bar") for u in self.unknowns]
        lines = [f"{unpack(self.spec.variables)} = residuals", f"{unpack(bars)} = cotangents"]
        lines.append(self._partials_at(bars[0]))
        columns = zip(*self.table, strict=True)
        sums = [total(f"{slot} * {bar}" for slot, bar in zip(c, bars, strict=True)) for c in columns]
        found = [f"_unbroadcast({text}, {a})" for text, a in zip(sums, self.args, strict=True)]
        return (*lines, f"return {unpack(found, always=True)}")

    def rule(self) -> tuple[str, ...]:
        names = self.names.copy()
        dots = [names.new(f"{a}_dot") for a in self.args]
        lines = [f"{unpack(self.args, True)}, {unpack(dots, True)} = primals, tangents"]
        lines.append(f"{unpack(self.unknowns)} = {self.name}_jvp({', '.join(self.args)})")
        lines.append(self._partials_at(self.unknowns[0]))
        found = []
        for u, row in zip(self.unknowns, self.table, strict=True):
            terms = [f"({slot}, {dot})" for slot, dot in zip(row, dots, strict=True)]
            found.append(f"_tangent({u}, {', '.join(terms)})")
        return (*lines, f"return {unpack(self.unknowns, True)}, {unpack(found, True)}")

    def value(self) -> tuple[str, ...]:
        names, args = self.names.copy(), ", ".join(self.args)
        dtype, low, high, starts, known, found = (
            names.new(n) for n in ("dtype", "low", "high", "starts", "known", "found")
        )
        unknowns, pairs = (
            ", ".join(self.unknowns),
            ", ".join(f"({a}, jnp.zeros_like({a}))" for a in self.args),
        )
        lines = [
            f"{dtype} = jnp.result_type({args}, float)",
            f"{unpack(self.args)} = jnp.broadcast_arrays(*_widen({dtype}, {args}))",
        ]
        for side, upper in ((low, False), (high, True)):
            ends = []
            for bounds in self.spec.bounds:
                more, text = self._end(names, bounds[upper], upper=upper)
                lines += more
                ends.append(text)
            lines.append(f"{side} = {unpack(ends)}")
        lines += self._starts(names, starts)
        lines += [
            f"{unpack(self.unknowns)} = _settled("
            f"lambda {unknowns}: _{self.name}_equations({args}, {unknowns}), {low}, {high}, {starts})",
            f"{found}, {known} = _corrected(lambda {unknowns}: _{self.name}_words({pairs}, {unknowns}),"
            f" {unpack(self.unknowns, True)})",
            f"return tuple(_cast(jnp.where({known}, x[0], jnp.nan), {dtype}) for x in {found})",
        ]
        return tuple(lines)

    def _end(self, names: Names, bound: Bound | None, *, upper: bool) -> tuple[tuple[str, ...], str]:
        """A bound that the iteration does not reach: one float beyond where it may."""
        first, side = self.args[0], "jnp.inf" if upper else "-jnp.inf"
        if bound is None:
            return (), f"jnp.full_like({first}, {side})"
        if is_constant(bound.at):
            lines, text = tuple[str, ...](), f"jnp.full_like({first}, {constant(bound.at)})"
        else:
            block = lower([bound.at], names, None)
            lines, text = block.lines, f"jnp.broadcast_to({block.results[0]}, {first}.shape)"
        return lines, text if bound.strict else f"jnp.nextafter({text}, {side})"

    def _starts(self, names: Names, target: str) -> list[str]:
        first = self.args[0]
        if self.spec.guess:
            block, shape = lower(self.spec.guess, names, None), f"{first}.shape"
            each = [
                f"jnp.full_like({first}, {r})" if is_constant(g) else f"jnp.broadcast_to({r}, {shape})"
                for g, r in zip(self.spec.guess, block.results, strict=True)
            ]
            return [*block.lines, f"{target} = [{unpack(each, True)}]"]
        rows = ", ".join(unpack([repr(x) for x in row], True) for row in self.solved.starts)
        return [f"{target} = [[jnp.full_like({first}, x) for x in row] for row in [{rows}]]"]

    def equations(self) -> tuple[str, ...]:
        names = self.names.copy()
        anchors = [dict(zip(self.spec.variables, a, strict=True)) for a in self.solved.anchors]
        groups = (self.solved.lefts, self.solved.rights, *self.solved.square)
        block = lower([e for g in groups for e in g], names, anchors)
        return (*block.lines, _rows(block.results, len(self.unknowns), len(groups)))

    def partials(self) -> tuple[str, ...]:
        names = self.names.copy()
        pairs, fixed, known, exact, slopes = (
            names.new(n) for n in ("pairs", "fixed", "known", "exact", "slopes")
        )
        count, unknowns = len(self.unknowns), ", ".join(self.unknowns)
        columns = names.new("columns")
        return (
            f"{unpack(self.spec.variables)} = jnp.broadcast_arrays({', '.join(self.spec.variables)})",
            f"{pairs} = [(a, jnp.zeros_like(a)) for a in {unpack(self.args, True)}]",
            f"{fixed} = jax.lax.stop_gradient(({pairs}, {unpack(self.unknowns, True)}))",
            f"{exact}, {known} = _corrected(lambda {unknowns}: _{self.name}_words(*{fixed}[0], {unknowns}),"
            f" {fixed}[1])",
            f"{exact} = [_dw_sum(y, jax.lax.stop_gradient(jnp.where({known}, (x[0] - y) + x[1], 0.0)))"
            f" for x, y in zip({exact}, {unpack(self.unknowns, True)})]",
            f"_, _, *{slopes} = _{self.name}_words(*{pairs}, *{exact})",
            f"{columns} = [[row[{count} + k] for row in {slopes}] for k in range({len(self.args)})]",
            f"{slopes} = [row[:{count}] for row in {slopes}]",
            f"{columns} = _cramer({slopes}, {columns})",
            f"return tuple(-column[j][0] for j in range({count}) for column in {columns})",
        )

    def words(self) -> tuple[str, ...]:
        names = self.names.copy()
        flat = [*self.solved.lefts, *self.solved.rights, *(e for row in self.solved.slopes for e in row)]
        lines, results = lower_words(flat, names, self.unknowns[0])
        count, width = len(self.unknowns), len(self.spec.variables)
        rows = [results[:count], results[count : 2 * count]]
        rows += [results[2 * count + i * width : 2 * count + (i + 1) * width] for i in range(count)]
        return (*lines, f"return {unpack([unpack(r, True) for r in rows], True)}")

    def _partials_at(self, like: str) -> str:
        given = f"*_widen({like}.dtype, {', '.join(self.spec.variables)})"
        return f"{unpack(self.slots)} = _{self.name}_partials({given})"


def _rows(results: Sequence[str], width: int, count: int) -> str:
    parts = [unpack(results[i * width : (i + 1) * width], True) for i in range(count)]
    return f"return {unpack(parts, True)}"


def _tuple(count: int) -> str:
    return f"tuple[{', '.join(['Array'] * count)}]"


def documentation(solved: SolvedSystem) -> str:
    """The function's docstring, without quotes and unindented."""
    spec = solved.spec
    computed = []
    for i, (left, right) in enumerate(solved.sides):
        computed.append((f"zero {i + 1}", readable(left - right)))
        computed += [(f"d/d{a}", readable(e)) for a, e in zip((*spec.unknowns, *spec.args), solved.slopes[i],
                                                              strict=True) if e != num(0)]  # fmt: skip
    parts = [wrapped(spec.title, "    "), wrapped(f"{sought(spec)}.", ""), table("Computed as", computed)]
    return "\n\n".join([*parts, *closing(solved.accuracy, kept(spec), spec.assume_text)])


def kept(spec: System) -> str:
    """What is kept between the passes, in words."""
    return f"the input{'s' * (len(spec.args) > 1)} {words(spec.args)} and the outputs {words(spec.unknowns)}"


def sought(spec: System) -> str:
    """The ranges of the unknowns, in words."""
    found = [f"{u} is sought {range_of(low, high)}"
             for u, (low, high) in zip(spec.unknowns, spec.bounds, strict=True)]  # fmt: skip
    return ", ".join(found)
