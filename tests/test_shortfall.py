"""What is said where the bar is missed."""

from __future__ import annotations

import pytest

from vjpgen.expr import Expr, var
from vjpgen.forms import Forms, Plan, Residual
from vjpgen.parse import parse
from vjpgen.report import Figures, Shortfall, Target
from vjpgen.shortfall import sentence, shortfalls

FINE = Figures(99, 0.25, 2.0, 3.0, (1.0,), 0, 0)


def plan(text: str) -> Plan:
    spec = parse(text, args=["x"])
    partials: tuple[tuple[Expr, ...], ...] = ((spec.outputs[0],),)
    return Plan(Forms(spec, spec.outputs, partials, (), ()), (Residual("x", var("x"), "input"),), partials)


def rows(*figures: Figures) -> list[Target]:
    return [Target(label, "", f, f, f, None) for label, f in zip(("value", "d/dx"), figures, strict=True)]


@pytest.mark.parametrize(
    ("text", "worst", "at", "reason"),
    [
        ("x - 1", 2.0**20, 1.000001, "ill-conditioned there, condition number 1.0e+06"),
        ("sinh(x)", 24.0, 3.0, "jnp.sinh, which it is built on, is itself off"),
        ("x*x", 100.0, 3.0, "no better form was found"),
    ],
)
def test_the_reason(text: str, worst: float, at: float, reason: str) -> None:
    (found,) = shortfalls(plan(text), rows(Figures(99, 1.0, 20.0, worst, (at,), 0, 7), FINE))
    assert (found.label, found.off, found.points, found.inputs) == ("value", 7, 99, (at,))
    assert found.reason == reason


def test_the_worst_share_comes_first_and_what_is_fine_is_not_mentioned() -> None:
    few, many = (Figures(99, 1.0, 20.0, 2.0**32, (3.0,), n, n) for n in (1, 9))
    assert [s.label for s in shortfalls(plan("x*x"), rows(few, many))] == ["d/dx", "value"]
    assert shortfalls(plan("x*x"), rows(FINE, FINE)) == ()


def test_the_sentence() -> None:
    s = Shortfall("d/dx", 3, 4096, 173.4, (-3.25,), "no better form was found")
    assert sentence(s, ("x",)) == (
        "d/dx: 3 of 4096 points are more than 16 ulp off, up to 173 ulp at x = -3.25: "
        "no better form was found"
    )
    lost = Shortfall("value", 1, 10, 2.0**32, (1e30,), "no better form was found")
    assert "not finite at x = 1e+30" in sentence(lost, ("x",))
