"""Functions that an integral defines: how accurate they are, and what their tests let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.run import own_tests_pass
from vjpgen import generate_integral

pytestmark = pytest.mark.slow

# name: integrand, range, what is assumed, whether there is a closed form
TARGETS = {
    "bessel": ("exp(cos(t)*x)/pi", "t=0..pi", ["1e-3 < abs(x) < 80"], False),
    "stieltjes": ("exp(-t*x)/(1+t)", "t=0..oo", ["1e-6 < x < 1e6"], False),
    "elliptic": ("1/sqrt((1-t**2)*(1-m*t**2))", "t=0..1", ["0 < m < 0.99"], False),
    "quartic": ("exp(-t**4*x)", "t=-y..2*y", ["0.01 < x < 10", "0 < y < 2"], False),
    "lorentz": ("1/(1+x*t**2)", "t=0..y", ["0.01 < x < 100", "0.1 < y < 10"], False),
    "logmean": ("x**t", "t=0..1", ["x > 0"], True),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_right_to_two_bits(name: str, tmp_path: Path) -> None:
    integrand, over, assume, closed = TARGETS[name]
    found = generate_integral(integrand, over, name=name, assume=assume)
    assert bool(found.closed) == closed
    for label, figures in found.figures:
        assert figures.points > 100, label
        assert figures.mean_bits <= 2.0, label
        assert figures.bad == 0, label
    assert own_tests_pass(found, name, tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("/ 2, w[", "/ 2, 1.000001 * w["),
        ("change = change + integrand(high", "change = change - integrand(high"),
        ("), (jnp.asarray(x), jnp.asarray(y))", "), (jnp.asarray(x), jnp.asarray(x))"),
        ("partial_y * cotangent", "partial_x * cotangent"),
    ],
)
def test_faults_are_found(right: str, wrong: str, tmp_path: Path) -> None:
    integrand, over, assume, _ = TARGETS["quartic"]
    found = generate_integral(integrand, over, name="quartic", assume=assume)
    assert right in found.module
    assert not own_tests_pass(found, "quartic", tmp_path, found.module.replace(right, wrong))
