"""Generated test files: what they say, that they stand alone, that they pass and that they fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest

from plain_forms import plain_forms
from vjpgen import reference, render_tests, residuals, verify
from vjpgen.doc import draft
from vjpgen.points import sample
from vjpgen.render import render_module
from vjpgen.templating import tidy

CASES = {
    "softly": "max(x, 0) + log1p(exp(-abs(x)))",
    "polar": "(r*cos(t), r*sin(t))",
    "huber": "Piecewise((r**2/2, abs(r) <= d), (d*(abs(r) - d/2), True))",
    "sinc_at_zero": "sin(x)/x",
    "three": "a*t + b*(1 - t)",
    "flat": "floor(x) + y*0",
    "special": "lambertw(x) + erfc(y)",
}
ASSUME = {"huber": ("d > 0",), "special": ("x > 0",)}


@cache
def made(name: str, where: str = "", text: str = "") -> tuple[str, str]:
    """Module and tests of a formula in its plain forms."""
    forms = plain_forms(text or CASES[name], name, assume=ASSUME.get(name, ()))
    plan = residuals.plan(forms)
    module = render_module(plan, draft(plan))
    at = reference.probe(forms, sample(forms.spec, 512, 1))
    got = verify.measure(verify.load(module, name), forms.spec, at.columns())
    plain = verify.measure_plain(forms.spec, at.columns())
    wide = verify.measure_plain(forms.spec, at.columns(at.swept, np.float64))
    suite = reference.suite(at, got, plain, wide)
    return module, render_tests.render_tests(suite, where or f"{name}.py", "vjpgen ...", verify.platform())


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own that cannot see vjpgen."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    blocker = folder / "sitecustomize.py"
    blocker.write_text("import sys\nsys.modules['vjpgen'] = None\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *options, "."]
    return subprocess.run(
        command,
        cwd=folder,
        env={**env, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_generated_tests_pass_on_their_module(name: str, tmp_path: Path) -> None:
    module, tests = made(name)
    (tmp_path / f"{name}.py").write_text(module)
    (tmp_path / f"test_{name}.py").write_text(tests)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_test_file_may_lie_elsewhere(tmp_path: Path) -> None:
    module, tests = made("softly", "../source/softly.py")
    (tmp_path / "source").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "source" / "softly.py").write_text(module)
    (tmp_path / "tests" / "test_softly.py").write_text(tests)
    done = run(tmp_path / "tests", "-k", "exact_reference or every_point")
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_failure_says_what_where_and_how_far(tmp_path: Path) -> None:
    module, tests = made("softly")
    broken = re.sub(r"return _cast\(y, dtype\)", "return _cast(1.001 * y, dtype)", module)
    assert broken != module
    (tmp_path / "softly.py").write_text(broken)
    (tmp_path / "test_softly.py").write_text(tests)
    done = run(tmp_path, "-x", "-k", "value_matches")
    assert done.returncode == 1
    assert "test_value_matches_exact_reference[ordinary points (1.0,)]" in done.stdout
    assert re.search(
        r"value at \(1.0,\): 1\.31\d+ instead of 1\.31326\d+, \d+ ulps off; allowed are 4", done.stdout
    )


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_elsewhere_products_and_sums_may_be_joined_otherwise(where: str, tmp_path: Path) -> None:
    """Run one by one, operations are rounded as on a platform that joins none of them."""
    module, tests = made("joined", text="(x + 1)*y - x")
    tests, count = re.subn(r"@jax\.jit\n(def program)", r"\1", tests)
    assert count == 1
    if where == "elsewhere":
        tests, count = re.subn(r"(?<=^MEASURED_ON = \(\n)    .*", '    "another",', tests, flags=re.M)
        assert count == 1
    (tmp_path / "joined.py").write_text(module)
    (tmp_path / "test_joined.py").write_text(tests)
    done = run(tmp_path, "-k", "matches_exact_reference or looser or autodiff")
    assert done.returncode == (where == "here"), done.stdout[-3000:]
    assert ("3.5762786865234375e-07 instead of 3.1789141985427705e-07" in done.stdout) == (where == "here")


@pytest.mark.parametrize("name", CASES)
def test_text_is_formatted_lint_clean_and_stands_alone(name: str, tmp_path: Path) -> None:
    _, tests = made(name)
    assert tidy(tests) == tests
    file = tmp_path / f"test_{name}.py"
    file.write_text(tests)
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", str(file)]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    imported = set(re.findall(r"^(?:import|from) (\w+)", tests, re.MULTILINE))
    assert imported - sys.stdlib_module_names <= {"jax", "jaxlib", "numpy", "pytest"}
    assert max(map(len, tests.splitlines())) < 400


def test_text_is_the_same_every_time() -> None:
    assert made.__wrapped__("polar") == made("polar")


def test_any_text_may_stand_in_the_docstring() -> None:
    forms = plain_forms("x + 1")
    spec = forms.spec
    for text in ('x + 1 # """', "x + 1 # \\", 'x + 1 # "', "x + 1 # {{ x }} {% raw %}"):
        object.__setattr__(spec, "text", text)
        at = reference.probe(forms, sample(spec, 64, 1))
        plain = verify.measure_plain(spec, at.columns())
        wide = verify.measure_plain(spec, at.columns(at.swept, np.float64))
        suite = reference.suite(at, plain, plain, wide)
        source = render_tests.render_tests(suite, 'a"b\\c.py')
        compile(source, "test", "exec")


def test_looser_bounds_stand_with_a_reason() -> None:
    _, tests = made("worse", text="sqrt(x + 1) - sqrt(x)")
    listed = tests[tests.index("LOOSER = [") :]
    assert "ill-conditioned" not in listed
    assert "no better form found" in listed


def test_half_precision_points_are_exact_in_both_half_types() -> None:
    assert reference.is_short(1.5)
    assert reference.is_short(-255.0)
    assert not reference.is_short(257.0)
    assert not reference.is_short(0.1)
    for text in ("x*y", "exp(x) - y"):
        _, tests = made("halves", text=text)
        half = tests[tests.index("HALF = [") : tests.index("]", tests.index("HALF = ["))]
        for number in map(float, re.findall(r"-?\d+\.\d+", half)):
            for dtype in (jax.numpy.bfloat16, jax.numpy.float16):
                assert float(jax.numpy.asarray(number, dtype)) == number
