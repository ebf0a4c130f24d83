"""The solutions of several equations: how accurate they are, and what their tests let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.run import own_tests_pass
from vjpgen import generate_implicit
from vjpgen.errors import DomainError

pytestmark = pytest.mark.slow

# name: equations, unknowns, arguments, what is assumed
TARGETS = {
    "acid": (
        "h*b = K*(c - b), h*(h - b) = 1e-14", "h,b", "c,K",
        ["1e-12 < c < 10", "1e-14 < K < 0.1", "h > 0 & b > 0"],
    ),
    "circle": ("x**2 + y**2 = r, y = k*x", "x,y", "r,k", ["0.1 < r < 10 & 0.1 < k < 10", "x > 0 & y > 0"]),
    "arm": (
        "p*cos(u) + q*cos(u + v) = x, p*sin(u) + q*sin(u + v) = 0", "u,v", "p,q,x",
        ["1 < p < 2 & 1 < q < 2 & 1.1 < x < 1.9", "-pi < u < pi & 0 < v < pi"],
    ),
    "three": (
        "x + y + z = a, x*y = b*z, x = 2*y", "x,y,z", "a,b",
        ["0.01 < a < 100 & 0.01 < b < 100", "x > 0 & y > 0 & z > 0"],
    ),
    "exponential": (
        "x + y*exp(x) = a, y = b*x", "x,y", "a,b", ["0.01 < a < 1e4 & 0.01 < b < 100", "x > 0 & y > 0"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_right_to_a_bit_and_finite(name: str, tmp_path: Path) -> None:
    equations, unknowns, args, assume = TARGETS[name]
    found = generate_implicit(equations, solve=unknowns, name=name, args=args, assume=assume)
    for label, figures in found.figures:
        assert figures.points > 1000, label
        assert figures.mean_bits <= 1.0, label
        assert figures.bad == 0, label
    assert own_tests_pass(found, name, tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("-column[j][0] for j", "-1.000001 * column[j][0] for j"),
        ("(state[0] < 24)", "(state[0] < 0)"),
        (
            "return (x, y), (jnp.asarray(r), jnp.asarray(k), x, y)",
            "return (y, x), (jnp.asarray(r), jnp.asarray(k), x, y)",
        ),
        ("x_by_r * x_bar + y_by_r * y_bar", "x_by_r * x_bar - y_by_r * y_bar"),
        (
            "return tuple(_cast(jnp.where(known, x[0], jnp.nan), dtype)",
            "return tuple(jnp.where(known, x[0], jnp.nan)",
        ),
    ],
)
def test_faults_are_found(right: str, wrong: str, tmp_path: Path) -> None:
    equations, unknowns, args, assume = TARGETS["circle"]
    found = generate_implicit(equations, solve=unknowns, name="circle", args=args, assume=assume)
    squeezed = " ".join(found.module.split())
    assert right in found.module or right in squeezed
    module = found.module.replace(right, wrong)
    assert not own_tests_pass(found, "circle", tmp_path, module)


def test_what_is_not_found_is_refused() -> None:
    with pytest.raises(DomainError, match="no solution of the equations was found"):
        generate_implicit("x**2 + y**2 = r, x*y = k", solve="x,y", assume=["0.1 < r < 1 & 2 < k < 3"])
