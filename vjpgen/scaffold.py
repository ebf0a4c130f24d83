"""The functions of a generated module, statement by statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, substitute, var, variables
from vjpgen.forms import Plan
from vjpgen.lowering import Block, lower
from vjpgen.module_names import module_names, plain_name
from vjpgen.naming import Names, output_names
from vjpgen.printer import is_constant
from vjpgen.statements import (
    by_key,
    clipped,
    constant,
    cotangents_type,
    product,
    returned,
    stays_finite,
    total,
    unpack,
    without_unused,
    words,
)

_DOC_LINE = 66
Matrix = tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class Function:
    """One private function: header and body."""

    name: str
    signature: str
    returns: str
    documentation: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bodies:
    """What the template needs of a plan.

    Attributes:
        plain, fwd, bwd, rule: statements of the four functions.
        partials: the functions that compute partials.
        residuals_type, cotangents_type: the annotations of fwd's residuals and of what bwd returns.
        cotangent: the name of bwd's second parameter.
        support: helpers that are called, in order.
    """

    plain: tuple[str, ...]
    fwd: tuple[str, ...]
    bwd: tuple[str, ...]
    rule: tuple[str, ...]
    partials: tuple[Function, ...]
    residuals_type: str
    cotangents_type: str
    cotangent: str
    support: tuple[str, ...]


class Scaffold:
    """Builds the functions of one plan."""

    def __init__(self, plan: Plan) -> None:
        spec = plan.forms.spec
        self.plan, self.spec, self.args, self.outs = plan, spec, spec.args, output_names(spec)
        self.names = Names(
            (*module_names(spec.name), *spec.args, *self.outs, *(r.name for r in plan.residuals))
        )
        self.primal, self.kept_with = f"{spec.name}_jvp", plain_name(spec.name)  # what rule and fwd call
        self.anchors = [dict(zip(spec.args, a, strict=True)) for a in plan.forms.anchors]
        self.saved_inputs = [r.name for r in plan.residuals if r.kind == "input"]
        self.alone = len(spec.arrays) == 1
        self.like = not self.alone and not set(spec.moving) <= {*self.saved_inputs}
        # Inside the twin's rule an output has the gradient that is meant, which is not its derivative.
        outputs = any(r.kind == "output" for r in plan.residuals)
        self.shared = not (spec.meant and outputs)

    def bodies(self) -> Bodies:
        blocks: list[Block] = []
        plain = self._plain(blocks)
        functions = self._partials(blocks)
        fwd, rule = self._fwd(blocks), self._rule(blocks) if self.spec.linear else ()
        support = [s for b in blocks for s in b.support]
        residuals_type, cotangent = self._residuals_type(), self.names.copy().new(self._cotangent())
        items, bwd = self._bwd()
        named = residuals_type, cotangents_type(items), cotangent
        return Bodies(plain, fwd, bwd, rule, functions, *named, tuple(dict.fromkeys(support)))

    def _cotangent(self) -> str:
        return "cotangents" if self.spec.several else "cotangent"

    def _output(self, items: Iterable[str]) -> str:
        """What the function returns, made of one item per output."""
        if keys := self.spec.signature.keys:
            return f"{{{', '.join(f'{key!r}: {item}' for key, item in zip(keys, items, strict=True))}}}"
        return unpack(list(items), always=True) if self.spec.several else next(iter(items))

    def _called(self, names: Names, call: str) -> list[str]:
        """Statements that give every output of a call its name."""
        if keys := self.spec.signature.keys:
            values = names.new("values")
            return [f"{values} = {call}", by_key(self.outs, values, keys)]
        return [f"{unpack(self.outs) if self.spec.several else self.outs[0]} = {call}"]

    # The value

    def _plain(self, blocks: list[Block]) -> tuple[str, ...]:
        names = self.names.copy()
        dtype = names.new("dtype", "common_dtype")
        args = ", ".join(self.args)
        block = _lower(blocks, self.plan.forms.values, names, self.anchors)
        lines = [
            f"{dtype} = jnp.result_type({', '.join(self.spec.arrays)}, float)",
            f"{unpack(self.args)} = _widen({dtype}, {args})",
        ]
        lines += block.lines
        values = zip(self.outs, self.plan.forms.values, block.results, strict=True)
        lines += [f"{out} = {self._shaped(value, text)}" for out, value, text in values]
        return (*lines, f"return {self._output(f'_cast({out}, {dtype})' for out in self.outs)}")

    def _shaped(self, value: Expr, text: str) -> str:
        """The source of an output, with the shape and sharding of the arguments that it does not mention."""
        arrays = self.spec.arrays
        if set(variables(value)) >= set(arrays):
            return text
        if self.alone:
            return f"jnp.full_like({arrays[0]}, {text})"
        silent = [f"jnp.ones_like({a})" for a in arrays if a not in variables(value)]
        return " * ".join([f"({text})" if " " in text else text, *silent])

    # The partials

    def _partials(self, blocks: list[Block]) -> tuple[Function, ...]:
        saved, over_inputs = self.plan.residuals, self.plan.forms.partials
        inner = [{r.name: _at(r.expr, a) for r in saved} for a in self.anchors]
        found = [self._partials_function(blocks, "partials", self.plan.bwd, [r.name for r in saved], inner)]
        if not self.shared and self.spec.linear:
            free = self._free()
            found.append(self._partials_function(blocks, "partials_at", over_inputs, free, self.anchors))
        return tuple(f for f in found if f is not None)

    def _partials_function(
        self,
        blocks: list[Block],
        suffix: str,
        matrix: Matrix,
        params: Sequence[str],
        anchors: Sequence[Mapping[str, float]],
    ) -> Function | None:
        exprs = [e for e, _ in self._varying(matrix)]
        if not exprs:
            return None
        names = Names((*module_names(self.spec.name), *params))
        block = _lower(blocks, exprs, names, anchors)
        returns = "Array" if len(exprs) == 1 else f"tuple[{', '.join(['Array'] * len(exprs))}]"
        meaning = "The partials" if len(exprs) > 1 else "The partial"
        about = f" with respect to {words(self._targets(matrix))}."
        if self.spec.meant:
            meaning, about = "The gradient", f" to {words(self._targets(matrix))}."
        return Function(
            f"_{self.spec.name}_{suffix}",
            ", ".join(f"{p}: Array" for p in params),
            returns,
            meaning + (about if len(about) <= _DOC_LINE else "."),
            (*block.lines, *returned(block.results, [name for _, name in self._varying(matrix)])),
        )

    def _targets(self, matrix: Matrix) -> list[str]:
        varying = [
            (i, a)
            for i, row in enumerate(matrix)
            for a, e in zip(self.args, row, strict=True)
            if not is_constant(e)
        ]
        return [f"{a} (of {self.outs[i]})" if self.spec.several else a for i, a in varying]

    def _varying(self, matrix: Matrix) -> list[tuple[Expr, str]]:
        """The partials that are not constant, each with the name of the variable that holds it."""
        names = self.names.copy()
        found = []
        for i, row in enumerate(matrix):
            for a, e in zip(self.args, row, strict=True):
                if not is_constant(e):
                    found.append((e, names.new(f"partial_{i}_{a}" if self.spec.several else f"partial_{a}")))
        return found

    def _beside(self, matrix: Matrix) -> Names:
        """Names for a function that holds these partials in variables of their own."""
        names = self.names.copy()
        for _, name in self._varying(matrix):
            names.new(name)
        return names

    def _factors(self, matrix: Matrix) -> tuple[tuple[str, ...], ...]:
        """Each partial as a factor: the name of a variable, or the source of a constant."""
        held = iter(name for _, name in self._varying(matrix))
        return tuple(tuple(constant(e) if is_constant(e) else next(held) for e in row) for row in matrix)

    def _computed(
        self, names: Names, matrix: Matrix, suffix: str, kept: Sequence[str], like: str
    ) -> list[str]:
        """Statements that compute the partials which vary, from what is kept, in the dtype of `like`."""
        varying = ", ".join(name for _, name in self._varying(matrix))
        return [f"{varying} = _{self.spec.name}_{suffix}(*_widen({like}.dtype, {', '.join(kept)}))"]

    def _free(self) -> list[str]:
        used = variables(*(e for row in self.plan.forms.partials for e in row))
        return [a for a in self.args if a in used]

    # Reverse mode

    def _fwd(self, blocks: list[Block]) -> tuple[str, ...]:
        names = self.names.copy()
        lines = self._called(names, f"{self.kept_with}({', '.join(self.args)})")
        wide = self._widened(blocks, names, lines, outputs=False)
        items = [wide.get(r.name, r.name) for r in self.plan.residuals if r.kind != "static"]
        if not self.alone:
            items = [f"jnp.asarray({a})" if a in self.saved_inputs else a for a in items]
        items += [f"_Like.of({a})" for a in self.spec.moving if self.like]
        return (*lines, f"return {self._output(self.outs)}, {unpack(items, always=True)}")

    def _widened(self, blocks: list[Block], names: Names, lines: list[str], outputs: bool) -> dict[str, str]:
        """Adds statements that widen what intermediates are made of; the source of residuals made anew."""
        middle = [r for r in self.plan.residuals if r.kind == "intermediate"]
        if not middle:
            return {}
        used = variables(*(r.expr for r in middle))
        others = [r.name for r in self.plan.residuals if outputs and r.kind != "intermediate"]
        raw = list(dict.fromkeys([a for a in self.args if a in used] + others))
        wide = {a: names.new(f"wide_{a}") for a in raw}
        lines.append(f"{unpack(list(wide.values()))} = _widen({self.outs[0]}.dtype, {', '.join(raw)})")
        table = {var(a): var(w) for a, w in wide.items()}
        anchors = [{wide[a]: v for a, v in p.items() if a in wide} for p in self.anchors]
        block = _lower(blocks, [substitute(r.expr, table) for r in middle], names, anchors)
        lines += block.lines
        made = dict(zip((r.name for r in middle), block.results, strict=True))
        return {**{a: wide[a] for a in others}, **made}

    def _residuals_type(self) -> str:
        held = [r for r in self.plan.residuals if r.kind != "static"]
        kinds = ["ArrayLike" if self.alone and r.kind == "input" else "Array" for r in held]
        kinds += ["_Like"] * (len(self.spec.moving) if self.like else 0)
        return f"tuple[{', '.join(kinds) or '()'}]"

    def _bwd(self) -> tuple[list[str], tuple[str, ...]]:
        """The source of each cotangent, and all statements."""
        names = self._beside(self.plan.bwd)
        given = names.new(self._cotangent())
        moving = self.spec.moving
        likes = {a: names.new(f"{a}_like") for a in moving} if self.like else {a: a for a in moving}
        kept = [r.name for r in self.plan.residuals if r.kind != "static"]
        lines = []
        if kept or self.like:
            lines.append(f"{unpack([*kept, *(likes.values() if self.like else ())])} = residuals")
        bars = [names.new(f"{out}_bar") for out in self.outs] if self.spec.several else [given]
        if keys := self.spec.signature.keys:
            lines.append(by_key(bars, given, keys))
        elif self.spec.several:
            lines.append(f"{unpack(bars)} = {given}")
        varying = [name for _, name in self._varying(self.plan.bwd)]
        if varying:
            wanted = [r.name for r in self.plan.residuals]
            lines += self._computed(names, self.plan.bwd, "partials", wanted, bars[0])
        factors = self._factors(self.plan.bwd)
        sums = [
            total(product(row[j], bar) for row, bar in zip(factors, bars, strict=True))
            for j in range(len(self.args))
        ]
        text = dict(zip(self.args, sums, strict=True))
        items = [
            self._pulled(a, text[a], bars[0], likes[a]) if a in moving else "None" for a in self.spec.arrays
        ]
        return items, without_unused(names, (*lines, f"return {unpack(items, always=True)}"))

    def _pulled(self, argument: str, text: str, bar: str, like: str) -> str:
        """The cotangent of one argument from its sum of products, empty where it is zero."""
        clip = self.spec.clips[self.args.index(argument)]
        if self.alone:
            return clipped(f"_cast({text}, {bar}.dtype)", clip) if text else f"jnp.zeros_like({bar})"
        if not text:
            return "None"
        return clipped(f"_unbroadcast({text}, {like})", clip)

    # Forward mode

    def _rule(self, blocks: list[Block]) -> tuple[str, ...]:
        matrix = self.plan.bwd if self.shared else self.plan.forms.partials
        names = self._beside(matrix)
        arrays = self.spec.arrays
        dots = [names.new(f"{a}_dot") for a in arrays]
        kept = [r.name for r in self.plan.residuals] if self.shared else self._free()
        lines = [
            f"{unpack(arrays, always=True)}, {unpack(dots, always=True)} = primals, tangents",
            *self._called(names, f"{self.primal}({', '.join(self.args)})"),
        ]
        varying = [name for _, name in self._varying(matrix)]
        if varying:
            wide = self._widened(blocks, names, lines, outputs=True) if self.shared else {}
            suffix = "partials" if self.shared else "partials_at"
            if wide:
                given = ", ".join(wide.get(k, k) for k in kept)
                lines.append(f"{', '.join(varying)} = _{self.spec.name}_{suffix}({given})")
            else:
                lines += self._computed(names, matrix, suffix, kept, self.outs[0])
        along = dict(zip(arrays, dots, strict=True))
        tangents = [
            self._push(out, row, along) for out, row in zip(self.outs, self._factors(matrix), strict=True)
        ]
        last = f"return {self._output(self.outs)}, {self._output(tangents)}"
        return without_unused(names, (*lines, last))

    def _push(self, out: str, row: Sequence[str], dots: Mapping[str, str]) -> str:
        pairs = zip(self.args, row, strict=True)
        terms = [f"({factor}, {dots[a]})" for a, factor in pairs if factor != "0.0" and a in self.spec.moving]
        partials = self.plan.forms.partials[self.outs.index(out)]
        summed = "_tangent" if len(terms) < 2 or all(map(stays_finite, partials)) else "_guarded_tangent"
        return f"{summed}({', '.join([out, *terms])})"


def _lower(
    blocks: list[Block], exprs: Sequence[Expr], names: Names, anchors: Sequence[Mapping[str, float]]
) -> Block:
    block = lower(exprs, names, anchors)
    blocks.append(block)
    return block


def _at(e: Expr, point: Mapping[str, float]) -> float:
    return float(evaluate(e, {n: np.array([v]) for n, v in point.items()}, np.float64).reshape(-1)[0])
