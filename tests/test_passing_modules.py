"""The tests that come with a module pass on it, and fail where how it is called is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vjpgen
from mutation.run import passes

Faults = list[tuple[str, str]]
CASES: dict[str, tuple[tuple[str, dict[str, Any]], Faults]] = {
    "nondiff": (
        ("x*x*n", {"nondiff": "n", "args": ["x", "n"]}),
        [
            (", None)\n", ", cotangent)\n"),
            ("(partial_x, x_dot)", "(partial_x, x_dot), (1.0, n_dot)"),
        ],
    ),
    "static": (
        ("n*sin(x)", {"static": "n", "args": ["x", "n"], "param": {"n": 2}}),
        [
            ("nondiff_argnums=(1,)", "nondiff_argnums=()"),
            ("n: float = 2", "n: float = 3"),
            ("residuals\n", "residuals; n = 1.0\n"),
        ],
    ),
    "named": (
        ("(x*y, exp(x))", {"outputs": "u,v", "param": {"y": 0.5}}),
        [
            ('"u": u, "v": v}', '"u": v, "v": u}'),
            ('cotangents["u"], cotangents["v"]', 'cotangents["v"], cotangents["u"]'),
            ("ArrayLike = 0.5", "ArrayLike = 0.25"),
            ('{"u": ', '{"w": '),
        ],
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_generated_tests_pass_on_their_module_and_on_no_other(name: str, tmp_path: Path) -> None:
    (formula, options), faults = CASES[name]
    made = vjpgen.generate(formula, name=name, effort="low", **options)
    tests = tmp_path / f"test_{name}.py"
    tests.write_text(made.tests)
    assert passes(tests, name, made.module)
    for right, wrong in faults:
        assert right in made.module, (right, made.module)
        assert not passes(tests, name, made.module.replace(right, wrong)), (right, wrong)
