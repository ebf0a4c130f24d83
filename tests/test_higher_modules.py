"""Modules with generated higher derivatives: their files, what their tests catch, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commanded import run
from mutation.run import passes
from vjpgen import check, function, generate
from vjpgen.build_config import read
from vjpgen.errors import ConfigError, OptionError
from vjpgen.pipeline import Generated
from vjpgen.report import Report
from vjpgen.settings import How

FORMULA = "log(1+exp(x))"


@pytest.fixture(scope="module")
def softplus() -> Generated:
    return generate(FORMULA, name="softplus", order=2, effort="low")


def test_what_is_said(softplus: Generated) -> None:
    assert "d2/dx2  logistic(x) * logistic(-x)" in softplus.module
    assert "        d2/dx2: at most " in softplus.module
    assert "--order 2" in softplus.module.partition('"""')[2].partition('"""')[0]
    assert softplus.report.order == 2
    (target,) = softplus.report.higher
    assert target.label == "d2/dx2"
    assert target.figures.max_ulps <= 8
    assert target.plain.bad > 0
    again = Report.from_dict(json.loads(json.dumps(softplus.report.to_dict())))
    assert repr(again) == repr(softplus.report)  # equal but for nan


def test_without_an_order_nothing_changes() -> None:
    one, other = generate("x*y", name="f", effort="low"), generate("x*y", name="f", effort="low", order=1)
    assert one == other
    assert "--order" not in one.module + one.tests
    assert "HIGHER" not in one.tests


def test_its_own_tests_pass_and_kill_faults(softplus: Generated, tmp_path: Path) -> None:
    tests = tmp_path / "test_softplus.py"
    tests.write_text(softplus.tests)
    assert passes(tests, "softplus", softplus.module)
    right = "jax.nn.sigmoid(x) * jax.nn.sigmoid(-x)"
    assert softplus.module.count(right) == 1
    for wrong in (
        f"-{right}",
        "jax.nn.sigmoid(x)",
        right.replace("(-x)", "(-x - 1e-4)"),
        f"1.00001 * ({right})",
    ):
        assert not passes(tests, "softplus", softplus.module.replace(right, wrong)), wrong


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(partial_x, x_dot)", "(-partial_x, x_dot)"),
        ("y = softplus_jvp(x)\n    return y, (x,)", "y = _softplus(x)\n    return y, (x * 1.0001,)"),
        ("partial_x = _softplus_dx_partials(*_widen(y.dtype, x))", "partial_x = 0.5"),
        ("return y, _tangent(y, (partial_x, x_dot))", "return y, x_dot"),
    ],
)
def test_faults_of_the_rules_are_killed(softplus: Generated, tmp_path: Path, old: str, new: str) -> None:
    tests = tmp_path / "test_softplus.py"
    tests.write_text(softplus.tests)
    assert old in softplus.module
    assert not passes(tests, "softplus", softplus.module.replace(old, new))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("text", "options", "faults"),
    [
        (
            "x*log(1+y)",
            {"assume": "y > 0"},
            {
                "return 1.0 / (1.0 + y)": "return -1.0 / (1.0 + y)",
                "partial_x, x_dot": "partial_x * 2.0, x_dot",
            },
        ),
        (
            "(x*sin(y), exp(x))",
            {},
            {"-jnp.sin(y)": "jnp.sin(y)", "return jnp.exp(x)": "return 2.0 * jnp.exp(x)"},
        ),
        ("where(x > 1, x**3, exp(x))", {}, {"6.0 * x": "5.0 * x"}),
        ("x**5", {"order": 3}, {"60.0 * ": "50.0 * ", "20.0 * ": "-20.0 * "}),
    ],
)
def test_faults_in_others_are_killed(text: str, options: dict[str, Any], faults: Any, tmp_path: Path) -> None:
    found = generate(text, name="f", **{"order": 2, "effort": "low", **options})
    tests = tmp_path / "test_f.py"
    tests.write_text(found.tests)
    assert passes(tests, "f", found.module)
    assert any(old in found.module for old in faults)
    for old, new in faults.items():
        assert old not in found.module or not passes(tests, "f", found.module.replace(old, new)), old


def test_the_live_function() -> None:
    import jax

    f = function("x**3*y", args=["x", "y"], order=2, effort="low")
    twin = function("x**3*y", args=["x", "y"], order=2, effort="low", mode="jvp")
    assert jax.grad(jax.grad(f))(2.0, 3.0) == 36.0
    assert jax.hessian(twin, 1)(2.0, 3.0) == 0.0
    assert jax.jacfwd(jax.jacrev(f, 1), 0)(2.0, 3.0) == 12.0


def test_checked_anew(tmp_path: Path) -> None:
    path = tmp_path / "softplus.py"
    assert run(FORMULA, "--order", "2", "--effort", "low", "--no-tests", "-o", str(path)) == 0
    found = check(path, tests=False)
    assert found.holds
    assert [(t.label, t.mode) for t in found.targets][-2:] == [("d2/dx2", "reverse"), ("d2/dx2", "forward")]
    path.write_text(path.read_text().replace("sigmoid(-x)", "sigmoid(-x - 1e-3)"))
    changed = {f.what: f.holds for f in check(path, tests=False).findings}
    assert not changed["d2/dx2 reverse"]
    assert changed["d/dx reverse"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cube.py"
    assert run("x**3*y", "--args", "x,y", "--order", "2", "--effort", "low", "-o", str(path)) == 0
    said = capsys.readouterr().out
    assert "  d2/dx2    " in said
    assert "  d2/dx dy  " in said
    assert path.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Heaviside(x)", "--surrogate", "x=fast-sigmoid"], "this gradient is not the derivative"),
        (["x*y", "--stop", "y"], "this gradient is not the derivative"),
        (["x*k", "--static", "k"], "no argument is static"),
        (["x*k", "--residuals", "output"], "the inputs are kept"),
        (["--solve", "y", "y**2 = x", "--assume", "x > 0", "--assume", "y > 0"], "--order does not go with"),
        (["--integral", "exp(-t*x)", "--over", "t=0..1"], "--order does not go with"),
        (["--external", "numpy:sin", "--args", "x", "--grad", "x=1"], "--order does not go with"),
    ],
)
def test_refused(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.py"
    assert run(*words, "--order", "2", "-o", str(path)) == 2
    assert said in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("order", [0, 4, "2", True])
def test_orders_that_there_are_not(order: Any) -> None:
    with pytest.raises(OptionError, match="order is 1, 2 or 3"):
        generate("x", order=order)


def test_an_option_of_the_command_again() -> None:
    assert How(order=3).words == ["--order", "3"]
    assert How().words == []


def test_the_key_of_a_table(tmp_path: Path) -> None:
    tables = tmp_path / "vjpgen.toml"
    tables.write_text('[[function]]\nexpr = "x**3"\noutput = "cube.py"\norder = 2\n')
    assert read(tables).modules[0].functions[0].asked["order"] == 2
    tables.write_text('[[function]]\nexpr = "x**3"\noutput = "cube.py"\norder = 4\n')
    with pytest.raises(ConfigError, match="order is 1, 2 or 3"):
        read(tables)


@pytest.mark.thorough
def test_the_same_bytes_under_any_hash_seed(tmp_path: Path) -> None:
    texts = set()
    for seed in ("1", "2"):
        path = tmp_path / seed / "f.py"
        path.parent.mkdir()
        words = ["-m", "vjpgen", "x*exp(-x*y)", "--order", "2", "--effort", "low", "-o", str(path)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "VJPGEN_CACHE": ""}
        subprocess.run([sys.executable, *words], check=True, env=environment, capture_output=True)
        texts.add((path.read_text(), (path.parent / "test_f.py").read_text()))
    assert len(texts) == 1
