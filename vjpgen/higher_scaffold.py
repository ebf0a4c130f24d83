"""Partials as functions of a generated module, each with the rule of its own derivative.

Up to the order before the last every partial that varies is a `jax.custom_jvp` function, and the partials of
each are the functions of the next order. What JAX differentiates, in whatever mode, is then a generated form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vjpgen import residuals
from vjpgen.expr import Expr, num, variables
from vjpgen.forms import Forms, Higher, Partial, Plan
from vjpgen.lowering import Block
from vjpgen.module_names import module_names
from vjpgen.naming import Names
from vjpgen.printer import is_constant
from vjpgen.scaffold import Function, Matrix, Scaffold
from vjpgen.spec import Signature, Spec
from vjpgen.statements import unpack

Call = tuple[str, tuple[str, ...]]  # a function and its arguments


@dataclass(frozen=True, slots=True)
class PartialFunction:
    """One partial: the function that computes it, and the rule of that function.

    Attributes:
        name: of the function.
        signature, documentation: its parameters and its docstring.
        primals_type, tangents_type: the annotations of the rule's parameters.
        plain, rule: statements.
        partials: the private function that computes the derivatives, in the last order.
    """

    name: str
    signature: str
    documentation: str
    primals_type: str
    tangents_type: str
    plain: tuple[str, ...]
    rule: tuple[str, ...]
    partials: tuple[Function, ...]


class Calling(Scaffold):
    """The functions of a plan whose partials are computed by functions of their own.

    Args:
        plan: keeps arguments alone.
        calls: what computes each partial that varies, by output and argument; none for the last order.
        primal: what the rule calls for the value, where it is not the twin of the function.
    """

    def __init__(self, plan: Plan, calls: Mapping[tuple[int, int], Call], primal: str = "") -> None:
        super().__init__(plan)
        self.calls = calls
        self.primal = primal or self.primal
        self.kept_with = self.primal  # so that the value has generated derivatives too
        for function, _ in calls.values():
            self.names.new(function)

    def one(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Function, ...]]:
        """The statements of the value and of its rule, and the private function that the rule calls."""
        blocks: list[Block] = []
        return self._plain(blocks), self._rule(blocks), self._partials(blocks)

    def _partials(self, blocks: list[Block]) -> tuple[Function, ...]:
        return () if self.calls else super()._partials(blocks)

    def _computed(
        self, names: Names, matrix: Matrix, suffix: str, kept: Sequence[str], like: str
    ) -> list[str]:
        if not self.calls:
            return super()._computed(names, matrix, suffix, kept, like)
        wide = {a: names.new(f"wide_{a}") for a in kept}
        lines = [f"{unpack([*wide.values()])} = _widen({like}.dtype, {', '.join(kept)})"]
        held = iter(name for _, name in self._varying(matrix))
        for i, row in enumerate(matrix):
            for j, e in enumerate(row):
                if not is_constant(e):
                    function, given = self.calls[i, j]
                    lines.append(f"{next(held)} = {function}({', '.join(wide[a] for a in given)})")
        return lines


class Tower:
    """All partials of a function as functions, order by order.

    Args:
        forms: of the value and the first partials.
        higher: of the partials above.
    """

    def __init__(self, forms: Forms, higher: Higher) -> None:
        self.forms, self.spec, self.order = forms, forms.spec, higher.order
        self.known: dict[Partial, Expr] = dict(higher.found)
        self.known |= {(i, (j,)): e for i, row in enumerate(forms.partials) for j, e in enumerate(row)}
        self.names = self._named()

    def calls(self) -> dict[tuple[int, int], Call]:
        """What computes the first partials."""
        return {(i, places[0]): self._call((i, places)) for i, places in self.names if len(places) == 1}

    def functions(self) -> tuple[PartialFunction, ...]:
        """The functions, lower orders first."""
        return tuple(map(self._function, self.names))

    def _named(self) -> dict[Partial, str]:
        """A name for each partial below the last order that varies."""
        names = Names((*module_names(self.spec.name), *self.spec.args))
        varying = [p for p, e in self.known.items() if not is_constant(e) and len(p[1]) < self.order]
        ordered = sorted(varying, key=lambda p: (len(p[1]), p))
        return {p: names.new(self._wish(p)) for p in ordered}

    def _wish(self, partial: Partial) -> str:
        i, places = partial
        output = f"_{self.spec.out(i)}" if self.spec.several else ""
        return self.spec.name + output + "".join(f"_d{self.spec.args[k]}" for k in places)

    def _args(self, partial: Partial) -> tuple[str, ...]:
        used = variables(self.known[partial])
        return tuple(a for a in self.spec.args if a in used)

    def _call(self, partial: Partial) -> Call:
        return self.names[partial], self._args(partial)

    def _above(self, partial: Partial, name: str) -> Partial:
        """The derivative of a partial by one more argument."""
        i, places = partial
        return i, tuple(sorted((*places, self.spec.args.index(name))))

    def _function(self, partial: Partial) -> PartialFunction:
        args, name = self._args(partial), self.names[partial]
        above = [self._above(partial, a) for a in args]
        calls = {(0, j): self._call(p) for j, p in enumerate(above) if p in self.names}
        plain, rule, private = Calling(self._plan(partial, args, above), calls, name).one()
        arrays = f"tuple[{', '.join('Array' for _ in args)}]"
        return PartialFunction(
            name,
            ", ".join(f"{a}: ArrayLike" for a in args),
            f"{self.spec.higher_label(*partial)} of {self.spec.name}, with the rule of its own derivative.",
            arrays.replace("Array", "ArrayLike"),
            arrays,
            plain,
            rule,
            private,
        )

    def _plan(self, partial: Partial, args: tuple[str, ...], above: Sequence[Partial]) -> Plan:
        places = [self.spec.args.index(a) for a in args]
        anchors = tuple(tuple(row[k] for k in places) for row in self.forms.anchors)
        fixed = Signature(nondiff=tuple(a for a in args if a in self.spec.signature.nondiff))
        spec = Spec(self.names[partial], args, (self.known[partial],), False, (), "", signature=fixed)
        row = tuple(self.known.get(p, num(0)) for p in above)  # nothing by what is not differentiated
        return residuals.plan(Forms(spec, spec.outputs, (row,), anchors), choice="input")
