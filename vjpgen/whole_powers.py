"""Powers of negative numbers, which are real at whole exponents.

The search looks where a power is real for every exponent, at bases from 0 on, and may have written it as an
exponential of a logarithm. Large floats are whole numbers, so that an exponent is one more often than it
seems: (1 + e*s)/(1 - e*s) to the power e/2 is real at every e beyond 2**25. There the formula holds
as it is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce

import numpy as np

from vjpgen import plainly
from vjpgen.candidates import columns, full
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, has_op, num, variables, walk, where
from vjpgen.floats import Array
from vjpgen.forms import Forms
from vjpgen.points import Drawing, Format
from vjpgen.spec import Spec

_DRAWN = 4096
_FEWEST = 8  # points that show that a power of a negative number is meant
_CHOICES = ("where", "max", "min")


def mend(forms: Forms, derived: Callable[[int, int], bool], seed: int) -> Forms:
    """The forms with the formula as it is written where the base of one of its powers is negative.

    Args:
        forms: what the search found.
        derived: whether partial (i, j) is the derivative of output i; others are left alone.
        seed: of the points at which the forms are compared with the formula.
    """
    spec = forms.spec
    values, partials = list(forms.values), [list(row) for row in forms.partials]
    for i, output in enumerate(spec.outputs):
        bases = _bases(output)
        if not bases or has_op(output, *_CHOICES):
            continue
        negative = reduce(partial(call, "or"), [call("lt", b, num(0)) for b in bases])
        env = _env(spec, negative, seed)
        values[i] = _either(negative, output, values[i], env)
        for j, name in enumerate(spec.args):
            if derived(i, j) and name in variables(output):
                partials[i][j] = _either(negative, plainly.partial(output, name), partials[i][j], env)
    return replace(forms, values=tuple(values), partials=tuple(map(tuple, partials)))


def _bases(formula: Expr) -> list[Expr]:
    """What varying powers are taken of."""
    powers = (x for x in walk(formula) if x.op == "pow" and variables(x.args[1]))
    return list(dict.fromkeys(x.args[0] for x in powers if variables(x.args[0])))


def _env(spec: Spec, negative: Expr, seed: int) -> dict[str, Array]:
    """Points of the domain where a base is negative: small whole numbers, and all magnitudes."""
    drawing = Drawing(spec, Format.of(np.float32), np.random.default_rng(seed))
    drawn = np.concatenate([2 * np.round(drawing.ordinary(_DRAWN)), drawing.patterns(_DRAWN)])
    at = drawing.admitted(drawn.astype(np.float32))
    below = full(evaluate(negative, columns(spec, at)), at[:, 0])
    return columns(spec, at[below])


def _either(negative: Expr, plain: Expr, found: Expr, env: dict[str, Array]) -> Expr:
    """`found`, and where a base is negative `plain`, if that is a number where `found` is none."""
    with np.errstate(all="ignore"):
        wanted, got = (full(evaluate(e, env), next(iter(env.values()))) for e in (plain, found))
    missed = np.isfinite(wanted) & ~np.isfinite(got)
    return where(negative, plain, found) if missed.sum() >= _FEWEST else found
