"""What is kept between the passes: few arrays, outputs before inputs, accuracy before bytes."""

from __future__ import annotations

import numpy as np
import pytest

from plain_forms import build, plain_forms
from vjpgen import verify
from vjpgen.errors import OptionError
from vjpgen.expr import Expr, call, num, substitute, var
from vjpgen.forms import Forms, Plan
from vjpgen.residuals import candidates, cost, plan, recomputation
from vjpgen.spec import Spec

x, y, z = var("x"), var("y"), var("z")


def forms(value: Expr, *partials: Expr, args: tuple[str, ...] = ("x", "y", "z")) -> Forms:
    args = args[: len(partials)]
    return Forms(Spec("f", args, (value,), False, (), "f"), (value,), (partials,), ((1.5,) * len(args),))


def kept(p: Plan) -> list[str]:
    return [f"{r.kind} {r.name}" for r in p.residuals]


def test_constant_partials_keep_nothing() -> None:
    p = plan(forms(num(3) * x - y, num(3), num(-1)))
    assert kept(p) == []
    assert p.bwd == p.forms.partials


def test_only_inputs_that_partials_need() -> None:
    assert kept(plan(forms(x * y + z, y, x, num(1)))) == ["input x", "input y"]
    assert kept(plan(forms(call("sin", x) + y, call("cos", x), num(1)))) == ["input x"]


def test_the_output_instead_of_the_input() -> None:
    value = call("softplus", x)
    p = plan(forms(value, -call("expm1", -value)))
    assert kept(p) == ["output y"]
    assert p.bwd == ((-call("expm1", -var("y")),),)


def test_the_output_beside_an_input() -> None:
    value = call("hypot", x, y)
    p = plan(forms(value, x / value, y / value))
    assert kept(p) == ["input x", "input y"]
    saved = [c for c in candidates(p.forms) if kept(c) == ["input x", "input y", "output z"]]
    assert saved
    assert saved[0].bwd == ((x / z, y / z),)


def test_a_shared_intermediate_replaces_two_inputs() -> None:
    d = x - y
    p = plan(forms(call("sin", d), call("cos", d), call("sin", d)))
    assert kept(p) == ["intermediate x_minus_y"]
    assert p.residuals[0].expr == d


def test_partials_that_follow_from_one_keep_that_one() -> None:
    d = x - y
    p = plan(forms(call("sin", d), call("cos", d), -call("cos", d)))
    assert kept(p) == ["intermediate cos_x_minus_y"]
    q = plan(forms(call("cosh", d), call("sinh", d), call("sinh", y - x)))
    assert kept(q) == ["intermediate x_minus_y"]
    assert q.bwd == ((call("sinh", var("x_minus_y")), call("sinh", -var("x_minus_y"))),)


def test_one_of_the_partials_may_be_kept() -> None:
    n = call("logistic", x)
    p = plan(forms(x * y - z * call("softplus", x), y - z * n, x, -call("softplus", x)))
    assert [r.kind for r in p.residuals] == ["input", "intermediate"]
    assert p.residuals[1].expr == y - z * n


def test_arguments_come_before_as_many_intermediates() -> None:
    p = plan(forms(x * y, call("exp", y), call("exp", x)))
    assert kept(p) == ["input x", "input y"]


def test_an_intermediate_that_leaves_an_input_outside_is_no_use() -> None:
    d = x - y
    assert kept(plan(forms(call("sin", d) * x, call("cos", d) * x, -call("cos", d)))) == [
        "input x",
        "input y",
    ]


def test_two_intermediates() -> None:
    p = plan(forms((x - y) / z, num(1) / z, num(-1) / z, (x - y) / call("square", z)))
    assert kept(p) == ["input z", "intermediate inner"]
    assert p.residuals[1].expr == (x - y) / call("square", z)


def test_names_never_clash() -> None:
    value = call("exp", var("y"))
    args = ("y", "z", "w", "value", "x_minus_y")
    others = [num(0)] * 4
    spec = Spec("out", args, (value,), False, (), "f")
    p = plan(Forms(spec, (value,), ((value, *others),), ()))
    assert [r.kind for r in p.residuals] == ["output"]
    assert p.residuals[0].name not in (*args, "out")


def test_accuracy_comes_before_bytes() -> None:
    value = call("tanh", x)
    f = forms(value, num(1) - call("square", value))
    assert kept(plan(f)) == ["output y"]
    assert kept(plan(f, lambda p: 9.0 if p.residuals[0].kind == "output" else 0.3)) == ["input x"]
    assert kept(plan(f, lambda p: 0.38 if p.residuals[0].kind == "output" else 0.3)) == ["output y"]


def test_recomputation_decides_between_equal_bytes() -> None:
    value = call("exp", x)
    plans = candidates(forms(value, value))
    assert [kept(p) for p in sorted(plans, key=cost)] == [["output y"], ["input x"]]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("x**2", 4),
        ("3*x", 0),
        ("exp(x)", 4),
        ("sin(x - y)", 4),
        ("x*y", 8),
        ("(x*cos(y), x*sin(y))", 8),
        ("(x, 2*x)", 0),
    ],
)
def test_bytes_per_element(text: str, size: int) -> None:
    p = plan(plain_forms(text))
    columns = [np.linspace(0.5, 2.0, 10, dtype=np.float32)] * len(p.forms.spec.args)
    assert verify.measure(build(p), p.forms.spec, columns).residual_bytes == size


@pytest.mark.parametrize(
    "text", ["log(1+exp(x))", "exp(x)", "sin(x - y)*z", "sqrt(x**2 + y**2)", "(x*y, exp(x*y))", "tanh(x)"]
)
def test_every_candidate_computes_the_same(text: str) -> None:
    f = plain_forms(text)
    columns = [np.linspace(0.3, 2.0, 7, dtype=np.float32) + k for k in range(len(f.spec.args))]
    found = [verify.measure(build(p), f.spec, columns) for p in candidates(f)]
    for m in found:
        np.testing.assert_allclose(m.partials, found[0].partials, rtol=1e-6)
        np.testing.assert_allclose(m.forward, m.partials, rtol=1e-6)
    for p in candidates(f):
        meaning = {var(r.name): r.expr for r in p.residuals}
        assert tuple(tuple(substitute(e, meaning) for e in row) for row in p.bwd) == f.partials


def test_what_is_kept_can_be_chosen() -> None:
    value = call("softplus", x)
    f = forms(value, -call("expm1", -value))
    assert kept(plan(f, choice="input")) == ["input x"]
    assert kept(plan(f, choice="output")) == ["output y"]
    assert kept(plan(f, choice="recompute")) == ["output y"]
    fast = plan(f, choice="speed")
    assert [r.kind for r in fast.residuals] == ["intermediate"]
    assert fast.residuals[0].expr == f.partials[0][0]
    assert recomputation(fast) == 0


def test_accuracy_does_not_decide_what_is_recomputed() -> None:
    value = call("softplus", x)
    f = forms(value, -call("expm1", -value))
    poor = {"output y": 9.0, "input x": 0.1}
    assert kept(plan(f, lambda p: poor[kept(p)[0]])) == ["input x"]
    assert kept(plan(f, lambda p: poor[kept(p)[0]], "recompute")) == ["output y"]


def test_an_output_that_no_partial_follows_from_is_refused() -> None:
    with pytest.raises(OptionError, match="from its output"):
        plan(forms(call("sin", x), call("cos", x)), choice="output")
