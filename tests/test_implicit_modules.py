"""Functions that an equation defines: how accurate they are, and what their tests let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.run import own_tests_pass
from vjpgen import generate_implicit
from vjpgen.errors import DomainError

pytestmark = pytest.mark.slow

# name: equation, unknown, arguments, what is assumed
TARGETS = {
    "kepler": ("E - e*sin(E) = M", "E", "M,e", ["0 <= e < 1"]),
    "lambert": ("y*exp(y) = x", "y", "x", ["x > -exp(-1)", "y >= -1"]),
    "lower": ("y + log(-y) = log(-x)", "y", "x", ["-exp(-1) < x < 0", "y <= -1"]),
    "colebrook": (
        "1/sqrt(f) = -2*log10(k/3.7 + 2.51/(R*sqrt(f)))", "f", "R,k",
        ["2300 < R < 1e8", "0 <= k < 0.1", "f > 0"],
    ),
    "softplus_inverse": ("log(1 + exp(y)) = x", "y", "x", ["x > 0"]),
    "van_der_waals": (
        "(p + 3/v**2)*(3*v - 1) = 8*t", "v", "p,t", ["1e-6 < p < 1e6", "1 < t < 1e4", "v > 1/3"],
    ),
    "fixed_point": ("y = cos(x*y)", "y", "x", ["-1 <= x <= 1"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_right_to_a_bit_and_finite(name: str, tmp_path: Path) -> None:
    equation, unknown, args, assume = TARGETS[name]
    found = generate_implicit(equation, solve=unknown, name=name, args=args, assume=assume)
    for label, figures in found.figures:
        assert figures.points > 1000, label
        assert figures.mean_bits <= 1.0, label
        assert figures.bad == 0, label
    assert own_tests_pass(found, name, tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("return -_dw_div(slope_x, slope)[0]", "return -1.000001 * _dw_div(slope_x, slope)[0]"),
        ("fori_loop(0, 6, step", "fori_loop(0, 0, step"),
        ("jnp.where(lost, jnp.nan, _at_place(here))", "_at_place(here)"),
        ("return y, (x, y)", "return y, (x, x)"),
    ],
)
def test_faults_are_found(right: str, wrong: str, tmp_path: Path) -> None:
    equation, unknown, args, assume = TARGETS["lambert"]
    found = generate_implicit(equation, solve=unknown, name="lambert", args=args, assume=assume)
    assert right in found.module
    assert not own_tests_pass(found, "lambert", tmp_path, found.module.replace(right, wrong))


def test_what_is_not_reached_is_refused() -> None:
    with pytest.raises(DomainError, match="solution"):
        generate_implicit("y**2 = x", solve="y", assume=["x > 0"])
