"""Floating-point arithmetic in NumPy: ulps, bits of error, and what an operation computes in a dtype.

`apply` imitates XLA closely enough to rank candidates: every operation is rounded once to the
dtype, subnormals are flushed to zero, and operations that XLA computes poorly carry an error of the
size measured for them (`XLA_ULPS`), drawn from the result's own bits so that it is the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from vjpgen.expr import Expr

Array = npt.NDArray[Any]

# How far, in ulps, jax 0.10.2's float32 primitives on CPU may be off before they round, so that the mean of
# what is simulated is the mean that scripts/primitives.py measures: about 1.4 times that, more where a few
# results are far off. What is not listed rounds correctly.
XLA_ULPS: dict[str, float] = {
    "expm1": 0.3, "exp2": 8.0, "log2": 0.8, "log10": 0.8, "rsqrt": 0.6, "sinh": 8.0, "cosh": 8.0, "tanh": 1.0,
    "erf": 0.8, "erfc": 4.0, "erfcx": 0.6, "erfinv": 2.0, "gamma": 20.0, "lgamma": 6.0, "digamma": 3.0,
    "polygamma": 0.8, "asinh": 0.5, "acosh": 0.5, "atanh": 0.5, "logistic": 0.3, "softplus": 0.2,
    "i0e": 1.2, "i1e": 0.9, "asin": 0.6, "logaddexp": 0.6, "hypot": 0.3, "ierfcx": 1.2,
    "sinpi": 0.5, "cospi": 0.6, "lgamma1p": 1.5, "stirling": 0.8, "kl_div": 0.4,
    "digamma_excess": 0.4, "log_ratio": 0.2, "ndtri": 1.0,
}  # fmt: skip
CONSTANTS = {"pi": math.pi, "e": math.e, "euler_gamma": 0.57721566490153286}


def tiny(dtype: npt.DTypeLike) -> float:
    """Smallest normal number; smaller ones are flushed to zero, as XLA does."""
    return float(np.finfo(np.dtype(dtype)).tiny)


def huge(dtype: npt.DTypeLike) -> float:
    """Largest finite number."""
    return float(np.finfo(np.dtype(dtype)).max)


BAR = 16  # ulps; a result further off is far off: the search pays for it, reports and tests say why


def ordinals(values: Array) -> Array:
    """Floats as integers in the same order, adjacent floats one apart, both zeros at 0."""
    kind = np.dtype(f"i{values.dtype.itemsize}")
    i = np.ascontiguousarray(values).view(kind)
    sign = np.iinfo(kind).max
    return np.where(i < 0, -(i & sign), i).astype(np.int64)


def ulps(got: Array, truth: Array) -> Array:
    """Distance from `got` to the truth rounded to got's dtype, in ulps; 2**bits where `got` is not finite.

    The truth may have fewer axes than `got`.
    """
    bits = got.dtype.itemsize * 8
    with np.errstate(over="ignore", invalid="ignore"):
        i, j = ordinals(got), ordinals(truth.astype(got.dtype))
        gap = np.abs(i - j).astype(np.float64)
        if bits == 64:  # the difference of two signs may overflow
            far = np.abs(i.astype(np.float64) - j.astype(np.float64))
            gap = np.where((i < 0) == (j < 0), gap, far)
    return np.where(np.isfinite(got), gap, 2.0**bits)


def error_bits(gap: Array) -> Array:
    """log2(1 + ulps): 0 is correctly rounded, 32 is no digit of a float32."""
    return np.log2(1.0 + gap)


def representable(truth: Array, dtype: npt.DTypeLike) -> npt.NDArray[np.bool_]:
    """Where a float64 truth is a finite, normal number of the dtype, or zero."""
    with np.errstate(invalid="ignore"):
        size = np.abs(truth)
        found = np.isfinite(truth) & (size <= huge(dtype)) & ((size >= tiny(dtype)) | (truth == 0))
    return np.asarray(found, bool)


def _special(name: str, **fixed: Any) -> Callable[..., Array]:
    def f(*args: Array) -> Array:
        from scipy import special  # only formulas that need it pay for the import

        return np.asarray(getattr(special, name)(*args))

    return f


def _polygamma(n: Array, a: Array) -> Array:
    """By reflection (DLMF 5.15.6) far left of zero, where scipy takes a step for each pole on the way."""
    far, direct = a < -1e4, _special("polygamma")
    found = direct(n, np.where(far, 1.0, a))
    if not far.any():
        return found
    off = np.pi * np.where(far, a - np.round(a), 0.25)
    csc, cot = 1 / np.sin(off), np.cos(off) / np.sin(off)
    turned = csc**2 * np.select([n == 1, n == 2, n == 3], [1.0, -2 * cot, 2 * (csc**2 + 2 * cot**2)], np.nan)
    other = np.pi ** (n + 1) * turned - (-1.0) ** (n + 1) * direct(n, np.where(far, 1 - a, 1.0))
    return np.asarray(np.where(far, other, found))


def _erfcx(a: Array) -> Array:
    return _special("erfcx")(a)


def _ierfcx(a: Array) -> Array:
    """1/sqrt(pi) - a*erfcx(a); its asymptotic series (DLMF 7.12.1) where that cancels."""
    z = -0.5 / np.square(np.maximum(a, 8.0))
    series = -z * _poly(z, *_odd_factorials(20)) / math.sqrt(math.pi)
    return np.asarray(np.where(a < 8.0, 1 / math.sqrt(math.pi) - a * _erfcx(a), series))


def _odd_factorials(n: int) -> list[Array]:
    """1, 1*3, 1*3*5, ..."""
    return [np.asarray(math.prod(range(1, 2 * k + 2, 2)), np.float64) for k in range(n)]


def _lgamma1p(a: Array) -> Array:
    """log|gamma(1 + a)|; near its zeros at 0 and 1 a Taylor polynomial of digamma's integral (DLMF 5.7.3)."""
    near = np.where(np.abs(a) < 0.2, a, np.where(np.abs(a - 1) < 0.2, a - 1, 0.0))
    zeta = _special("zetac")(np.arange(2, 30))
    terms = [np.asarray((-1) ** k * z / k) for k, z in enumerate(zeta, 2)]
    series = near * (1 - CONSTANTS["euler_gamma"]) + near * near * _poly(near, *terms) - np.log1p(near)
    shifted = np.where(np.abs(a - 1) < 0.2, series + np.log1p(near), series)
    return np.asarray(np.where(near == 0, _special("gammaln")(1 + a), shifted))


def _stirling(a: Array) -> Array:
    """Binet's function: Stirling's series (DLMF 5.11.1) from 10 on, reached by its recurrence."""
    x, total = np.asarray(a, np.float64), np.zeros_like(a, np.float64)
    for _ in range(10):
        step = x < 10
        total = np.where(step, total + (x + 0.5) * np.log1p(1 / x) - 1, total)
        x = np.where(step, x + 1, x)
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
    return np.asarray(np.where(a > 0, total + _poly(1 / (x * x), *map(np.asarray, terms)) / x, np.nan))


def _digamma_excess(a: Array) -> Array:
    """digamma(1 + a) - log(a): its asymptotic series (DLMF 5.11.2) from 10 on, reached by its recurrence."""
    x, total = np.asarray(a, np.float64), np.zeros_like(a, np.float64)
    for _ in range(10):
        step = x < 10
        total = np.where(step, total + np.log1p(1 / x) - 1 / (1 + x), total)
        x = np.where(step, x + 1, x)
    terms = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
    rest = _poly(1 / (x * x), *map(np.asarray, terms)) / x
    return np.asarray(np.where(a > 0, total + (0.5 - rest) / x, np.nan))


def _log_ratio(a: Array, b: Array) -> Array:
    """log(a/b), from a - b where the ratio is near 1."""
    near = (a > 0.5 * b) & (a < 2 * b)
    return np.asarray(np.where(near, np.log1p((a - b) / b), np.log(a) - np.log(b)))


def _kl_div(a: Array, b: Array) -> Array:
    """a*log(a/b) - a + b, near a = b in powers of their difference."""
    v = (0.5 * a - 0.5 * b) / (0.5 * a + 0.5 * b)
    z = np.minimum(v * v, 0.25)
    rest = z * _poly(z, *(np.asarray(1 / k) for k in range(3, 55, 2)))
    far = a * (np.log(a) - np.log(b) - 1) + b
    near = np.where(np.abs(v) < 0.5, (a - b) * v + 2 * a * v * rest, far)
    return np.asarray(np.where(a > 0, near, np.where(a == 0, b, np.nan)))


def _sinpi(a: Array) -> Array:
    whole = np.round(a)
    return np.asarray(np.where(whole % 2 == 0, 1.0, -1.0) * np.sin(np.pi * (a - whole)))


def _cospi(a: Array) -> Array:
    whole = np.round(a)
    return np.asarray(np.where(whole % 2 == 0, 1.0, -1.0) * np.sin(np.pi * (0.5 - np.abs(a - whole))))


def _lambertw(a: Array) -> Array:
    return np.asarray(_special("lambertw")(a).real)


def _where(c: Array, a: Array, b: Array) -> Array:
    return np.where(c, a, b)


def _poly(z: Array, *coefficients: Array) -> Array:
    total = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * z + c
    return np.asarray(total)


def _logistic(a: Array) -> Array:
    return np.where(a < 0, np.exp(-np.logaddexp(0.0, -a)), 1 / (1 + np.exp(-np.abs(a))))


NUMPY: dict[str, Callable[..., Array]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "square": np.square, "pow": np.power, "poly": _poly, "abs": np.abs, "sign": np.sign, "max": np.maximum,
    "min": np.minimum, "floor": np.floor, "ceil": np.ceil, "round": np.round, "exp": np.exp, "exp2": np.exp2,
    "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt,
    "rsqrt": lambda a: 1 / np.sqrt(a), "cbrt": np.cbrt, "hypot": np.hypot, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "sinpi": _sinpi, "cospi": _cospi, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "atan2": np.arctan2,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "erf": _special("erf"), "erfc": _special("erfc"), "erfcx": _erfcx,
    "ierfcx": _ierfcx, "lgamma1p": _lgamma1p, "stirling": _stirling, "kl_div": _kl_div,
    "digamma_excess": _digamma_excess, "log_ratio": _log_ratio,
    "erfinv": _special("erfinv"), "ndtri": _special("ndtri"),
    "gamma": _special("gamma"), "lgamma": _special("gammaln"),
    "digamma": _special("psi"), "polygamma": _polygamma, "lambertw": _lambertw,
    "besselj": _special("jv"), "besseli": _special("iv"), "i0e": _special("i0e"), "i1e": _special("i1e"),
    "logistic": _logistic,
    "softplus": lambda a: np.logaddexp(a, 0.0), "logaddexp": np.logaddexp,
    "diff_of_products": lambda a, b, c, d: a * b - c * d, "sum3": lambda a, b, c: a + b + c,
    "sqrt_diff_of_products": lambda a, b, c, d: np.sqrt(a * b - c * d),
    "exp_product": lambda a, b: np.exp(a * b), "exp_sum": lambda a, b: np.exp(a + b), "where": _where,
    "signbit": np.signbit, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or, "not": np.logical_not,
    "true": lambda: np.asarray(True), "false": lambda: np.asarray(False),
}  # fmt: skip
_SATURATED = frozenset(("tanh", "erf", "logistic"))  # XLA's 1 is exact (jax 0.10.2 on CPU)
EXACT = frozenset(("neg", "abs", "sign", "max", "min", "floor", "ceil", "round", "where"))


def apply(op: str, args: list[Array], dtype: npt.DTypeLike) -> Array:
    """One operation on arrays of `dtype`, its result rounded to `dtype` (bool for relations)."""
    kind = np.dtype(dtype)
    with np.errstate(all="ignore"):
        if op in EXACT:
            return NUMPY[op](*args)
        if op == "poly":  # every step of Horner's scheme rounds
            return np.asarray(_poly(*args), kind)
        wide = [a.astype(np.float64) if a.dtype == np.float32 else a for a in args]
        raw = _diff_of_products(wide, kind) if op == "diff_of_products" else NUMPY[op](*wide)
        if raw.dtype == bool:
            return raw
        amplitude = XLA_ULPS.get(op)
        if amplitude is not None:
            noise = amplitude * np.finfo(kind).eps * _noise(raw)
            if op in _SATURATED:
                noise = np.where(np.abs(raw) < 1 - float(np.finfo(kind).eps) / 4, noise, 0.0)
            raw = raw * (1.0 + noise)
        out = raw.astype(kind)
        return np.where(np.abs(out) < np.finfo(kind).tiny, np.copysign(kind.type(0), out), out)


def _diff_of_products(operands: list[Array], kind: np.dtype[Any]) -> Array:
    """a*b - c*d; where the error of a product underflows or a product overflows, no better than plain."""
    a, b, c, d = operands
    ab, cd = a * b, c * d
    least = np.finfo(kind).tiny / np.finfo(kind).eps
    plain = [
        np.where(np.abs(p) < np.finfo(kind).tiny, 0.0, p.astype(kind).astype(np.float64)) for p in (ab, cd)
    ]
    lost = [(p != 0) & (np.abs(p) < least) | np.isinf(q) for p, q in zip((ab, cd), plain, strict=True)]
    return np.where(lost[0] | lost[1], plain[0] - plain[1], ab - cd)


def _noise(values: Array) -> Array:
    """Numbers in [-1, 1) that look random and depend on the bits of `values` alone."""
    i = np.asarray(values, np.float64, order="C").view(np.uint64)
    h = (i ^ (i >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((h >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0)


def constant_value(e: Expr) -> float:
    """The double that a constant expression comes to; inf or nan where Python's `math` would raise."""
    if e.op == "num":
        assert isinstance(e.value, Fraction)
        try:
            return float(e.value)
        except OverflowError:
            return math.inf if e.value > 0 else -math.inf
    if e.op == "const":
        return CONSTANTS[str(e.value)]
    with np.errstate(all="ignore"):
        return float(NUMPY[e.op](*(np.float64(constant_value(a)) for a in e.args)))
