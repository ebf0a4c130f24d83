"""Chosen points with exact results: landmarks, with limits where the formula itself is undefined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vjpgen import smooth
from vjpgen.expr import num
from vjpgen.forms import Forms
from vjpgen.landmarks import landmarks
from vjpgen.oracle import truth_of
from vjpgen.points import Points
from vjpgen.spec import Spec


@dataclass(frozen=True, slots=True)
class Marks:
    """Landmarks, and the exact results there.

    Attributes:
        at: (n, a) float32.
        values, partials: exact, float64: (n, m) and (n, m, a).
        sections: what kind of point each is.
    """

    at: np.ndarray
    values: np.ndarray
    partials: np.ndarray
    sections: tuple[str, ...]


def marks(forms: Forms, sample: Points) -> Marks:
    """The landmarks of a function; what its forms compare arguments with gives splitpoints."""
    rows = landmarks(forms, sample)
    at = np.array([r for _, r in rows], dtype=np.float32).reshape(len(rows), len(forms.spec.args))
    values, partials = truth_of(forms.spec).with_partials(at.astype(np.float64))
    smooth.fill(forms.spec, at, values, partials)
    return Marks(at, values, partials, tuple(s for s, _ in rows))


def as_typed(spec: Spec) -> Forms:
    """Forms of a function that nobody searched: its formula, whose pieces are those of the partials too."""
    rows = ((num(0),) * len(spec.args),) * len(spec.outputs)
    return Forms(spec, spec.outputs, rows, ())
