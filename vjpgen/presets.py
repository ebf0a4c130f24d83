"""Surrogate gradients by their names in the literature: each a formula, its parameters and its source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """One surrogate for the derivative of a step or of a rounding.

    Attributes:
        name: as papers call it.
        params: the operand, then parameters with their defaults ("slope=4").
        formula: the gradient in the language, over the parameters.
        source: where it was proposed.
    """

    name: str
    params: tuple[str, ...]
    formula: str
    source: str


PRESETS = (
    Preset("straight-through", ("x",), "1", "Bengio, Leonard and Courville 2013, arXiv:1308.3432"),
    Preset("clipped-straight-through", ("x", "limit=1"), "where(abs(x) <= limit, 1, 0)",
           "Courbariaux et al. 2016, arXiv:1602.02830, eq. 4"),
    Preset("sigmoid", ("x", "slope=4"), "slope*sigmoid(slope*x)*(1 - sigmoid(slope*x))",
           "Neftci, Mostafa and Zenke 2019, arXiv:1901.09948"),
    Preset("fast-sigmoid", ("x", "slope=10"), "1/(1 + abs(slope*x))**2",
           "Zenke and Ganguli 2018, arXiv:1705.11146"),
    Preset("arctan", ("x", "alpha=2"), "alpha/(2*(1 + (pi*alpha*x/2)**2))",
           "Fang et al. 2021, arXiv:2007.05785"),
    Preset("triangle", ("x", "height=1"), "height*max(0, 1 - abs(x))",
           "Esser et al. 2016, arXiv:1603.08270; height 0.3 in Bellec et al. 2018, arXiv:1803.09574"),
    Preset("boxcar", ("x", "width=1"), "where(abs(x) < width/2, 1/width, 0)",
           "Wu et al. 2018, arXiv:1706.02609"),
)  # fmt: skip
BY_NAME = {row.name: row for row in PRESETS}

_INTRODUCTION = """\
# Gradients that are meant to differ

Written by `vjpgen.presets.reference()`; a test holds this page to the table that `--surrogate` uses.

| option | the gradient to `x` |
|---|---|
| `--grad x=FORMULA` | is the formula, over the same arguments; `(a, b)` for a function with two outputs |
| `--surrogate x=NAME` | is that preset at `x`; `NAME(u - 1, 10)` sets operand and parameter |
| `--stop x` | is zero |
| `--grad-scale x=FACTOR` | is multiplied by the factor, itself a formula; -1 reverses it |
| `--grad-mask CONDITION` | to every argument is zero where the condition does not hold |
| `--grad-clip x=LOW:HIGH` | is clipped, as cotangent and last; one bound may be left out |

An argument that no option names keeps the derivative of the value. `--grad` takes formulas alone and
`--surrogate` names alone, so that an argument may be called `sigmoid` or `triangle`. What a formula uses
besides the arguments of the value is added with `--args`, and has a gradient of its own.

From Python: `generate(..., grad={"x": "1"}, surrogate={"x": "sigmoid"}, stop=["y"], grad_scale={"x": -1},
grad_clip={"x": (-1, 1)}, grad_mask="x > 0")`, and `function` likewise.

All but clipping is linear in the cotangent, so that forward mode has the same rule, and the twin
`NAME_jvp` is there. A clipped cotangent has no forward rule: such a module has no twin. The cotangent that is
clipped is the one that is returned, after the sum over axes along which the argument was broadcast.
A function's second derivatives are the derivatives of its gradient.

## Presets

| name | gradient | source |
|---|---|---|
"""


def reference() -> str:
    """The options and presets as a page of Markdown, from the table."""
    rows = (f"| `{p.name}({', '.join(p.params)})` | `{p.formula}` | {p.source} |" for p in PRESETS)
    return _INTRODUCTION + "\n".join(rows) + "\n"
