"""Products taken apart by the variable that their factors depend on."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.expr import variables
from vjpgen.factors import separate
from vjpgen.parse import parse
from vjpgen.truth import Truth

AT = np.array([[0.5, 1.25], [1.5, 0.75], [-2.0, 3.0]])


@pytest.mark.parametrize(
    "text",
    [
        "x*y",
        "sin(x)/x*y",
        "-(exp(x)/(y*x))",
        "x/(y/x)",
        "(x/y)/(-x)",
        "3*x*exp(x*y)",
        "1/(x*y)",
        "-x*-y",
        "x",
        "2*x/(x+y)",
    ],
)
def test_the_parts_multiply_to_the_whole(text: str) -> None:
    e = parse(text, args=["x", "y"]).outputs[0]
    found = separate(e, "x")
    assert found is not None
    own, rest = found
    assert variables(own) == ("x",)
    truth = Truth((e, own * rest), ("x", "y")).values(AT)
    np.testing.assert_allclose(truth[:, 0], truth[:, 1], rtol=1e-15)


@pytest.mark.parametrize("text", ["y", "x + y", "sin(x*y)", "3", "-(x - y)/y"])
def test_nothing_to_take_out(text: str) -> None:
    assert separate(parse(text, args=["x", "y"]).outputs[0], "x") is None
