"""The partial as a function of the output: what lets the backward pass keep the output alone.

Where the argument occurs once, the formula is undone operation by operation: from y = log(1 + exp(x)) follow
1 + exp(x) = exp(y) and exp(x) = exp(y) - 1, and exp(x)/(1 + exp(x)) is (exp(y) - 1)/exp(y), which the search
makes -expm1(-y). Callers mostly hold the output anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from vjpgen import plainly
from vjpgen.candidates import FEWEST, Target, columns, full
from vjpgen.compiled import compiled
from vjpgen.effort import Effort
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr, call, num, substitute
from vjpgen.factoring import divided
from vjpgen.floats import Array, representable, ulps
from vjpgen.forms import OUTPUT, Forms
from vjpgen.improve import Improver
from vjpgen.points import Points
from vjpgen.spec import Spec
from vjpgen.tidy import tidy
from vjpgen.truth import Truth

_WORST = 1.0  # bits on average that the rounding of the output may cost
_CORNERS: Array = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32)


def _f(op: str) -> Callable[[Expr], Expr]:
    return lambda y: call(op, y)


_UNDONE: dict[str, Callable[[Expr], Expr]] = {
    "neg": lambda y: -y,
    "exp": _f("log"),
    "log": _f("exp"),
    "expm1": _f("log1p"),
    "log1p": _f("expm1"),
    "exp2": _f("log2"),
    "log2": _f("exp2"),
    "log10": lambda y: call("pow", num(10), y),
    "sqrt": _f("square"),
    "rsqrt": lambda y: 1 / call("square", y),
    "square": _f("sqrt"),
    "cbrt": lambda y: y * call("square", y),
    "sinh": _f("asinh"),
    "asinh": _f("sinh"),
    "tanh": _f("atanh"),
    "atanh": _f("tanh"),
    "tan": _f("atan"),
    "atan": _f("tan"),
    "asin": _f("sin"),
    "acos": _f("cos"),
    "erf": _f("erfinv"),
    "erfinv": _f("erf"),
    "logistic": lambda y: call("log", y / (1 - y)),
    "softplus": lambda y: call("log", call("expm1", y)),
}


def over_output(forms: Forms, points: Points, how: Effort) -> Expr | None:
    """The best form of the partial over `forms.OUTPUT`; None where there is none that is worth keeping.

    Args:
        forms: of a function with one output, whose gradient is its derivative.
        points: at which the search looked.
        how: its effort; two small e-graphs of it are grown.
    """
    spec = forms.spec
    if len(spec.args) != 1 or len(spec.outputs) != 1 or not forms.partials[0][0].names:
        return None
    shape = _shape(spec.outputs[0], spec.args[0])
    if shape is None:
        return None
    kept = full(evaluate(compiled(forms.values[0]), columns(spec, points.at)), points.at[:, 0])
    slopes = points.truth_partials[:, 0, 0]
    counted = representable(slopes, np.float32) & np.isfinite(kept)
    exact = Truth((shape,), OUTPUT.names).values(kept[:, None].astype(np.float64))[:, 0]
    if counted.sum() < FEWEST or _bits(exact.astype(np.float32)[counted], slopes[counted]) > _WORST:
        return None
    at, first = np.unique(kept[counted], return_index=True)
    order = np.random.default_rng(len(at)).permutation(len(at))
    at, alone = at[order], Spec("g", OUTPUT.names, (shape,), False, (), "")
    target = Target((shape, divided(shape)), exact[counted][first][order])
    (found,) = Improver(alone, at[:, None], replace(how, graphs=how.graphs[:2], words=False)).improve(
        [target]
    )
    got = full(evaluate(compiled(found), {OUTPUT.names[0]: kept}), kept)
    good = _bits(got[counted], slopes[counted]) <= _WORST
    return found if good and _same_corners(forms, found) else None


def _shape(formula: Expr, arg: str) -> Expr | None:
    """The derivative of a formula over its value, as it follows."""
    known = undone(formula)
    if known is None:
        return None
    shape = tidy(substitute(plainly.partial(formula, arg), known))
    return shape if shape.names == OUTPUT.names else None


def undone(formula: Expr) -> dict[Expr, Expr] | None:
    """What each part of a formula that holds its variable is, over `forms.OUTPUT`.

    None where the variable occurs twice, or under an operation without an inverse.
    """
    known = {formula: OUTPUT}
    e = formula
    while e.op != "var":
        inside = [k for k, a in enumerate(e.args) if a.names]
        if len(inside) != 1:
            return None
        (k,) = inside
        before = _before(e, k, known[e])
        if before is None:
            return None
        e = e.args[k]
        known[e] = before
    return known


def _before(e: Expr, k: int, y: Expr) -> Expr | None:
    """The k-th operand of `e`, from its value `y`."""
    if e.op in _UNDONE:
        return _UNDONE[e.op](y)
    if len(e.args) != 2:
        return None
    other = e.args[1 - k]
    if e.op == "add":
        return y - other
    if e.op == "sub":
        return other - y if k else y + other
    if e.op == "mul":
        return y / other
    if e.op == "div":
        return other / y if k else y * other
    if e.op == "pow" and not k and isinstance(other.value, Fraction) and other.value:
        return call("pow", y, num(1 / other.value))
    return None


def _bits(got: Array, truth: Array) -> float:
    return float(np.log2(1 + ulps(got, truth)).mean())


def _same_corners(forms: Forms, found: Expr) -> bool:
    """Whether zero, infinities and NaN give the same as the form over the argument."""
    env = {forms.spec.args[0]: _CORNERS}
    kept = full(evaluate(compiled(forms.values[0]), env), _CORNERS)
    wanted = full(evaluate(forms.partials[0][0], env), _CORNERS)
    got = full(evaluate(found, {OUTPUT.names[0]: kept}), _CORNERS)
    return bool(np.allclose(got, wanted, rtol=1e-6, atol=0, equal_nan=True))
