"""Factors above and below one line."""

from __future__ import annotations

import pytest

from vjpgen.cancel import cancelled
from vjpgen.expr import show
from vjpgen.parse import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c*(a*(-2)/(a*(1 + sqrt(b))))/b", "c * ((-2) / (1 + sqrt(b))) / b"),
        ("x*y/(z*x)", "y / z"),
        ("x/(1/y)", "x * y"),
        ("a*2/a", "2"),
        ("-(x*y)/(y*x)", "-1"),
        ("(x/y)*(y/x)", "1"),
        ("(x + y)/(x*y)", "(x + y) / (x * y)"),
    ],
)
def test_cancelled(text: str, expected: str) -> None:
    assert show(cancelled(parse(text).outputs[0])) == expected
