"""Figures of what was measured."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from vjpgen.pipeline import Generated
from vjpgen.report import Figures, Target, accuracy_lines, failure, figures

F = np.float32
AT = np.array([[1.0], [-2.0], [0.5], [4.0]])


def test_figures() -> None:
    truth = np.array([1.0, 2.0, 3.0, np.nan])
    got = np.array([1.0, 2.0 + 2**-22, 3.0, 7.0], F)
    found = figures(got, truth, AT)
    assert (found.points, found.max_ulps, found.worst, found.bad) == (3, 1.0, (-2.0,), 0)
    assert found.mean_bits == pytest.approx(1 / 3)
    assert found.p99_ulps == 1.0


def test_figures_count_what_is_not_finite() -> None:
    found = figures(np.array([np.inf, np.nan, 1.0, 1.0], F), np.ones(4), AT)
    assert (found.bad, found.max_ulps) == (2, 2.0**32)


def test_figures_without_points() -> None:
    found = figures(np.ones(4, F), np.full(4, np.nan), AT)
    assert (found.points, found.worst, found.bad) == (0, (), 0)
    assert math.isnan(found.mean_bits)


def test_values_that_are_subnormal_or_too_large_do_not_count() -> None:
    assert figures(np.ones(4, F), np.array([1e-40, 1e39, np.inf, 1.0]), AT).points == 1


def test_failure_prefers_what_is_not_finite() -> None:
    got = np.array([5.0, 1.0, np.nan, np.inf], F)
    found = failure(got, np.ones(4), AT)
    assert found is not None
    assert found.inputs == (0.5,)
    assert math.isnan(found.got)
    assert found.truth == 1.0


def test_failure_takes_the_most_ordinary_input() -> None:
    found = failure(np.array([2.0, 1.0, 1.0, 2.0], F), np.ones(4), AT)
    assert found is not None
    assert found.inputs == (1.0,)


def test_no_failure() -> None:
    assert failure(np.ones(4, F), np.ones(4), AT) is None
    assert failure(np.ones(4, F), np.full(4, np.nan), AT) is None
    assert failure(np.full(4, 1 + 2**-20, F), np.ones(4), AT) is None


def figure(points: int) -> Figures:
    return Figures(points, 0.25, 2.0, 3.0, (1.0,), 0)


def test_accuracy_lines() -> None:
    row = Target("d/dx", "exp(x)", figure(99), figure(99), figure(99), None)
    none = Target("d/dy", "0", figure(0), figure(0), figure(0), None)
    assert accuracy_lines([row, none], "float32", "x > 0") == (
        "d/dx: at most 3 ulp, 99% within 2, mean 0.25 bits, over 99 float32 points of x > 0",
        "d/dy: nowhere a normal float32 number on x > 0",
    )


def test_a_report_of_a_module(decay: Generated) -> None:
    found = decay.report
    labels = [t.label for t in found.targets]
    assert len(labels) == 6
    assert [label.startswith("d") and "/d" in label for label in labels] == [False, True, True] * 2
    assert found.domain == "r > 0"
    assert found.args == ("r", "t")
    assert found.dtype == "float32"
    assert dict(found.versions).keys() >= {"vjpgen", "jax", "jaxlib"}
    assert found.residual_bytes > 0
    for t in found.targets:
        assert t.form
        assert t.figures.max_ulps >= t.figures.p99_ulps >= 0


def test_plain_data(decay: Generated) -> None:
    found = json.loads(json.dumps(decay.report.to_dict()))
    assert found["name"] == "decay"
    assert [t["label"] for t in found["targets"]] == [t.label for t in decay.report.targets]
