"""Functions outside JAX: what is read, looked up and refused."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import commanded
from vjpgen import generate_external
from vjpgen.again import command_again
from vjpgen.dotted import Dotted, bindings, dotted, look_up
from vjpgen.errors import DomainError, InputError, NameRefused, OptionError, ParseError
from vjpgen.external import External, read
from vjpgen.pipeline_external import searched
from vjpgen.render_external_tests import points

JV = {"x": "(jv(v-1,x) - jv(v+1,x))/2"}


def spec(target: str = "scipy.special:jv", args: str = "v,x", **options: object) -> External:
    given = {k: list(v.items()) if isinstance(v, dict) else v for k, v in options.items()}
    return read(target, args=args, **given)  # type: ignore[arg-type]


# Names


@pytest.mark.parametrize("text", ["scipy.special:jv", "m:f", "a.b_1.c:K.method", " m:f "])
def test_dotted_names(text: str) -> None:
    assert str(dotted(text, "--external")) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "f", "m:", ":f", "m:f()", "m:f;g", "__import__('os'):system", "m.:f", ".m:f", "m:f g", "m\n:f",
     "m:1f", "\u00e9:f", "m:" + "f" * 300, "lambda:f", "m:class.f", "__main__:f", "jax.numpy:sin", "m:f:g",
     "../m:f"],
)  # fmt: skip
def test_what_is_no_dotted_name_is_never_imported(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def imported(*_: object) -> None:
        raise AssertionError("imported")

    monkeypatch.setattr("vjpgen.dotted.import_module", imported)
    with pytest.raises(OptionError) as refused:
        dotted(text, "--external")
    assert refused.value.hint


def test_a_name_is_looked_up_and_not_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "looked_up_1.py").write_text("print('hello')\ndef f(): raise SystemExit\nn = 1\n")
    (tmp_path / "looked_up_2.py").write_text("raise SystemExit(5)\n")
    (tmp_path / "looked_up_3.py").write_text("import no_such_package\n")
    look_up(Dotted("looked_up_1", "f"), "--external", [tmp_path])
    assert capsys.readouterr().out == ""
    for name, message in [
        ("looked_up_1:g", "has no 'g'"),
        ("looked_up_1:n", "not a function but of type int"),
        ("looked_up_1.x:f", "no module"),
        ("looked_up_2:f", "importing looked_up_2 failed: SystemExit: 5"),
        ("looked_up_3:f", "needs no_such_package"),
        ("scipy.special:jvv", "no 'jvv'"),
        ("no_such_package.x:f", "there is no module no_such_package"),
    ]:
        with pytest.raises(OptionError, match=message) as refused:
            look_up(dotted(name, "--external"), "--external", [tmp_path])
        assert refused.value.hint


def test_imports_step_aside() -> None:
    names = [Dotted("a.b", "f"), Dotted("a.b", "g.h"), Dotted("x", "f")]
    lines, sources = bindings(names, ["x"])
    assert lines == ("import a.b", "import x as _x_module")
    assert list(sources.values()) == ["a.b.f", "a.b.g.h", "_x_module.f"]


# Options


def test_calls_are_read_once_and_in_order() -> None:
    found = spec(grad={"x": "jv(v, jv(v-1, x)) * jv(v-1, x) + y"}, stop=["v"])
    assert [(c.callee, c.operands[1].op) for c in found.calls] == [("jv", "var"), ("jv", "var")]
    assert {"v", "x", "y"} <= found.used
    assert found.twice
    assert not spec(grad={"x": "g(x)"}, also={"g": "m:g"}, stop=["v"]).twice


def test_the_function_comes_before_one_of_the_language() -> None:
    assert spec("m:erf", "x", grad={"x": "erf(x)"}).calls
    assert not spec("m:g", "x", grad={"x": "erf(x)"}).calls


def test_the_output_steps_aside() -> None:
    assert spec("m:g", "x", grad={"x": "y"}).output == "y"
    assert spec("m:g", "y", grad={"y": "y*z"}).output == "z"


def test_the_command_gives_the_same_again() -> None:
    found = spec(
        "m:g", "a,b,c", grad={"a": "h(a)"}, also={"h": "n:h"}, stop=["b"], missing={"c": "difference"},
        assume=["a > 0"], elementwise=True,
    )  # fmt: skip
    assert command_again(found.words, Path("x.py"), None) == (
        "vjpgen --external m:g --name g --args a,b,c --grad 'a=h(a)' --stop b --missing c=difference "
        "--also h=n:h --assume 'a > 0' --elementwise -o x.py"
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, OptionError, "no gradient is given to v and x"),
        ({"grad": JV}, OptionError, "no gradient is given to v,"),
        ({"grad": {"z": "1"}}, OptionError, "'z' is not among the arguments"),
        ({"stop": ["v"], "missing": {"v": "zero"}}, OptionError, "contradict"),
        ({"missing": {"v": "formula"}}, OptionError, "not 'formula'"),
        ({"missing": {"v": "differences"}}, OptionError, "one of zero, difference, complex-step"),
        ({"grad": {"x": "jv(x)"}, "stop": ["v"]}, ParseError, "jv takes 2 arguments, not 1"),
        ({"grad": {"x": "g()"}, "stop": ["v"], "also": {"g": "m:g"}}, ParseError, "at least one"),
        ({"grad": {"x": "(1, 2)"}, "stop": ["v"]}, OptionError, "not a tuple"),
        ({"grad": {"x": "jw(v, x)"}, "stop": ["v"]}, ParseError, "unknown function 'jw'"),
        ({"grad": {"x": "q"}, "stop": ["v"]}, ParseError, "'q' is not among"),
        ({"grad": JV, "stop": ["v"], "also": {"v": "m:f"}}, OptionError, "'v' is an argument"),
        ({"grad": JV, "stop": ["v"], "also": {"jv": "m:f"}}, OptionError, "itself"),
        ({"grad": JV, "stop": ["v"], "also": {"if": "m:f"}}, OptionError, "is no name"),
        ({"grad": JV, "stop": ["v"], "also": {"g": "m.f"}}, OptionError, "dotted name"),
        ({"grad": JV, "stop": ["v"], "call_dtype": "int8"}, OptionError, "--call-dtype is one of"),
        ({"grad": JV, "missing": {"v": "difference"}, "call_dtype": "same"}, OptionError, "in float64"),
        ({"grad": JV, "stop": ["v"], "assume": ["x >"]}, ParseError, "ends too early"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        spec(**options)


def test_arguments_are_given_and_keep_their_names() -> None:
    with pytest.raises(OptionError, match="--args is missing"):
        read("m:f")
    with pytest.raises(NameRefused, match="'max' cannot be an argument"):
        spec("m:f", "max", stop=["max"])
    assert spec("m:f", "x", stop=["x"], also={"g": "m:g"}).notes == ("no gradient calls g",)


# The command


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return commanded.run(*words), *capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x", "--external", "m:f", "--args", "x", "--stop", "x"], "contradict each other"),
        (["--external", "m:f", "--args", "x", "--surrogate", "x=sigmoid"], "--surrogate does not go"),
        (["--external", "m:f", "--args", "x", "--missing", "x"], "--missing takes X=WAY"),
        (["--external", "m:f", "--args", "x", "--grad", "x=1", "--grad", "x=2"], "given twice for 'x'"),
        (["--external", "no_such_module:f", "--args", "x", "--stop", "x"], "there is no module"),
        (["--external", "scipy.special:jv", "--args", "v,x", "--grad", "x=1"], "no gradient is given to v"),
        (["--external", "m:f", "--args", "x", "--stop", "x", "-o", "m.py"], "would hide the module m"),
        (["x", "--also", "g=m:g"], "--also is for a function outside JAX"),
        (["x", "--elementwise"], "--elementwise is for"),
        (["--force"], "Missing argument 'EXPR'"),
    ],
)
def test_refusals_touch_no_file(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *words, *([] if "-o" in words else ["-o", "f.py"]))
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) <= 3
    assert not list(tmp_path.iterdir())


def test_the_command_writes_module_and_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solver_here.py").write_text("def solve(x):\n    return x\n")
    words = ["--external", "solver_here:solve", "--args", "x", "--missing", "x=difference", "-o", "s.py"]
    assert run(capsys, *words) == (
        0,
        "s(x) = solver_here:solve(x)    s.py, test_s.py\n"
        "  grad x  central differences, extrapolated\n"
        "  the function gets one-dimensional arrays of one length, in float64, once for a whole batch\n"
        "  kept for the backward pass: the input x\n",
        "",
    )
    assert "import solver_here\n" in (tmp_path / "s.py").read_text()
    assert '"s.py"' in (tmp_path / "test_s.py").read_text()


# What follows from it


def test_pure_formulas_are_searched_and_others_are_not() -> None:
    found = searched(spec("m:g", "x", grad={"x": "exp(x)/(1 + exp(x))"}), "low", lambda _: None)
    assert found.searched == {0}
    assert found.anchors
    same = spec("m:g", "x", grad={"x": "y*(1 - y)"})
    assert searched(same, "low", lambda _: None) is same


def test_points_satisfy_what_is_assumed() -> None:
    at = points(spec("m:g", "a,b,c", stop=["a", "b", "c"], assume=["a > 0", "0 < b < 1", "c < -a"]))
    a, b, c = at.T
    assert (len(at), (a > 0).all(), ((b > 0) & (b < 1)).all(), (c < -a).all()) == (48, True, True, True)
    assert (at == np.asarray(jnp.asarray(at, jnp.bfloat16), float)).all()
    with pytest.raises(DomainError, match="too few points"):
        points(spec("m:g", "a", stop=["a"], assume=["a > 1", "a < 0"]))


def test_hostile_texts_stay_data() -> None:
    with pytest.raises(InputError):
        generate_external("os:system", args="x", grad={"x": "__import__('os').system('true')"})
    with pytest.raises(InputError):
        generate_external('os:system"""', args="x", stop="x")
