"""Partials that follow from another: found by exact values, computed once."""

from __future__ import annotations

import numpy as np

from vjpgen import residuals, search
from vjpgen.candidates import Target
from vjpgen.expr import call, num, var
from vjpgen.parse import parse
from vjpgen.twins import apart, filled

x = var("x")


def test_found_and_put_back() -> None:
    t = np.array([1.0, np.nan, -2.0])
    targets = [
        Target((call("exp", x),), t),
        Target((x,), t + 1),
        Target((x + 1,), -t),
        Target((x * 2,), t + 1),
        Target((num(0),), 0 * t),
    ]
    left, same = apart(targets, 1)
    assert same == {2: (0, True), 3: (1, False)}
    assert left[0].shapes == (call("exp", x), -(x + 1))
    assert left[1].shapes == (x, x * 2)
    assert filled([x, x + 1, num(0), num(0), num(0)], same) == (x, x + 1, -x, x + 1, num(0))


def test_minus_signs_are_taken_out_of_choices() -> None:
    inside = call("where", call("gt", x, num(0)), x, call("exp", x))
    chosen = call("where", call("gt", x, num(0)), -x, -call("exp", x))
    assert filled([chosen, num(0)], {1: (0, True)}) == (-inside, inside)


def test_values_never_follow_from_each_other() -> None:
    t = np.array([1.0, 2.0])
    assert apart([Target((x,), t), Target((-x,), -t)], 2)[1] == {}


def test_what_depends_on_a_difference_keeps_one_array() -> None:
    forms = search.search(parse("exp(x)/(exp(x) + exp(y))"))
    assert forms.partials[0][1] == -forms.partials[0][0] or forms.partials[0][0] == -forms.partials[0][1]
    assert len(residuals.plan(forms, search.backward_bits).residuals) == 1
