"""FPCore files: what is read, what is refused and where, and that values agree."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commanded import run
from vjpgen.errors import InputError, ParseError
from vjpgen.evaluation import evaluate
from vjpgen.expr import Expr
from vjpgen.formula import Formula
from vjpgen.fpcore import MAX_FILE, cores, from_fpcore, is_fpcore
from vjpgen.parse import parse

BENCH = """
; two that can be read, one that cannot
(FPCore (x)
  :name "2sqrt (example 3.1)"
  :cite (hamming-1987)
  :pre (<= 0 x 1e30)
  (- (sqrt (+ x 1)) (sqrt x)))
(FPCore (a b.half c)
  :name "quadratic"
  (let* ([s (* b.half b.half)] [d (sqrt (- s (* a c)))])
    (if (< b.half 0) (/ c (- d b.half)) (- (/ (+ b.half d) a)))))
(FPCore countdown (x)
  (while (> x 0) ([x x (- x 1)]) x))
"""


def text_of(body: str, args: str = "x") -> str:
    (formula,) = from_fpcore(f"(FPCore ({args}) {body})")
    return formula.text


def at(text: str, **inputs: float) -> float:
    spec = parse(text, args=tuple(inputs))
    columns = {name: np.array([value]) for name, value in inputs.items()}
    return float(evaluate(spec.outputs[0], columns, np.float64).item())


def test_a_file_holds_several() -> None:
    first, second, third = cores(BENCH, "bench.fpcore")
    assert first.name == "f_2sqrt_example_3_1"
    assert isinstance(first.read, Formula)
    assert first.read.text == "sqrt(x + 1) - sqrt(x)"
    assert first.read.assume == ("0 <= x and x <= 1e30",)
    assert isinstance(second.read, Formula)
    assert second.read.args == ("a", "b_half", "c")
    assert "b.half is called b_half" in second.read.notes
    assert isinstance(third.read, InputError)
    assert "bench.fpcore, line 13, 'countdown': while is a loop" in str(third.read)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("(+ x 0.1 1/3 -2)", "x + 0.1 + 1/3 + -2"),
        ("(- x)", "-x"),
        ("(* PI (exp E))", "pi * exp(e)"),
        ("(fma x x 1)", "x * x + 1"),
        ("(cond [(< x 0) (fabs x)] [else (pow x 2)])", "where(x < 0, abs(x), x**2)"),
        ("(let ([x 1] [y x]) (+ x y))", "1 + x"),
        ("(! :precision binary32 (tgamma x))", "gamma(x)"),
        ("(if (and (< 0 x 1) (!= x 1/2)) x (fmax x 2))", None),
        ("(+ x (digits 15 -1 10))", "x + 3/2"),
        ("(* 0x1.8p1 x)", "3 * x"),
    ],
)
def test_operations(body: str, text: str | None) -> None:
    found = text_of(body)
    assert text is None or found == text
    parse(found, args=["x"])


@pytest.mark.parametrize(
    ("body", "x", "value"),
    [
        ("(round x)", -2.5, -3.0),
        ("(nearbyint x)", 2.5, 2.0),
        ("(trunc x)", -2.5, -2.0),
        ("(fmod x 3)", -7.5, -1.5),
        ("(remainder x 3)", 5.0, -1.0),
        ("(fdim x 3)", 5.0, 2.0),
        ("(copysign 3 x)", -5.0, -3.0),
        ("(/ LN10 LN2)", 1.0, math.log2(10)),
        ("(* LOG2E x)", 1.0, 1 / math.log(2)),
        ("(* M_2_SQRTPI x)", 1.0, 2 / math.sqrt(math.pi)),
    ],
)
def test_values_are_those_of_c(body: str, x: float, value: float) -> None:
    assert at(text_of(body), x=x) == pytest.approx(value, rel=1e-15)


def test_names_of_arguments_do_not_hide_functions_and_constants() -> None:
    (formula,) = from_fpcore("(FPCore (e exp lambda) (+ (exp e) (* E exp lambda)))")
    assert formula.args == ("e_", "exp_", "lambda_")
    assert formula.text == "exp(e_) + e * exp_ * lambda_"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no FPCore"),
        ("(FPCore (x) (+ x 1)", "is never closed"),
        ("(FPCore (x) (+ x 1)))", "closes nothing"),
        ("(FPCore (x) (+ x 1])", "closes nothing"),
        ('(FPCore (x) :name "a (+ x 1))', "never ends"),
        ("(FPCore x)", "begins with its arguments"),
        ("(FPCore (x))", "no body"),
        ("(FPCore ((x 3)) x)", "not an array"),
        ("(FPCore (x) x x)", "a property"),
        ("(FPCore (x) (lob x))", "did you mean log?"),
        ("(FPCore (x) (sin x x))", "sin takes 1 operand, not 2"),
        ("(FPCore (x) (+ x y))", "neither an argument nor a constant"),
        ("(FPCore (x) (+ x INFINITY))", "no real number"),
        ("(FPCore (x) (isnan x))", "asks about a float"),
        ("(FPCore (x) (tensor ([i 3]) x))", "is about arrays"),
        ("(FPCore (x) (+ x (< x 1)))", "this is a condition"),
        ("(FPCore (x) (if x 1 2))", "a condition is expected"),
        ("(FPCore (x) (/ x 0))", "division by zero"),
        ("(FPCore (x) (+ x 1e999))", "outside the range"),
        ("(FPCore (x) (pow 10 (pow 10 10)))", "outside the range"),
        ("(FPCore (x) (let (x) x))", "a binding is a name and a value"),
        ("(FPCore (x) ((+ x 1)))", "an operation is expected"),
        ("(FPCore (x) ())", "an operation is expected"),
        ("(module (x) x)", "an FPCore is expected"),
        ("#lang racket", "an FPCore is expected"),
        ("(" * 10_000, "nested more than"),
        ("(FPCore (x) " + "(sin " * 140 + "x" + ")" * 141, "nested more than"),
        ("(" * (MAX_FILE + 1), "characters"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        parse(from_fpcore(text)[0].text)


def test_a_let_that_doubles_at_each_step_is_refused_at_once() -> None:
    bindings = " ".join(f"[t{k + 1} (* t{k} t{k})]" for k in range(100))
    with pytest.raises(InputError, match="written out"):
        from_fpcore(f"(FPCore (t0) (let* ({bindings}) t100))")


@given(st.text(alphabet="()[]\"'; x+-*/1.e:FPCore\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        from_fpcore("(FPCore (x) " + text)


def written(e: Expr) -> str:
    """An expression as an FPCore's body."""
    if not e.args:
        return {"pi": "PI", "e": "E"}.get(str(e.value), str(e.value))
    word = {"add": "+", "sub": "-", "mul": "*", "div": "/", "neg": "-", "abs": "fabs", "max": "fmax"}
    return f"({word.get(e.op, e.op)} {' '.join(map(written, e.args))})"


leaves = st.sampled_from(["x", "y", "3", "0.25", "pi"])
terms = st.recursive(
    leaves,
    lambda t: st.one_of(
        st.builds("({}) + ({})".format, t, t),
        st.builds("({}) - ({})".format, t, t),
        st.builds("({}) * ({})".format, t, t),
        st.builds("exp({})".format, t),
        st.builds("atan2({}, {})".format, t, t),
        st.builds("abs(-({}))".format, t),
    ),
    max_leaves=8,
)


@given(terms)
def test_what_is_written_is_read_back(text: str) -> None:
    try:
        e = parse(text, args=["x", "y"]).outputs[0]
    except InputError:
        return
    (formula,) = from_fpcore(f"(FPCore (x y) {written(e)})")
    assert parse(formula.text, args=["x", "y"]).outputs == (e,)


def test_what_is_no_fpcore() -> None:
    assert is_fpcore("; a\n (FPCore (x) x)")
    assert not is_fpcore("(x + FPCore)")
    with pytest.raises(ParseError):
        from_fpcore("x + 1")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bench.fpcore"
    path.write_text(BENCH)
    return path


def test_the_command_asks_for_a_folder(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench.fpcore") == 2
    said = capsys.readouterr().err
    assert "bench.fpcore has 3 FPCores" in said
    assert "-o FOLDER" in said
    assert run("bench.fpcore", "-o", "all.py") == 2
    assert run("bench.fpcore", "-o", "all", "--name", "f") == 2
    assert list(bench.parent.iterdir()) == [bench]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bench.fpcore:countdown",), "while is a loop"),
        (("bench.fpcore:other",), "there is no FPCore other"),
        (("missing.fpcore",), "cannot read missing.fpcore"),
        (("(FPCore (x) (lob x))",), "did you mean log?"),
    ],
)
def test_the_command_refuses(
    bench: Path, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, "-o", "out.py") == 2
    assert message in capsys.readouterr().err
    assert list(bench.parent.iterdir()) == [bench]


def test_the_command_writes_a_module_for_each(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.write_text("(FPCore first (x) (- (exp x) 1)) (FPCore second (x) (lob x))")
    assert run("bench.fpcore", "-o", "out", "--effort", "low") == 2
    shown = capsys.readouterr()
    assert "did you mean log?" in shown.err
    assert "expm1(x)" in shown.out
    assert sorted(p.name for p in (bench.parent / "out").iterdir()) == ["first.py", "test_first.py"]
