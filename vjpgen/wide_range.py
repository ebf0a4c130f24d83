"""Expr to JAX statements over numbers near 1 and powers of two, of which none leaves the range on its way."""

from __future__ import annotations

from collections.abc import Sequence

from vjpgen.double_word import lower_pairs
from vjpgen.expr import Expr
from vjpgen.naming import Names

HELPERS = (
    "wide", "times_power", "wide_constant", "wide_add", "wide_sub", "wide_neg", "wide_abs", "wide_sign",
    "wide_mul", "wide_div", "wide_sqrt", "wide_log",
)  # fmt: skip


def lower_wide(root: Expr, names: Names, like: str, known: dict[Expr, str]) -> tuple[tuple[str, ...], str]:
    """Statements, and the source of the number that the root comes to after them.

    Args:
        root: what a "wide_range" computes, over variables that are in scope as such numbers.
        names: the names in use; those of the new variables are added.
        like: a variable, of whose dtype and shape constants are.
        known: what earlier statements compute; what these do is added.
    """
    inner = root.args[0] if root.op == "log" else root
    lines = lower_pairs([inner], names, known, f"_wide_constant({{!r}}, {like}[0])", _operation)
    return lines, f"_wide_log({known[inner]})" if root.op == "log" else f"_times_power(*{known[inner]})"


def _operation(x: Expr, operands: Sequence[str]) -> str:
    if x.op == "square":
        return f"_wide_mul({operands[0]}, {operands[0]})"
    return f"_wide_{x.op}({', '.join(operands)})"
