"""What is not in the language gets one error: a reason, a caret under the place, what to write instead."""

from __future__ import annotations

import time

import pytest

from patience import PATIENCE
from vjpgen.errors import DomainError, InputError, ParseError
from vjpgen.parse import parse, parse_condition
from vjpgen.points import sample

PLACES = [  # text, a caret under its first character, part of the message
    # Python, which is never evaluated
    ("__import__('os').system('x')", "__import__", "never evaluated as Python"),
    ("eval(x)", "eval", "never evaluated as Python"),
    ("__builtins__", "__builtins__", "never evaluated as Python"),
    ("x.real", ".real", "attribute access"),
    ("jnp.exp(x)", ".exp", "write exp(x), not jnp.exp(x)"),
    ("x.__class__", ".__class__", "attribute access"),
    ("[x for x in y]", "[", "arrays and indexing"),
    ("x[0]", "[", "arrays and indexing"),
    ("(x for x in y)", "for", "comprehensions"),
    ("exp(x for x in y)", "for", "comprehensions"),
    ("{x: y}", "{", "braces"),
    ("f'{x}'", "'", "strings"),
    ('x + "y"', '"', "strings"),
    ("lambda x: x", "lambda", "call an argument lambda_"),
    ("x + lambda", "lambda", "call an argument lambda_"),
    ("class*x", "class", "call an argument class_"),
    ("import os", "import", "Python keyword"),
    ("x is y", "is", "Python keyword"),
    ("x := 2", ":=", "assignments"),
    ("x = 2", "=", "write =="),
    ("f(x) = x", "f", "unknown function 'f'"),
    ("x; y", ";", "one formula only"),
    ("x # a comment", "#", "comments"),
    ("exp(*x)", "*", "argument unpacking"),
    # functions
    ("1 + foobar(x)", "foobar", "unknown function 'foobar'"),
    ("sgmoid(x)", "sgmoid", "did you mean sigmoid?"),
    ("Exp(x)", "Exp", "did you mean exp?"),
    ("x(y + 1)", "x", "for a product write x*(...)"),
    ("zeta(x)", "zeta", "no exact reference"),
    ("diff(x**2, x)", "diff", "vjpgen differentiates it"),
    ("sin(x, y)", "sin", "sin takes 1 argument, not 2"),
    ("1 + clip(x)", "clip", "clip takes 3 arguments, not 1"),
    ("abs()", "abs", "abs takes 1 argument, not 0"),
    ("log(x, y, 2)", "log", "log takes 1 to 2 arguments, not 3"),
    ("max(x)", "max", "over an axis"),
    ("logsumexp(x)", "logsumexp", "at least 2 arguments"),
    ("polygamma(x, y)", "polygamma", "whole number"),
    ("besselj(1/2, x)", "besselj", "whole number"),
    # arrays over an axis
    ("softmax(x)", "softmax", "write exp(x)/(exp(x) + exp(y))"),
    ("log_softmax(x)", "log_softmax", "write x - log(exp(x) + exp(y))"),
    ("x/norm(x)", "norm", "sqrt(x**2 + y**2)"),
    ("sum(x, axis=1)", "sum", "write the terms out"),
    ("mean(x)", "mean", "(x + y)/2"),
    ("dot(x, y)", "dot", "a*x + b*y"),
    ("max(x, y, axis=0)", "axis", "not axes"),
    ("gelu(x, approximate=True)", "approximate", "by position"),
    ("x @ y", "@", "matrix product"),
    # parentheses and operators
    ("(x + 1", "(", "never closed"),
    ("sin(x", "(x", "never closed"),
    ("x + 1)", ")", "never opened"),
    ("()", "(", "empty"),
    ("2x", "x", "write 2*x"),
    ("2(x)", "(x)", "operator is missing"),
    ("x y", "y", "operator is missing"),
    ("*x", "*", "a value is expected here"),
    ("x + * y", "* y", "a value is expected here"),
    ("x!", "!", "factorial(x)"),
    ("x // y", "//", "floor(x/y)"),
    ("x % y", "%", "mod(x, y)"),
    ("|x|", "|", "abs(x)"),
    ("x && y", "&&", "write & or and"),
    ("x => 1", "=>", "write >="),
    ("x, y", ", y", "in parentheses"),
    ("(x, y)*2", "(x, y)", "whole formula"),
    ("exp((x, y))", ", y", "whole formula"),
    ("x if x > 0", "if", "needs an 'else'"),
    # numbers
    ("1j*x", "1j", "complex numbers"),
    ("x + 2.5J", "2.5J", "complex numbers"),
    ("2i", "i", "complex numbers"),
    ("re(x)", "re", "complex numbers"),
    ("conj(x)", "conj", "complex numbers"),
    ("oo*x", "oo", "no real number"),
    ("nan", "nan", "no real number"),
    ("None", "None", "no real number"),
    ("0x10*x", "0x10", "decimal"),
    ("1.2.3*x", ".3", "one decimal point"),
    ("1e400*x", "1e400", "range of float64"),
    ("x + 1/0", "/0", "division by zero"),
    ("x + 0**-1", "**", "division by zero"),
    # sorts
    ("x > 0", "x", "a number is expected"),
    ("1 + (x > 0)", "(x", "where(condition, 1, 0)"),
    ("x and y", "x", "a condition is expected"),
    ("where(x, 1, 2)", "x", "a condition is expected"),
    ("not x", "x", "a condition is expected"),
    ("Piecewise(x, 0)", "x", "Piecewise((a, x > 0), (b, True))"),
    ("1 if x > 0 else Piecewise((x, x < -1))", "1 if", "end it with (value, True)"),
    # characters
    ("x\u00b2", "\u00b2", "write **2"),
    ("x \u2264 1", "\u2264", "write <="),
    ("\u03c3(x)", "\u03c3", "write sigma"),
    ("x \u00d7 y", "\u00d7", "write *"),
    ("x + $y$", "$", "TeX"),
    ("\\frac{x}{y}", "\\", "TeX"),
    ("x\x00", "\x00", "U+0000"),
    # beginnings and ends
    ("gamma(x)*gamma", "gamma;", "a function elsewhere"),
]


@pytest.mark.parametrize(
    ("text", "place", "message"), PLACES, ids=lambda v: v if isinstance(v, str) else None
)
def test_refused_with_a_caret_under_the_place(text: str, place: str, message: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert time.perf_counter() - start < PATIENCE
    said = str(refused.value)
    assert message in said
    expected = text.rindex("gamma") if place == "gamma;" else text.index(place)
    assert refused.value.position == expected
    lines = said.splitlines()
    assert lines[1] == "    " + text
    assert lines[2] == " " * (4 + expected) + "^"


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_no_formula(text: str) -> None:
    with pytest.raises(ParseError, match="empty"):
        parse(text)


@pytest.mark.parametrize("text", ["x +", "x**", "exp(", "x if", "(x,"])
def test_a_formula_that_ends_too_early(text: str) -> None:
    with pytest.raises(ParseError, match=r"ends too early|never closed"):
        parse(text)


def test_a_symbol_that_the_arguments_lack() -> None:
    with pytest.raises(ParseError, match=r"'y' is not among the arguments \(x\)") as refused:
        parse("x + y", args=["x"])
    assert refused.value.position == 4
    with pytest.raises(ParseError, match="did you mean lam"):
        parse("lamb*x", args=["lam", "x"])


def test_an_argument_is_no_function() -> None:
    with pytest.raises(ParseError, match=r"for a product write gamma\*"):
        parse("gamma(x)", args=["x", "gamma"])


def test_a_constant_without_arguments_has_no_gradient() -> None:
    with pytest.raises(InputError, match="--args x"):
        parse("2*pi")


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("x", 0, "a condition is expected"),
        ("x > 0, y", 7, "'y' is not among the arguments"),
        ("x > 0 x < 1", 6, "operator is missing"),
        ("x = 1", 2, "write =="),
        ("x > ", 3, "ends too early"),
        ("positive", 0, "not among the arguments"),
        ("0 < x <", 7, "ends too early"),
        ("(x > 0", 0, "never closed"),
        ("Piecewise((x, x > 0)) > 1", 0, "a value for every case"),
    ],
)
def test_conditions_are_refused_with_a_caret_too(text: str, position: int, message: str) -> None:
    with pytest.raises(ParseError, match=message) as refused:
        parse("x", assume=["x < 5", text])
    assert refused.value.position == position
    assert refused.value.text == text
    with pytest.raises(ParseError):
        parse_condition(text, ["x"])


LARGE = {
    "tower": "9**9**9**9",
    "tower of roots": "x + 9**9**9**9**0.5",
    "tower of exponentials": "x + exp(exp(exp(9)))",
    "tower with a cosine": "x + cosh(cosh(cosh(9)))",
    "factorial": "x + factorial(10**9)",
    "power": "x*10**(10**10)",
    "long power": "x*1.0000001**1000000",
    "exponent": "x*1e999999999",
    "digits": "x*" + "9" * 1000,
    "parentheses": "(" * 10_000 + "x" + ")" * 10_000,
    "few parentheses": "(" * 300 + "x" + ")" * 300,
    "calls": "sin(" * 300 + "x" + ")" * 300,
    "minus signs": "-" * 5000 + "x",
    "negations": "1 if " + "not " * 5000 + "x > 0 else 2",
    "powers": "x**" * 5000 + "x",
    "choices": "x if x > 0 else " * 1000 + "x",
    "megabyte": "x+" * 500_000 + "x",
    "megabyte of one name": "x" * 1_000_000,
    "megabyte of digits": "9" * 1_000_000,
    "sum": "x+" * 2000 + "x",
    "definitions": "mish(" * 60 + "x" + ")" * 60,
    "name": "x + " + "y" * 200,
    "arguments": "+".join(f"x{i}" for i in range(100)),
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_what_is_too_large_is_refused_quickly_with_a_reason(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError) as refused:
        parse(text)
    assert time.perf_counter() - start < PATIENCE
    assert 0 < len(str(refused.value)) < 500


def test_a_large_assumption_is_refused_as_well() -> None:
    with pytest.raises(InputError, match="characters"):
        parse("x", assume=["x > 0 & " * 10_000 + "x > 0"])
    with pytest.raises(InputError):
        parse("x", assume=["x > 9**9**9**9"])
    assert len(parse("x", assume=[" & ".join(["x > 0"] * 2000)]).assume) == 1


def test_refusals_carry_exit_status_2() -> None:
    for text in ("x +", "9**9**9", "2"):
        with pytest.raises(InputError) as refused:
            parse(text)
        assert refused.value.exit_status == 2


@pytest.mark.parametrize(
    ("text", "assume", "message"),
    [
        ("x", ["x > 1 & x < 0"], "no point satisfies the assumption: x > 1 & x < 0"),
        ("x", ["x > 0", "x < 0"], "no point satisfies the assumption"),
        ("x", ["1 > 2"], "no point satisfies the assumption"),
        ("sqrt(-1 - x**2)", [], "nowhere a real number"),
        ("x*(-1)**0.5", [], "nowhere a real number"),
        ("acos(x)", ["x > 2"], "nowhere a real number where x > 2"),
    ],
)
def test_a_formula_without_a_value_is_refused(text: str, assume: list[str], message: str) -> None:
    spec = parse(text, assume=assume)
    with pytest.raises(DomainError, match=message) as refused:
        sample(spec, 64, seed=0)
    assert refused.value.exit_status == 2
