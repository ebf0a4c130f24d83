"""What a function returned: plain arrays, so that reading them needs no JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Column = npt.NDArray[Any]
# Ways to derivatives of derivatives, by order: "r" is reverse mode of the function, "f" forward mode of its
# twin, the last letter first.
WAYS = {2: ("rr", "fr", "rf", "ff"), 3: ("rrr", "ffr", "rff", "fff")}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a function returned at n points, in the dtype of the points.

    Attributes:
        values: (n, m), the outputs.
        partials: (n, m, a), by reverse mode.
        forward: (n, m, a), by forward mode of the twin; None for the plain formula. An infinite partial makes
            the whole row nan, because the other tangents are 0 and inf * 0 is nan.
        residual_bytes: bytes that the backward pass keeps, per point.
    """

    values: Column
    partials: Column
    forward: Column | None
    residual_bytes: float


@dataclass(frozen=True, slots=True)
class Nature:
    """What a function that somebody wrote can do.

    Attributes:
        scalar: it takes single numbers alone, and has to be mapped over arrays.
        forward: it has forward mode, as no `jax.custom_vjp` function has.
        mixes: its arguments may differ in shape and dtype.
    """

    scalar: bool
    forward: bool
    mixes: bool
