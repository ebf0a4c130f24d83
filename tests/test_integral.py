"""Functions that an integral defines: what is read, exact integrals, rules, closed forms, the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from vjpgen import closed_form, quadrature, verify
from vjpgen.cli import main
from vjpgen.errors import DomainError, InputError, OptionError, ParseError
from vjpgen.expr import num, show
from vjpgen.guesses import Question
from vjpgen.integral import Integral, read_integral
from vjpgen.integral_doc import ZERO, Quadrature
from vjpgen.integral_forms import refuse_jumps
from vjpgen.integral_points import measured_at
from vjpgen.integral_truth import IntegralTruth
from vjpgen.render_integral import render_integral

BELL = ("exp(-t**2*x)", "t=0..y")

# What is read


def test_an_integral_is_read() -> None:
    spec = read_integral(*BELL, name="bell", assume=["x > 0"])
    assert (spec.args, spec.variable) == (("x", "y"), "t")
    assert [None if e is None else show(e) for e in (spec.low, spec.high)] == ["0", "y"]
    assert spec.title == "bell(x, y) = the integral of exp(-t**2*x) over t from 0 to y"
    assert read_integral("1", "s = -x**2 .. exp(a)").args == ("x", "a")
    assert read_integral("exp(-t**2*x)", "t=-oo..inf").limits == ()


@pytest.mark.parametrize(
    ("over", "options", "error", "said"),
    [
        ("t", {}, ParseError, "the range is none"),
        ("t=0", {}, ParseError, "the range is none"),
        ("t=0...5", {}, ParseError, "the range is none"),
        ("2=0..y", {}, ParseError, "the range is none"),
        ("t=0..exp(y", {}, ParseError, "never closed"),
        ("t=oo..y", {}, OptionError, "ends at oo"),
        ("t=0..t", {}, OptionError, "a limit holds 't'"),
        ("t=0..y", {"args": "x,y,t"}, OptionError, "integrated over and is among the arguments"),
        ("t=0..y", {"args": "x"}, ParseError, "y"),
    ],
)
def test_refusals(over: str, options: dict[str, str], error: type[InputError], said: str) -> None:
    with pytest.raises(error, match=said):
        read_integral("exp(-t**2*x)", over, **options)  # type: ignore[arg-type]


def test_an_integral_without_arguments_is_refused() -> None:
    with pytest.raises(InputError, match="no argument"):
        read_integral("exp(-t)", "t=0..1")


def test_an_integrand_that_jumps_is_refused() -> None:
    with pytest.raises(DomainError, match="may jump"):
        refuse_jumps(read_integral("where(t < x, 1, t)", "t=0..1"))
    refuse_jumps(read_integral("where(x > 0, t, t**2)", "t=0..1"))


# Exact integrals


@pytest.mark.parametrize(
    ("text", "over", "point", "value", "partials"),
    [
        (*BELL, (1.0, 2.0), 0.8820813907624216, (-0.42272505649247666, 0.01831563888873418)),
        ("cos(x*t)/sqrt(t)", "t=0..1", (1.0,), 1.809048475800544, (-0.3642219320321324,)),  # Fresnel
        ("exp(-t)*t**x", "t=0..oo", (4.0,), 24.0, (36.146824042363214,)),  # gamma(5), and times digamma(5)
        ("exp(-t**2*x)", "t=-oo..oo", (1.0,), 1.772453850905516, (-0.886226925452758,)),
        ("t*exp(-(t-x)**2)", "t=-oo..oo", (3.0,), 5.317361552716548, (1.772453850905516,)),
        ("abs(t-x)", "t=0..1", (0.5,), 0.25, (0.0,)),
        ("sin(t)*x", "t=-x..x", (2.0,), 0.0, (0.0,)),
        ("x**t", "t=1..0", (2.0,), -1.4426950408889634, (-0.4020105503861595,)),
    ],
)
def test_exact_integrals(
    text: str, over: str, point: tuple[float, ...], value: float, partials: tuple[float, ...]
) -> None:
    found = IntegralTruth(read_integral(text, over)).at(point)
    np.testing.assert_allclose(found[0], value, rtol=4e-16)
    np.testing.assert_allclose(found[1], partials, rtol=1e-14)


def test_second_derivatives_of_references() -> None:
    found = IntegralTruth(read_integral(*BELL)).reference((1.0, 2.0))
    mixed = -4 * np.exp(-4)
    np.testing.assert_allclose(found.second[1], (mixed, mixed), rtol=1e-9)
    np.testing.assert_allclose(found.second[0][1], mixed, rtol=1e-9)


def test_what_diverges_is_refused_with_the_point() -> None:
    spec = read_integral("1/t", "t=0..x", assume=["1 < x < 2"])
    with pytest.raises(DomainError, match="could not be certified at x = 1"):
        measured_at(spec, IntegralTruth(spec), lambda: None)


def test_what_balls_do_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="'erfinv' cannot be integrated"):
        IntegralTruth(read_integral("erfinv(t*x)", "t=0..1"))


# Rules


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("exp(-t)", "t=0..x"),
        ("exp(-t*x)", "t=0..oo"),
        ("exp(t*x)", "t=-oo..0"),
        ("exp(-x*t**2)", "t=-oo..oo"),
    ],
)
def test_every_rule_converges(text: str, over: str) -> None:
    spec = read_integral(text, over)
    exact = IntegralTruth(spec).at((1.5,))[0]
    for rule in quadrature.ladder(spec):
        found, _ = quadrature.sums(spec, rule, [spec.integrand], np.array([[1.5]]))
        np.testing.assert_allclose(found, exact, rtol=2e-5)
    assert abs(found[0, 0] / exact - 1) < 1e-13


def test_the_cheapest_rule_that_is_right_is_chosen() -> None:
    spec = read_integral(*BELL)
    for at, kind in (([[1.0, 1.0]], "legendre"), ([[1e20, 1.0]], "tanh")):
        exact = np.array([[IntegralTruth(spec).at(at[0])[0]]])
        assert quadrature.chosen(spec, [spec.integrand], np.array(at), exact).kind == kind


@pytest.mark.parametrize("over", ["t=0..y", "t=y..oo", "t=-oo..y", "t=-oo..oo"])
def test_modules_have_the_nodes_of_their_rule(over: str) -> None:
    spec = read_integral("exp(-t**2*x)", over, args="x,y")
    for rule in quadrature.ladder(spec):
        module = verify.load(render_integral(as_is(spec, rule, words=2), "vjpgen ..."), "f")
        for words, exact in zip(module._f_nodes(np.float32), quadrature.nodes(rule), strict=True):
            np.testing.assert_allclose(words[0].astype(float) + words[1], exact, rtol=1e-13, atol=1e-37)


def as_is(spec: Integral, rule: quadrature.Rule, words: int) -> Quadrature:
    slopes = (num(1), *(ZERO for _ in spec.args[1:]))
    nothing = tuple(ZERO for _ in spec.args)
    return Quadrature(spec, rule, spec.integrand, slopes, nothing, (False, False), words, ((1.0, 1.0, 1.0),))


# Closed forms


def test_closed_forms_are_found() -> None:
    spec = read_integral(*BELL)
    question = Question(spec.integrand, "t", spec.low, spec.high, ("x",))
    assert show(next(closed_form.candidates(question))) == "sqrt(pi) * erf(y * sqrt(x)) / (2 * sqrt(x))"


def test_a_search_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "CALLS", 1000)
    spec = read_integral("exp(cos(t)*x)", "t=0..1")
    assert not list(closed_form.candidates(Question(spec.integrand, "t", spec.low, spec.high, ())))


@pytest.mark.parametrize("calls", range(20, 40))
def test_a_search_ends_while_generators_are_cleared_away(calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is raised while Python closes one goes to nobody: the limit would be gone with it.
    monkeypatch.setattr(closed_form, "CALLS", calls)
    tree = sp.Add(*sp.symbols("a:3"))

    def way() -> None:
        for _ in range(1000):
            next(iter(sp.postorder_traversal(tree)))  # entered, and closed at once
            tree.count_ops()

    with pytest.raises(closed_form._TooLong):
        closed_form._within_budget(way)


# The command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--integral", "exp(-t*x)"], "--integral needs --over"),
        (["x", "--over", "t=0..1"], "--over is for an integral"),
        (["x", "--integral", "t*x", "--over", "t=0..1"], "contradict each other"),
        (["--integral", "t*x", "--over", "t:0..1"], "the range is none"),
        (["--integral", "t*x", "--over", "t=0..1", "--solve", "y"], "does not go with --integral"),
        (["--integral", "t*x", "--over", "t=0..1", "--prefer", "speed"], "does not go with --integral"),
        (["--integral", "t*x", "--over", "t=0..1", "--args", "t,x"], "is among the arguments"),
        (["--integral", "1/t", "--over", "t=0..x", "--assume", "1 < x < 2"], "could not be certified at x"),
    ],
)
def test_the_command_refuses(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*words, "-o", str(tmp_path / "f.py")])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
