"""Expr to JAX statements over double words: numbers as unevaluated sums of two floats, with twice the digits.

Arithmetic after Joldes, Muller and Popescu, Tight and Rigorous Error Bounds for Basic Building Blocks of
Double-Word Arithmetic (ACM TOMS 44, 2017); functions without a form of their own keep one word's accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vjpgen.expr import Expr, call, rebuild, var, walk
from vjpgen.floats import constant_value
from vjpgen.naming import Names, telling
from vjpgen.ops import OPS
from vjpgen.printer import is_bool, is_constant, source
from vjpgen.two_words import DIRECT, written_out

HELPERS = (
    "dw_rest", "dw_sum", "dw_product", "dw_add", "dw_sub", "dw_neg", "dw_mul", "dw_div", "dw_constant",
    "dw_where", "dw_applied", "dw_sqrt", "dw_scaled", "dw_reduced_exp", "dw_exp", "dw_expm1",
    "dw_near_one", "dw_log", "dw_log1p", "dw_turned", "dw_circular", "dw_sin", "dw_cos",
    "dw_quick_reduced_exp", "dw_quick_exp", "dw_quick_expm1", "dw_quick_near_one", "dw_quick_logarithm",
    "dw_quick_log", "dw_quick_log1p", "dw_quick_asinh",
)  # fmt: skip
_QUICK = frozenset(("exp", "expm1", "log", "log1p", "asinh"))
_TURNED = {  # angles may be so large that a sine is not linear in the second word
    "sin": "_dw_turned({0}, 0)",
    "cos": "_dw_turned({0}, 1)",
    "tan": "_dw_div(_dw_turned({0}, 0), _dw_turned({0}, 1))",
}
FIRST = "dw_function"  # the helper that decorates others


def lower_words(
    exprs: Sequence[Expr],
    names: Names,
    like: str,
    known: dict[Expr, str] | None = None,
    *,
    quick: bool = False,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Statements, and the source of each expression after them.

    Args:
        exprs: real expressions over variables that are in scope as double words under their names.
        names: the names in use; those of the new variables are added.
        like: a variable, of whose dtype and shape constants are.
        known: what earlier statements compute; what these do is added.
        quick: exponentials and logarithms with a few digits more than one word instead of two words.
    """
    roots = [rebuild(e, written_out) for e in exprs]
    known = {} if known is None else known
    constant = f"_dw_constant({{!r}}, {like}[0])"
    lines = lower_pairs(roots, names, known, constant, lambda x, given: _operation(x, given, quick=quick))
    return lines, tuple(known[x] for x in roots)


def lower_pairs(
    roots: Sequence[Expr],
    names: Names,
    known: dict[Expr, str],
    constant: str,
    operation: Callable[[Expr, Sequence[str]], str],
) -> tuple[str, ...]:
    """Statements that compute expressions over numbers that are held as pairs.

    Args:
        roots: what is computed.
        names: the names in use; those of the new variables are added.
        known: what earlier statements compute; what these do is added.
        constant: the source of a constant, with a place for its value.
        operation: the source of an operation on operands.
    """
    lines = []
    for x in walk(*roots):
        if x in known:
            continue
        if is_constant(x):
            known[x] = source(x, {}) if is_bool(x) else constant.format(constant_value(x))
        elif x.op == "var":
            known[x] = str(x.value)
        else:
            text = operation(x, [known[a] for a in x.args])
            wish = None if is_bool(x) else telling(x, {v: n for v, n in known.items() if n.isidentifier()})
            known[x] = names.new(wish) if wish else names.numbered("t")
            lines.append(f"{known[x]} = {text}")
    return tuple(lines)


def _operation(x: Expr, operands: Sequence[str], *, quick: bool) -> str:
    if quick and x.op in _QUICK:
        return f"_dw_quick_{x.op}({', '.join(operands)})"
    if x.op in DIRECT and x.op != "asinh":
        return f"_dw_{x.op}({', '.join(operands)})"
    if x.op == "where":
        return f"_dw_where({', '.join(operands)})"
    if is_bool(x):
        real = OPS[x.op].takes == "real"
        return OPS[x.op].jax.format(*(f"{o}[0]" if real else o for o in operands))
    if x.op == "abs":
        return f"_dw_where({operands[0]}[0] < 0, _dw_neg({operands[0]}), {operands[0]})"
    return applied(x, operands)


def applied(x: Expr, operands: Sequence[str]) -> str:
    """An operation of single words on double ones."""
    if x.op in _TURNED:
        return _TURNED[x.op].format(*operands)
    letters = [var(f"a{k}") for k in range(len(x.args))]
    held = [o if not is_constant(a) else a for o, a in zip(letters, x.args, strict=True)]
    given = [
        (str(v.value), o) for v, o, a in zip(letters, operands, x.args, strict=True) if not is_constant(a)
    ]
    body = source(call(x.op, *held), {})
    function = f"lambda {', '.join(n for n, _ in given)}: {body}"
    if len(given) == 1 and body.endswith("(a0)") and body.count("(") == 1:
        function = body.removesuffix("(a0)")
    return f"_dw_applied({function}, {', '.join(o for _, o in given)})"
