"""Formulas that one identity mends: what the search makes of them, against exact values."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import plainly
from vjpgen.candidates import columns, full, judged
from vjpgen.evaluation import Evaluator
from vjpgen.expr import Expr
from vjpgen.floats import Array, representable
from vjpgen.language import FUNCTIONS, Function
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
        ("ndtri(p)", ""),
        ("erfinv(1 - x)", ""),
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


@pytest.mark.parametrize(
    "text", ["trunc(x)", "where(x < 1, besselj(0, x), x)", "x*where(x < 0, besselj(1, x), 2)"]
)
def test_choices_among_what_only_sympy_can_differentiate(text: str) -> None:
    (row,) = search(parse(text), effort="low").partials
    assert row[0].op in ("num", "where")


PLAIN = [row for row in FUNCTIONS if not row.section.startswith("Choices") and "n" not in row.params]


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.names[0])
def test_every_function_of_the_language_is_differentiated_as_it_stands(row: Function) -> None:
    args = [p.partition("=")[0].rstrip(".") for p in row.params]
    spec = parse(f"{row.names[0]}({', '.join(args)})", args=args)
    points = sample(spec, 512, 11)
    size = np.abs(points.at)
    usual = ((size > 0.1) & (size < 4)).all(axis=1)
    at = Evaluator(columns(spec, points.at[usual].astype(np.float64)), np.float64)
    for j, a in enumerate(spec.args):
        exact = points.truth_partials[usual, 0, j]
        got = full(at(plainly.partial(spec.outputs[0], a)), exact)
        both = np.isfinite(got) & np.isfinite(exact)
        assert both.any()
        np.testing.assert_allclose(got[both], exact[both], rtol=1e-7, atol=1e-12)
