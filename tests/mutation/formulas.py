"""Formulas whose modules are mutated: one to three arguments, several outputs, piecewise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula and how its module is generated."""

    text: str
    args: tuple[str, ...] | None = None
    assume: tuple[str, ...] = ()
    gradient: Mapping[str, Any] = field(default_factory=dict)  # options of `generate`


FORMULAS = {
    # one argument
    "softplus": Formula("log(1 + exp(x))"),
    "sigmoid": Formula("1/(1 + exp(-x))"),
    "mish": Formula("x*tanh(log(1 + exp(x)))"),
    "gelu": Formula("x*(1 + erf(x/sqrt(2)))/2"),
    "expm1_ratio": Formula("(exp(x) - 1)/x"),
    "sinc_like": Formula("sin(x)/x"),
    "versine": Formula("(1 - cos(x))/x**2"),
    "root_step": Formula("sqrt(x + 1) - sqrt(x)", assume=("x > 0",)),
    "log_cosh": Formula("log(cosh(x))"),
    "logit": Formula("log(x/(1 - x))", assume=("0 < x < 1",)),
    "quartic": Formula("x**4/4 - x**3/3 + x/7"),
    # piecewise
    "elu": Formula("Piecewise((x, x > 0), (exp(x) - 1, True))"),
    "huber": Formula("Piecewise((r**2/2, abs(r) <= d), (d*(abs(r) - d/2), True))", assume=("d > 0",)),
    "smooth_step": Formula("Piecewise((0, x < 0), (3*x**2 - 2*x**3, x < 1), (1, True))"),
    "relu6": Formula("min(max(x, 0), 6)"),
    # two arguments
    "logaddexp": Formula("log(exp(x) + exp(y))"),
    "hypotenuse": Formula("sqrt(x**2 + y**2)"),
    "xlogy": Formula("x*log(y)"),
    "product_gap": Formula("x*y - 3*x + exp(y)"),
    "cross_entropy": Formula("log(1 + exp(z)) - t*z"),
    # three arguments
    "normal_density": Formula("exp(-(x - m)**2/(2*s**2))/(s*sqrt(2*pi))", assume=("s > 0",)),
    "discriminant": Formula("b**2 - 4*a*c", args=("a", "b", "c")),
    "blend": Formula("a*t + b*(1 - t)", args=("a", "b", "t")),
    # several outputs
    "polar": Formula("(r*cos(t), r*sin(t))"),
    "soft_pair": Formula("(log(1 + exp(x)), x/(1 + exp(-x)))"),
    "log_sum_difference": Formula("(log(a + b), log(a) - log(b))", assume=("a > 0", "b > 0")),
    # gradients that are meant to differ
    "straight_through": Formula("round(x)", gradient={"surrogate": {"x": "straight-through"}}),
    "spike": Formula("Heaviside(x)", gradient={"surrogate": {"x": "fast-sigmoid"}}),
    "boxcar": Formula("Heaviside(x)", gradient={"surrogate": {"x": "boxcar"}}),
    "quantiser": Formula(
        "a*round(x/a)", ("x", "a"), ("a > 0",), {"grad": {"x": "1", "a": "round(x/a) - x/a"}}
    ),
    "reversed_below": Formula(
        "exp(x)*y", gradient={"grad_scale": {"x": -1}, "stop": ["y"], "grad_mask": "x < 1"}
    ),
    "clipped": Formula("x*y", gradient={"grad_clip": {"x": (-1, 1), "y": (0, 2)}}),
}
