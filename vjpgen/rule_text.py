"""Both rules of a function whose partials one other function computes, as statements of Python."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from vjpgen.doc import escape
from vjpgen.naming import Names
from vjpgen.statements import cotangents_type, product, unpack, without_unused


class RuleText:
    """What the rules of one output consist of, whatever computes the value.

    Attributes:
        name: of the function; `_NAME_partials` computes the partials that vary.
        args: of the function.
        parameters: what `_NAME_partials` takes.
        output: what the value is called.
        names: that are taken.
        varying: the arguments whose partials it computes, by their places.
        slots: what these partials are called.
    """

    name: str
    args: Sequence[str]
    parameters: Sequence[str]
    output: str
    names: Names
    varying: Sequence[int]
    slots: Sequence[str]

    def factors(self) -> list[str]:
        """The source of the partial by each argument."""
        held = dict(zip(self.varying, self.slots, strict=True))
        return [held.get(j, "0.0") for j in range(len(self.args))]

    def residuals_type(self) -> str:
        raise NotImplementedError

    def kinds(self, count: int) -> list[str]:
        """The types of `count` arguments that are kept."""
        return ["ArrayLike" if len(self.args) == 1 else "Array"] * count

    def kept(self, args: Sequence[str]) -> list[str]:
        """The source of arguments that are kept."""
        return [f"jnp.asarray({a})" if len(self.args) > 1 else a for a in args]

    def pulled_back(
        self, held: Sequence[str], names: Names | None = None, likes: Mapping[str, str] | None = None
    ) -> tuple[str, ...]:
        """The body of bwd.

        Args:
            held: the residuals.
            names: that are taken, if more than `self.names`.
            likes: what the cotangents are shaped like, where it is not the arguments.
        """
        lines = [f"{unpack(held)} = residuals"] if held else []
        lines += self.partials_call("cotangent")
        last = f"return {unpack(self.cotangents(likes), always=True)}"
        return without_unused(names or self.names.copy(), (*lines, last))

    def cotangents(self, likes: Mapping[str, str] | None = None) -> list[str]:
        """The source of the cotangent of each argument; `likes` are what they are shaped like."""
        likes = likes or {}
        return [self._pulled(f, likes.get(a, a)) for a, f in zip(self.args, self.factors(), strict=True)]

    def _pulled(self, factor: str, like: str) -> str:
        text = product(factor, "cotangent")
        if len(self.args) == 1:
            return f"_cast({text}, cotangent.dtype)" if text else "jnp.zeros_like(cotangent)"
        return f"_unbroadcast({text}, {like})" if text else "None"

    def pushed_forward(self, sum_of: str = "_tangent") -> tuple[str, ...]:
        """The body of the rule for forward mode; `sum_of` adds the products of partials and tangents."""
        names, out = self.names.copy(), self.output
        dots = [names.new(f"{a}_dot") for a in self.args]
        lines = [f"{unpack(self.args, True)}, {unpack(dots, True)} = primals, tangents"]
        lines.append(f"{out} = {self.name}_jvp({', '.join(self.args)})")
        lines += self.partials_call(out)
        terms = [f"({f}, {d})" for f, d in zip(self.factors(), dots, strict=True) if f != "0.0"]
        last = f"return {out}, {sum_of}({', '.join([out, *terms])})"
        return without_unused(names, (*lines, last))

    def partials_call(self, like: str) -> list[str]:
        """The statement that computes the partials in the dtype of `like`; none where none varies."""
        given = f"*_widen({like}.dtype, {', '.join(self.parameters)})"
        return [f"{', '.join(self.slots)} = _{self.name}_partials({given})"] if self.slots else []

    def variables(self, documentation: str) -> dict[str, Any]:
        """What every template of such a module is told."""
        arrays = f"tuple[{', '.join(['Array'] * len(self.args))}]"
        count = len(self.varying)
        return {
            "name": self.name,
            "signature": ", ".join(f"{a}: ArrayLike" for a in self.args),
            "arguments": ", ".join(self.args),
            "documentation": textwrap.indent(escape(documentation), "    ").lstrip(),
            "residuals_type": self.residuals_type(),
            "cotangents_type": cotangents_type(self.cotangents()),
            "tangents_type": arrays,
            "primals_type": arrays.replace("Array", "ArrayLike"),
            "partials_type": "Array" if count == 1 else f"tuple[{', '.join(['Array'] * count) or '()'}]",
        }
