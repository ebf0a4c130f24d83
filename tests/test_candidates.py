"""What is on offer for a target: cost against bits, and what effort and preference change."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vjpgen.candidates import cost, tails
from vjpgen.errors import OptionError
from vjpgen.evaluation import evaluate
from vjpgen.expr import num, var
from vjpgen.parse import parse
from vjpgen.pipeline import generate
from vjpgen.search import search

pytestmark = pytest.mark.thorough
FORMULA = "sqrt(x + 1) - sqrt(x)"


def test_each_form_on_the_front_is_better_than_all_cheaper_ones() -> None:
    forms = search(parse(FORMULA, assume=("x > 0",)))
    assert len(forms.fronts) == 2
    assert all(forms.fronts)
    for front in forms.fronts:
        for a, b in pairwise(front):
            assert a.cost <= b.cost
            assert a.bits > b.bits


def test_speed_is_never_dearer_than_accuracy() -> None:
    for text in (FORMULA, "exp(-x**2/2)", "log(1 + exp(x))"):
        accurate, fast = (search(parse(text), prefer=p) for p in ("accuracy", "speed"))
        assert sum(map(cost, fast.values)) <= sum(map(cost, accurate.values))
    fast, accurate = (search(parse("sinh(x)/x"), prefer=p) for p in ("speed", "accuracy"))
    assert cost(fast.values[0]) < cost(accurate.values[0])


def test_the_report_holds_the_front_and_the_command_the_options() -> None:
    generated = generate(FORMULA, assume="x > 0", effort="low", prefer="speed")
    assert all(t.front for t in generated.report.targets)
    assert "--effort low --prefer speed" in generated.module
    assert "--effort" not in generate("x*y").module


def test_limits_and_multiples_of_arguments_are_told_by_the_truth() -> None:
    x = np.linspace(-50, 50, 101, dtype=np.float32)
    wide = x.astype(float)
    found = {e.op: e for e in tails(np.maximum(wide, 0.0), {"x": x})}
    assert set(found) == {"num", "var"}
    assert num(-2) * var("x") in tails(-2 * wide + np.exp(-np.abs(wide)), {"x": x})
    assert tails(1 + 1e-12 * wide, {"x": x}) == [], "float64 is not served by what float32 rounds to"
    assert tails(np.cos(wide), {"x": x}) == []


def test_a_saturated_derivative_is_finite() -> None:
    ((slope,),) = search(parse("x/2*(1 + tanh(x + x**3))")).partials
    with np.errstate(all="ignore"):
        got = evaluate(slope, {"x": np.array([-1e30, -1e14, 1e14, 1e30], np.float32)})
    np.testing.assert_array_equal(got, [0, 0, 1, 1])
    assert np.isnan(evaluate(slope, {"x": np.array([np.nan], np.float32)})).all()


@pytest.mark.parametrize("options", [{"effort": "most"}, {"prefer": "beauty"}])
def test_other_words_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(OptionError, match="is one of"):
        generate("x", **options)  # type: ignore[arg-type]
