"""One function for reverse and forward mode: a rule for forward mode whose transpose keeps what is planned.

JAX transposes what a `jax.custom_jvp` rule does to tangents, and keeps the partials for that. Under
`jax.checkpoint` it keeps what the partials are computed from, and computes them again.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from vjpgen.forms import Plan
from vjpgen.higher_scaffold import Call, Calling
from vjpgen.lowering import Block
from vjpgen.scaffold import Bodies, Function
from vjpgen.statements import unpack, without_unused

_AGAIN = "@functools.partial(jax.checkpoint, prevent_cse=False)"


class Both(Calling):
    """The functions of a plan in one for both modes.

    Args:
        plan: what is computed and kept.
        calls: what computes each partial that varies, where they are functions of their own.
    """

    def __init__(self, plan: Plan, calls: Mapping[tuple[int, int], Call]) -> None:
        super().__init__(plan, calls, plan.forms.spec.name)

    def bodies(self) -> Bodies:
        blocks: list[Block] = []
        plain, functions, rule = self._plain(blocks), self._partials(blocks), self._rule(blocks)
        support = dict.fromkeys(s for b in blocks for s in b.support)
        return Bodies(plain, (), (), rule, functions, "", "", "", tuple(support))

    def _partials(self, blocks: list[Block]) -> tuple[Function, ...]:
        """The function that computes the partials from what is kept, in both modes."""
        return super()._partials(blocks)[:1]

    def _rule(self, blocks: list[Block]) -> tuple[str, ...]:
        matrix, names = self.plan.bwd, self._beside(self.plan.bwd)
        arrays = self.spec.arrays
        dots = [names.new(f"{a}_dot") for a in arrays]
        tangent = names.new("tangents_of_outputs" if self.spec.several else "tangent")
        lines = [
            f"{unpack(arrays, always=True)}, {unpack(dots, always=True)} = primals, tangents",
            *self._called(names, f"{self.primal}({', '.join(self.args)})"),
        ]
        kept = [r.name for r in self.plan.residuals]
        along = dict(zip(arrays, dots, strict=True))
        pushed = [
            self._push(out, row, along) for out, row in zip(self.outs, self._factors(matrix), strict=True)
        ]
        made = self._widened(blocks, names, lines, outputs=False)
        lines += [f"{name} = {text}" for name, text in made.items()]  # outside, so that it is what is kept
        varies = bool(self._varying(matrix))
        inner = self._computed(names, matrix, "partials", kept, self.outs[0]) if varies else []
        inner.append(f"return {self._output(pushed)}")
        body = textwrap.indent("\n".join(inner), "    ")
        told = without_unused(names, (*lines, f"return {' '.join((*self.outs, body))}"))[: len(lines)]
        returns = returned_type(self)
        last = f"return {self._output(self.outs)}, {tangent}()"
        return (*told, "", _AGAIN, f"def {tangent}() -> {returns}:", body, "", last)


def returned_type(scaffold: Both) -> str:
    """The annotation of what the function returns."""
    spec = scaffold.spec
    if spec.signature.keys:
        return "dict[str, Array]"
    return f"tuple[{', '.join('Array' for _ in spec.outputs)}]" if spec.several else "Array"
