"""Functions of one variable, searched once wherever they stand."""

from __future__ import annotations

import numpy as np

from vjpgen import stand_ins
from vjpgen.effort import EFFORTS
from vjpgen.evaluation import evaluate
from vjpgen.improve import _of_one_variable
from vjpgen.parse import parse
from vjpgen.stand_ins import OneVariable

EXPREL = parse("(exp(u) - 1)/u").outputs[0]


def test_the_points_have_the_signs_and_zeros_with_the_limit() -> None:
    spec, at, target, verges = OneVariable(EXPREL, "u", 1.0, negative=True, positive=False).problem()
    assert spec.args == ("u",)
    assert 0 < verges < len(at) // 4
    assert (at <= 0).all()
    zeros = at[:, 0] == 0
    assert 0 < zeros.sum() <= len(at) // stand_ins._ZEROS
    assert (target.truth[zeros] == 1.0).all()
    u = at[~zeros, 0].astype(np.float64)
    np.testing.assert_allclose(target.truth[~zeros], np.expm1(u) / u)


def test_none_where_the_function_is_real_nowhere() -> None:
    assert OneVariable(parse("log(u)").outputs[0], "u", 0.0, negative=True, positive=False).problem() is None


def test_a_function_is_searched_once_for_all_places() -> None:
    one = OneVariable(EXPREL, "u", 1.0, negative=True, positive=True)
    _of_one_variable.cache_clear()
    form = _of_one_variable(one, EFFORTS["low"])
    assert _of_one_variable(one, EFFORTS["low"]) is form
    assert _of_one_variable.cache_info().hits == 1
    u = np.array([0.0, 1e-20, -1e-3, 2.5, -60.0], np.float32)
    exact = np.array([1.0, 1.0, np.expm1(-1e-3) / -1e-3, np.expm1(2.5) / 2.5, np.expm1(-60.0) / -60.0])
    np.testing.assert_allclose(evaluate(form, {"u": u}), exact, rtol=1e-6)
