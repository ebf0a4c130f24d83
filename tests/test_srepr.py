"""sympy's srepr as text of the language, and what of it is refused."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from commanded import run
from test_bridge import TEXTS
from vjpgen.bridge import to_text
from vjpgen.errors import InputError
from vjpgen.parse import parse
from vjpgen.srepr import from_srepr

X = "Symbol('x')"
x, y = sp.symbols("x y")
p = sp.Symbol("p", positive=True)


@pytest.mark.parametrize(
    "s",
    [
        *(row[0] for row in TEXTS if row[2]), sp.Abs(p) * sp.sqrt(p**2), sp.Float("0.1", 30) * x, x**-3,
        sp.Float("-1.5e300") * x, sp.Piecewise((x, sp.Not(sp.And(x > 0, y > 0))), (y, True)), (x - y) / 3,
        sp.Piecewise((x, sp.Eq(x, 0)), (y, x <= 2), (1, x >= y), (0, True)), sp.log(x, 2), sp.atan2(y, x),
        sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi), sp.Dummy("d") + 1, 1 / sp.cosh(x) ** 2,
    ],
    ids=str,
)  # fmt: skip
def test_the_text_gives_what_the_expression_gives(s: sp.Expr) -> None:
    formula = from_srepr(sp.srepr(s))
    assert (formula.text, formula.args) == to_text(s)
    assert not formula.notes
    assert not formula.assume
    parse(formula.text, args=formula.args)


@pytest.mark.parametrize("several", [(x, x * y), [x, y], sp.Tuple(x, y), (x,)], ids=str)
def test_several_outputs(several: object) -> None:
    formula = from_srepr(sp.srepr(several))
    assert (formula.text, formula.args) == to_text(several)


def test_names_become_identifiers() -> None:
    formula = from_srepr(sp.srepr(sp.Symbol("lambda") * sp.Symbol("x_{1}")))
    assert formula.text == "lambda_ * x__1_"
    assert formula.args == ("lambda_", "x__1_")
    assert formula.notes == ("lambda is called lambda_, x_{1} is called x__1_",)


def test_lines_and_spaces_do_not_matter() -> None:
    assert from_srepr(" Add(Integer(1),\n\tSymbol('x'))\n").text == "1 + x"


REFUSED = [
    # what is no srepr
    ("", "no srepr"),
    ("log(", "never closed"),
    ("'x", "no srepr"),
    ("\ud800", "no srepr"),
    ("x\0", "no srepr"),
    ("x", "'x' is not read here"),
    ("oo", "'oo' is not read here"),
    ("1", "in Integer(...)"),
    ("Symbol('x') + 1", "not read here"),
    ("exp(Symbol('x'), Symbol('y'))", "exp has 1 operand, and not 2"),
    ("Pow(Symbol('x'))", "Pow has 2 operands"),
    ("Add()", "Add has 1 or more operands"),
    ("exp(x=Symbol('x'))", "takes no keyword"),
    ("exp(*[Symbol('x')])", "not read here"),
    ("Symbol('x', **{})", "** is not read"),
    ("Symbol()", "a name in quotes"),
    ("Symbol('')", "a name in quotes"),
    ("Symbol(b'x')", "a name in quotes"),
    ("Symbol('x', positive=1)", "True or False"),
    ("Symbol('x', large=True)", "no assumption"),
    ("Symbol('x', real=True, finite=False)", "contradict each other"),
    ("Dummy('d', positive=True, negative=True)", "contradict each other"),
    ("Symbol('x', imaginary=True)", "not real"),
    ("Integer(True)", "a whole number"),
    ("Integer('1')", "a whole number"),
    ("Rational(1)", "2 whole numbers"),
    ("Rational(1, 0)", "division by zero"),
    ("Float(0.1)", "in quotes"),
    ("Float('nan')", "no number"),
    ("Float('1', dps=15)", "and nothing else"),
    ("()", "at least one"),
    # what is no formula
    ("zeta(Symbol('x'))", "sympy's zeta is not read"),
    ("Not(Symbol('x'))", "a condition is expected"),
    ("StrictGreaterThan(Symbol('x'), Integer(0))", "a number is expected"),
    ("exp(true)", "a number is expected"),
    ("Piecewise(Symbol('x'))", "an ExprCondPair is expected"),
    ("Piecewise(ExprCondPair(Symbol('x'), Symbol('y')))", "a condition is expected"),
    ("Piecewise(ExprCondPair(Symbol('x'), StrictGreaterThan(Symbol('x'), Integer(0))))", "no value where"),
    ("Add(Symbol('x'), Symbol('x', positive=True))", "two symbols that differ are both called x"),
    ("Add(Dummy('x', dummy_index=1), Dummy('x', dummy_index=2))", "two symbols that differ"),
    ("log(Integer(-1))", "ImaginaryUnit is not in the language"),
    ("Pow(Integer(0), Integer(-1))", "ComplexInfinity is not in the language"),
    # what would be run
    ("__import__('os').system('true')", "only a name can be called"),
    ("exp.__class__", "not read here"),
    ("exp(lambda: 1)", "not read here"),
    ("(lambda: 1)()", "only a name can be called"),
    ("[x for x in Symbol('x')]", "not read here"),
    ("eval('1')", "sympy's eval is not read"),
    ("Lambda(Symbol('x'), Symbol('x'))", "sympy's Lambda is not read"),
    # what would take for ever
    ("x" * 30_000, "characters"),
    ("-" * 5_000 + "1", "nested too deep"),
    ("a" + "**a" * 5_000, "nested too deep"),
    ("exp(" * 150 + X + ")" * 150, "nested more than"),
    ("exp(" * 1_500 + X + ")" * 1_500, "nested too deep"),
    (f"Integer({'9' * 5_000})", "no srepr"),
    (f"Integer(0x{'f' * 5_000})", "too many digits"),
    (f"Mul({', '.join(f'Integer({10**200})' for _ in range(100))})", "sympy refuses"),
    ("Float('1e999999')", "outside the range"),
    ("Float('0.1', precision=10000000)", "a precision of"),
    ("Pow(Integer(2), Integer(1000000000))", "write out"),
    ("Pow(Mul(Integer(2), Symbol('x')), Integer(1000000000))", "write out"),
    ("Pow(Pow(Integer(2), Rational(1, 2)), Integer(1000000000))", "write out"),
    ("exp(Mul(Integer(1000000000), log(Integer(2))))", "write out"),
    ("Pow(E, Mul(Integer(1000000000), log(Integer(2))))", "write out"),
    ("gamma(Integer(1000000000))", "write out"),
    ("polygamma(Integer(100000000), Integer(1))", "write out"),
    ("floor(exp(Integer(1000000000)))", "outside the range of float64"),
    ("Max(exp(exp(exp(Integer(6)))), Integer(3))", "outside the range of float64"),
    ("Max(" + ", ".join(f"Symbol('x{k}')" for k in range(64)) + ")", "more than 32 operands"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        from_srepr(text)


def test_a_refusal_says_where() -> None:
    with pytest.raises(InputError) as refused:
        from_srepr("Add(Symbol('é'),\n zeta(Symbol('x')))")
    assert str(refused.value).splitlines()[1:3] == ["    Add(Symbol('é'), zeta(Symbol('x')))", " " * 21 + "^"]


WORDS = ["Add(", "Pow(", "exp(", "Symbol(", "'x'", "Integer(", "2", ")", ", ", "Float(", "'0.5'", "E", "-",
         "true", "Piecewise(", "ExprCondPair(", "StrictLessThan(", "Max(", "gamma(", "positive=True", "[",
         "]", "9" * 12]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    with contextlib.suppress(InputError):
        from_srepr("".join(words))


terms = st.recursive(
    st.sampled_from([x, y, p, sp.Integer(2), sp.Rational(1, 3), sp.pi, sp.Float("0.1")]),
    lambda t: st.one_of(
        st.builds(sp.Add, t, t),
        st.builds(sp.Mul, t, t),
        st.builds(lambda a: a**3, t),
        st.builds(lambda a, b: a / (2 + b**2), t, t),
        st.builds(lambda f, a: f(a), st.sampled_from([sp.exp, sp.sin, sp.tanh, sp.Abs, sp.erf, sp.sqrt]), t),
        st.builds(lambda a, b: sp.Piecewise((a, sp.Gt(x, 1)), (b, True)), t, t),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(terms)
def test_what_sympy_writes_is_read_back(s: sp.Expr) -> None:
    try:
        expected = to_text(s)
    except InputError:
        return
    formula = from_srepr(sp.srepr(s))
    assert (formula.text, formula.args) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("--srepr", "zeta(Symbol('x'))"),
        ("--srepr", X, "x"),
        ("--srepr", X, "--latex", "x"),
        ("--srepr", X, "--solve", "x"),
        ("--srepr", X, "--timeout", "-1"),
    ],
)
def test_the_command_refuses(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words, "-o", "out.py") == 2
    assert not list(tmp_path.iterdir())


def test_the_command_generates_what_the_text_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    place = "-o", "grown.py", "--effort", "low"
    assert run("--srepr", "Add(exp(Symbol('x')), Integer(-1))", *place) == 0
    assert "grown(x) = exp(x) - 1" in capsys.readouterr().out
    made = (tmp_path / "grown.py").read_bytes(), (tmp_path / "test_grown.py").read_bytes()
    assert run("exp(x) - 1", *place) == 0
    assert made == ((tmp_path / "grown.py").read_bytes(), (tmp_path / "test_grown.py").read_bytes())
