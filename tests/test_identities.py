"""Formulas that one identity mends: what the search makes of them, against exact values."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.candidates import columns, judged
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr
from vjpgen.floats import Array, representable
from vjpgen.parse import parse
from vjpgen.points import sample
from vjpgen.search import search


@pytest.mark.parametrize(
    ("text", "assume"),
    [
        ("acosh(1 + x**2)", ""),
        ("cbrt(x + 1) - cbrt(x)", ""),
        ("(x + y)/2 - sqrt(x*y)", "x > 0 & y > 0"),
        ("exp(k*cos(x))/besseli(0, k)", "0 < k & k < 1000 & abs(x) < 4"),
        ("log(1 + exp(x)) - Max(x, 0)", ""),
    ],
)
def test_the_value_is_right_to_the_last_bits(text: str, assume: str) -> None:
    spec = parse(text, assume=[assume] if assume else [])
    points = sample(spec, 512, 11)
    truth = points.truth_values[:, 0]
    truth = np.where(representable(truth, np.float32), truth, np.nan)
    at = Evaluator(columns(spec, points.at))
    assert _bits(spec.outputs[0], at, truth) > 1
    assert _bits(search(spec).values[0], at, truth) < 0.9


def _bits(e: Expr, at: Evaluator, truth: Array) -> float:
    return float(judged(e, at, truth).bits[np.isfinite(truth)].mean())
