r"""LaTeX: what is read, what has two readings and is refused, and that sympy's own LaTeX comes back."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commanded import run
from vjpgen.bridge import to_sympy
from vjpgen.errors import InputError
from vjpgen.latex import from_latex
from vjpgen.oracle import truth_of
from vjpgen.parse import parse
from vjpgen.spec import Spec


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\log(1+e^x)", "log(1 + exp(x))"),
        (r"$\displaystyle \frac{1}{2}x$", "1/2 * x"),
        (r"\frac12 x", "1/2 * x"),
        (r"\sin^2 x", "sin(x)**2"),
        (r"\sin^{-1} x", "asin(x)"),
        (r"\log_2 x", "log2(x)"),
        (r"\log_b x", "log(x) / log(b)"),
        (r"2|x| + \left|y\right|", "2 * abs(x) + abs(y)"),
        (r"\sqrt[3]{x} + \sqrt{x}", "cbrt(x) + sqrt(x)"),
        (r"\left( x+1 \right)^2", "(x + 1)**2"),
        (r"\alpha \cdot x_1 \times x_{12}", "alpha * x_1 * x_12"),
        (r"\operatorname{softplus}(x)", "log(1 + exp(x))"),
        (r"\mathrm{erf}(x)", "erf(x)"),
        (r"\max(a,b,c)", "max(max(a, b), c)"),
        (r"\sin x \cos 2\pi y", "sin(x) * cos(2 * pi * y)"),
        (r"x(1+y)", "x * (1 + y)"),
        (r"\tanh\left(x\right)", "tanh(x)"),
        (r"\lfloor x \rfloor + \left\lceil x \right\rceil", "floor(x) + ceil(x)"),
        (r"\Gamma(x) + \Gamma", "gamma(x) + Gamma"),
        (r"x! \binom{n}{k}", None),
        (r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}", "where(x > 0, x, 0)"),
        (r"\begin{cases}1 & \text{if } 0 \le x < 1, \\ y & x \geq 1 \lor\neg y=2 \\ 2&\text{else}\end{cases}",
         "where(0 <= x and x < 1, 1, where(x >= 1 or not y == 2, y, 2))"),
        (r"\left(r\cos\theta, r\sin\theta\right)", "(r * cos(theta), r * sin(theta))"),
        (r"\hat{x} + \mathbf{y}", "x_hat + y"),
        (r"x^{-1.50}", "x**(-1.50)"),
    ],
)  # fmt: skip
def test_reading(latex: str, text: str | None) -> None:
    formula = from_latex(latex)
    assert text is None or formula.text == text
    parse(formula.text, args=formula.args, assume=formula.assume)


def test_an_equation_names_the_function_and_its_arguments() -> None:
    formula = from_latex(r"f(y, e) = y^e")
    assert (formula.name, formula.args, formula.text) == ("f", ("y", "e"), "y**e")
    assert from_latex(r"\operatorname{gauss}(x) = e^{-x^2}").name == "gauss"
    assert from_latex(r"\lambda x").args == ("lambda_", "x")


def test_cases_without_a_last_resort_become_an_assumption() -> None:
    assert from_latex(r"\begin{cases} x & x > 1 \\ -x & x < -1 \end{cases}").assume == ("x > 1 or x < -1",)


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        ("", "the formula is empty"),
        (r"1/2x", "two ways"),
        (r"\sin x/2", "two ways"),
        (r"\sin x(y+1)", "two ways"),
        (r"\ln^{-1} x", "two ways"),
        (r"\sigma(x)", "a function or a factor"),
        (r"x2", "a number after a factor"),
        (r"x^23", "only 2 belongs to the ^"),
        (r"x^-1", "a group in braces"),
        (r"x^2^3", "a second power"),
        (r"x'", "a prime"),
        (r"\int x dx", "belongs to calculus"),
        (r"\sum_i x_i", "write the terms out"),
        (r"\infty - x", "no real number"),
        (r"x \pm 1", "two formulas"),
        (r"\|x\|", "a norm"),
        (r"\foo x", r"the command \foo is not read"),
        (r"\cdot x", "a value is expected here"),
        (r"\frac{x}{0}", "division by zero"),
        (r"10^{400}x", "outside the range"),
        (r"9^{9^{9^9}}x", "outside the range"),
        (r"\left(x", "ends too early"),
        (r"x}", "does not belong here"),
        (r"\left. x \right|", "of one side only"),
        (r"\operatorname{x", "never closed"),
        (r"\operatorname x", "braces are expected"),
        (r"\begin{cases} x", "ends too early"),
        (r"\begin{matrix} x \end{matrix}", "matrix is not read"),
        (r"f(x) = y", "not among the arguments"),
        (r"x + 1 = y", "left of an equals sign"),
        ("\u03b1", r"write \alpha"),
        ("\u00e9", "is not read here"),
        ("\x00", "U+0000"),
        ("\ud800", "U+D800"),
        ("x%y", "is not read here"),
        ("(" * 20_000, "nested more than"),
        (r"\sqrt" * 4_000, "nested more than"),
        (r"\sin" * 4_000, "nested more than"),
        (r"\hat" * 4_000, "nested more than"),
        ("x^{" * 4_000, "nested more than"),
        ("|" * 9_000, "nested more than"),
        (r"\begin{cases} 1 & " + r"\neg " * 4_000, "nested more than"),
        ("x" * 30_000, "characters"),
        ("1" * 20_000, "too many digits"),
    ],
)
def test_refusals(latex: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        from_latex(latex)


def test_a_refusal_says_where() -> None:
    with pytest.raises(InputError) as refused:
        from_latex(r"x + \foo y")
    assert str(refused.value).splitlines()[1:3] == [r"    x + \foo y", "        ^"]


@given(st.text(alphabet="\\{}()[]|^_&=<>xy12.,!+-*/ \u03b1'", max_size=40))
def test_any_text_is_read_or_refused(latex: str) -> None:
    with contextlib.suppress(InputError):
        from_latex(latex)


@given(st.lists(st.sampled_from([r"\frac", "{x}", r"\sin", "^", "2", r"\left(", r"\right)", r"\begin{cases}",
                                 "&", r"\\", r"\end{cases}", r"\sqrt", "|", "_", "x", ",", r"\neg", "<"]),
                max_size=14))  # fmt: skip
def test_any_commands_are_read_or_refused(parts: list[str]) -> None:
    with contextlib.suppress(InputError):
        from_latex("".join(parts))


POINT = {"x": 0.7, "y": 1.3}
terms = st.recursive(
    st.sampled_from(["x", "y", "2", "1/3", "pi"]),
    lambda t: st.one_of(
        st.builds("({}) + ({})".format, t, t),
        st.builds("({}) - ({})".format, t, t),
        st.builds("({}) * ({})".format, t, t),
        st.builds("({}) / (2 + ({})**2)".format, t, t),
        st.builds(
            "{1}({0})".format, t, st.sampled_from(["exp", "sin", "tanh", "atan", "asinh", "sqrt", "log"])
        ),
        st.builds("({})**3".format, t),
    ),
    max_leaves=8,
)


@settings(deadline=None)  # the first example loads sympy's printer
@given(terms)
def test_what_sympy_writes_is_read_back(text: str) -> None:
    try:
        spec = parse(text, args=["x", "y"])
    except InputError:
        return
    before = exact(spec)
    assume(np.isfinite(before))
    symbols = {name: sp.Symbol(name, positive=True) for name in POINT}
    formula = from_latex(sp.latex(to_sympy(spec.outputs[0], symbols)))
    again = exact(parse(formula.text, args=formula.args or ["x"]))
    assert again == pytest.approx(before, rel=1e-9, abs=1e-9)


def exact(spec: Spec) -> float:
    """The value at POINT. In float64 sqrt(sin(sin(pi))) is 1e-8, and sympy writes 0."""
    values, _ = truth_of(spec).with_partials(np.array([[POINT[name] for name in spec.args]]))
    return float(values.item())


@pytest.mark.parametrize(
    "words",
    [
        ("--latex", r"\sigma(x)"),
        ("--latex", "x", "x"),
        ("--latex", "x", "--inverse", "x"),
        ("--latex", "x", "--external", "math:sin"),
    ],
)
def test_the_command_refuses(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words, "-o", "out.py") == 2
    assert not list(tmp_path.iterdir())


def test_the_command_generates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--latex", r"f(x) = e^x - 1", "-o", "grown.py", "--effort", "low") == 0
    assert "grown(x) = exp(x) - 1" in capsys.readouterr().out
    assert "vjpgen 'exp(x) - 1' --name grown" in (tmp_path / "grown.py").read_text()
