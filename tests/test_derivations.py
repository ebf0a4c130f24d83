"""What a report says of how its forms follow from the formula, and how the page shows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vjpgen import derivations, points, rule_steps, steps_shown
from vjpgen.branches import plain, questions
from vjpgen.derivations import Branch
from vjpgen.expr import show
from vjpgen.parse import parse
from vjpgen.pipeline import generate
from vjpgen.shown import read
from vjpgen.survey import Quantity

VALUE, SLOPE = Quantity("value", 0, None), Quantity("d/dx", 0, 0)


def said(
    formula: str,
    *forms: tuple[Quantity, str],
    definitions: tuple[tuple[str, str], ...] = (),
    assume: str = "",
) -> list[tuple[Branch, ...]]:
    """The branches of forms of a formula, as a report of them would say."""
    spec = parse(formula, assume=[assume] if assume else [])
    sample = points.sample(spec, 512, 1)
    exact = SimpleNamespace(at=sample.at)
    survey: Any = SimpleNamespace(
        spec=spec, exact=exact, drawn=512, ordinary=sample.ordinary, quantities=[q for q, _ in forms]
    )
    report: Any = SimpleNamespace(
        definitions=definitions, targets=[SimpleNamespace(form=form) for _, form in forms]
    )
    return list(derivations.derivations(report, survey))


def test_a_value_and_its_derivative_by_rules() -> None:
    (value,), (slope,) = said(
        "log(1 + exp(x))", (VALUE, "softplus(x)"), (SLOPE, "-expm1(-y)"), definitions=(("y", "softplus(x)"),)
    )
    assert [line.reason for line in value.lines] == ["log1p", "softplus"]
    assert value.start == "log(1 + exp(x))"
    assert value.lines[0].left == "log(1 + a)"
    assert value.lines[0].right == "log1p(a)"
    assert value.lines[-1].term == "softplus(x)"
    assert value.found
    assert slope.found
    assert slope.lines[-1].term == "-expm1(-y)"
    assert slope.lines[-1].reason == "y as kept for the backward pass"
    assert all(line.rule for line in slope.lines[:-1])


def test_what_is_as_it_is_written() -> None:
    ((branch,),) = said("x*exp(x)", (VALUE, "x * exp(x)"))
    assert branch == Branch((), "x * exp(x)", (), "", "x * exp(x)", True)
    (one,) = steps_shown.branches((branch,))
    assert one.count == "as it is written"


def test_series_corners_and_tails_are_named() -> None:
    form = "where(x == inf, inf, where(abs(x) < 1/2, poly(x, 1, 1/2, 1/6), expm1(x) / x))"
    ((corner, series, rest),) = said("(exp(x) - 1)/x", (VALUE, form))
    assert corner.remark.startswith("At these inputs alone")
    assert corner.conditions == ("x == inf",)
    assert series.remark.startswith("A series at 0, not a rule: a polynomial of degree 2 in x.")
    assert series.conditions == ("x != inf", "abs(x) < 1/2")
    assert not series.found
    assert [line.reason for line in rest.lines] == ["expm1"]
    assert rest.conditions == ("x != inf", "abs(x) >= 1/2")


def test_a_tail_is_not_called_equal() -> None:
    ((low, high),) = said("log(1 + exp(x))", (VALUE, "where(x > 100, x, softplus(x))"))
    assert low.remark.startswith("Equal to all digits of float64 by exact evaluation at 24 points (not by a")
    assert not low.found
    assert high.found


def test_where_no_chain_is_found_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = "x + y * sin(x)", (VALUE, "x + y * (2 * (sin(x / 2) * cos(x / 2)))")
    ((branch,),) = said(*forms)
    assert branch.found
    monkeypatch.setattr(derivations, "TRIES", 0)
    monkeypatch.setattr(derivations, "_GLANCE", derivations.Effort(2, 2, 1))
    ((branch,),) = said(*forms)
    assert not branch.found
    assert not branch.lines
    assert branch.remark.startswith("Equal to all digits of float64 by exact evaluation at 24 points")
    assert branch.remark.endswith("the page's limit was reached.")
    (one,) = steps_shown.branches((branch,))
    assert one.count == "no chain of rules"
    assert "<math" in one.end


def test_a_wrong_form_is_not_proved() -> None:
    ((branch,),) = said("exp(x) - 1", (VALUE, "expm1(x) + x / 1000"))
    assert not branch.found
    assert "not a rule" in branch.remark


def test_pieces_of_the_formula_meet_those_of_the_form() -> None:
    ((left, right),) = said(
        "where(x < 1, exp(x) - 1, x*x)", (VALUE, "where(x < 1, expm1(x), x**2)"), assume="x > -5"
    )
    assert (left.start, right.start) == ("exp(x) - 1", "x * x")
    assert [line.reason for line in (*left.lines, *right.lines)] == ["expm1", "square"]


@pytest.mark.parametrize(
    ("op", "formula", "kind"),
    [("double_word", "exp(x * y)", "double words"), ("wide_range", "x * y / (x + 1)", "a wider range")],
)
def test_another_arithmetic_is_the_same_formula(op: str, formula: str, kind: str) -> None:
    ((branch,),) = said(formula, (VALUE, f"{op}({formula})"))
    (line,) = branch.lines
    assert line.reason == f"the same in {kind}: {formula}"
    assert not line.rule
    (one,) = steps_shown.branches((branch,))
    assert one.count == "1 step, 1 of them no rule"


def test_guards_are_those_of_the_domain() -> None:
    ((proved,),) = said("log(x*x)", (VALUE, "2 * log(x)"), assume="x > 0")
    assert proved.found
    guards = {g for line in proved.lines for g in line.guards}
    assert guards <= {"a > 0", "b > 0", "a != 0", "a >= 0"}
    assert guards


def test_the_derivative_of_the_value_is_a_step_of_its_own() -> None:
    value, slope = said(
        "x*tanh(log(1+exp(x)))",
        (VALUE, "x * tanh(softplus(x))"),
        (SLOPE, "tanh(softplus(x)) + x * (logistic(x) / cosh(softplus(x))**2)"),
    )
    assert value[0].found
    assert slope[0].found


def test_every_step_is_right() -> None:
    spec = parse("sqrt(x+1) - sqrt(x)", assume=["x > 0"])
    sample = points.sample(spec, 512, 1)
    form = read("1 / (sqrt(x) + sqrt(1 + x))")
    at = sample.at.astype(np.float64)
    (one,) = questions(spec, plain(spec, VALUE), form, VALUE, {}, None, at, sample.ordinary)
    found, _ = derivations.rewriting.chain(one.start, one.end, one.holds)
    assert found is not None
    assert rule_steps.all_right(found.start, found.steps, one.holds)
    assert one.holds("pos", read("x"))
    assert not one.holds("pos", read("x - 1"))
    assert not one.holds("nonneg", read("log(x)"))
    assert one.holds("nz", read("x - 1"))
    assert one.gap[1] < 1e-15
    assert show(one.written) == show(form)


def test_long_terms_are_text() -> None:
    text = " + ".join(["x"] * 400)
    (one,) = steps_shown.branches((Branch(("x < 737/1000",), text, (), "told", "x", False),))
    assert one.start.startswith("<code>x + x")
    assert "0.737" in one.conditions[0]


def test_forms_with_too_many_branches_are_left() -> None:
    form = "0"
    for k in range(20):
        form = f"where(x < {k}, {k}, {form})"
    assert said("x + 1", (VALUE, form)) == [()]


def shown(page: str) -> list[str]:
    return [part.partition("<h3>Error")[0] for part in page.split("<h3>How it follows")[1:]]


def test_the_page_shows_them() -> None:
    made = generate("x - y*log(1 + exp(x))", name="shifted", effort="low")
    text = made.page()
    assert (
        text.count('<details class="steps"')
        == text.count('aria-label="steps of ')
        >= len(made.report.targets)
    )
    assert "How it follows from what one writes" in text
    assert '<span class="rule">softplus</span>' in text
    assert shown(made.page()) == shown(text)
