"""Terms whose exponentials differ by logarithms become one, and mean what they meant."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen import chain
from vjpgen.expr import has_op, walk
from vjpgen.gather import gathered
from vjpgen.parse import parse
from vjpgen.plainly import partial
from vjpgen.truth import Truth

CALL = (
    "s*erfc(-(log(s/k) + v**2*t/2)/(v*sqrt(t))/sqrt(2))/2"
    " - k*erfc(-((log(s/k) + v**2*t/2)/(v*sqrt(t)) - v*sqrt(t))/sqrt(2))/2"
)
SIMPLER = (  # formula, argument, exponentials that are left of its derivative
    (CALL, "s", 0),
    (CALL, "k", 0),
    (CALL, "v", 1),
    ("x*erfc((log(x) - a)/b) - exp(a + b**2/4)*erfc((log(x) - a)/b - b/2)", "x", 0),
    ("exp(x + log(y)) + y*exp(x) + exp(2*x)", "y", 1),
)
UNCHANGED = ("exp(x) + exp(2*x)", "x*exp(-x) - exp(x/2)", "sin(x) + 1/x", "exp(x*log(y)) + exp(log(y))")


def _exponentials(text: str, arg: str) -> int:
    spec = parse(text, name="f")
    return sum(x.op == "exp" for x in walk(partial(spec.outputs[0], arg)))


@pytest.mark.parametrize(("text", "arg", "left"), SIMPLER)
def test_exponentials_cancel_or_become_one(text: str, arg: str, left: int) -> None:
    assert _exponentials(text, arg) <= left


@pytest.mark.parametrize(("text", "arg"), [row[:2] for row in SIMPLER])
def test_the_derivative_stays_what_it_is(text: str, arg: str) -> None:
    spec = parse(text, name="f")
    slope = chain.partial(spec.outputs[0], arg)
    assert slope is not None
    at = np.exp(np.random.default_rng(7).normal(0, 0.5, (40, len(spec.args))))
    before, after = (Truth((e,), spec.args).values(at) for e in (slope, partial(spec.outputs[0], arg)))
    known = np.isfinite(before)
    assert known.sum() > 20
    assert np.allclose(before[known], after[known], rtol=1e-14, atol=0)


@pytest.mark.parametrize("text", UNCHANGED)
def test_exponents_without_anything_in_common_are_left_alone(text: str) -> None:
    assert gathered(parse(text, name="f").outputs[0]) is None


def test_a_difference_of_the_same_function_is_nothing() -> None:
    found = gathered(parse("exp(x - log(y))*y - exp(x) + exp(3*x)*0", name="f").outputs[0])
    assert found is not None
    assert not has_op(found, "log")
