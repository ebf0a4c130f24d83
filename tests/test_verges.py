"""Points close to the ends of the range: inside, near, of every result, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from vjpgen.floats import huge, representable, tiny
from vjpgen.parse import parse
from vjpgen.points import Points, sample
from vjpgen.verges import verges


def found(text: str, *assume: str, seed: int = 3) -> Points:
    spec = parse(text, assume=assume)
    return verges(spec, sample(spec, 256, 1), seed)


def test_an_exponential_has_two_ends() -> None:
    at = found("exp(x)").at
    high, low = at[at > 0], at[(at < 0) & (at > -1e3)]
    assert len(high) >= 8
    assert len(low) >= 8
    assert np.median(high) == pytest.approx(np.log(huge(np.float32)), rel=0.02)
    assert np.median(low) == pytest.approx(np.log(tiny(np.float32)), rel=0.02)


def test_values_are_representable_and_exact() -> None:
    at = found("(x**lam - 1)/lam", "x > 0")
    assert len(at.at) > 20
    assert representable(at.truth_values, np.float32).all()
    x, lam = at.at.astype(np.float64).T
    with np.errstate(over="ignore"):
        power = x**lam
    plain = np.isfinite(power) & (np.abs(lam * np.log(x)) > 0.1)
    np.testing.assert_allclose(at.truth_values[plain, 0], ((power - 1) / lam)[plain], rtol=1e-9)


def test_the_ends_of_a_partial_count_too() -> None:
    """The derivative of 1/x overflows where 1/x does not."""
    at = found("1/x", "x > 0")
    slopes = np.abs(at.truth_partials[:, 0, 0])
    assert ((slopes > huge(np.float32) / 2**20) & (slopes < huge(np.float32))).any()


def test_assumptions_hold() -> None:
    assert (found("exp(x)", "x < 0").at < 0).all()


def test_none_where_the_range_has_no_end() -> None:
    assert len(found("sin(x)", "1 < x < 2").at) == 0


def test_the_same_every_time_and_others_for_another_seed() -> None:
    assert found("exp(x)").at.tobytes() == found("exp(x)").at.tobytes()
    assert found("exp(x)").at.tobytes() != found("exp(x)", seed=4).at.tobytes()


def test_arguments_next_to_the_largest_number() -> None:
    at = np.abs(found("log(1 + x**2)").at)
    assert (at > huge(np.float32) / 2).sum() >= 2
