"""Sign changes under which a formula keeps its size, told by its exact values."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.evaluation import evaluate
from vjpgen.parse import parse
from vjpgen.symmetry import Mirror, mirrors

AT = np.random.default_rng(3).uniform(-4, 4, (40, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cosh(x)*y", {("x", 1), ("y", -1), ("x,y", -1)}),
        ("x*y", {("x", -1), ("y", -1), ("x,y", 1)}),
        ("exp(x - y)", set()),
        ("sin(x - y)", {("x,y", -1)}),
        ("log(1+exp(-x)) + x*exp(-x)/(1+exp(-x)) + 0*y", {("x", 1), ("y", 1), ("x,y", 1)}),
        ("sqrt(x) + y", set()),
        ("x**2 + y/10**9", {("x", 1)}),
    ],
)
def test_mirrors(text: str, expected: set[tuple[str, int]]) -> None:
    spec = parse(text, args=("x", "y"))
    found = mirrors(spec.outputs[0], spec.args, AT)
    assert {(",".join(m.flipped), m.sign) for m in found} == expected


def test_an_argument_of_one_sign_has_no_mirror() -> None:
    spec = parse("x**2*y", args=("x", "y"))
    assert mirrors(spec.outputs[0], spec.args, np.abs(AT)) == ()


@pytest.mark.parametrize(("text", "sign"), [("exp(x)/(1+exp(x)) - 1/2", -1), ("x*sin(x)", 1)])
def test_an_image_is_equal(text: str, sign: int) -> None:
    e = parse(text).outputs[0]
    image = Mirror(("x",), sign).image(e)
    assert (image is e) == (text == "x*sin(x)")
    x = np.linspace(-3, 3, 21)
    np.testing.assert_allclose(
        evaluate(image, {"x": x}, np.float64), evaluate(e, {"x": x}, np.float64), atol=1e-15
    )
