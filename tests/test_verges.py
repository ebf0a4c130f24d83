"""Points close to the ends of the range: inside, near, of every result, and the same each time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vjpgen
from vjpgen import search as searching
from vjpgen.effort import Effort
from vjpgen.expr import num
from vjpgen.floats import huge, representable, tiny
from vjpgen.forms import Forms
from vjpgen.parse import parse
from vjpgen.points import Points, sample
from vjpgen.spec import Spec
from vjpgen.verges import lost, verges


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


def test_points_where_the_formula_overflows_on_its_way_and_its_result_does_not() -> None:
    """exp(95) is infinite in float32, of the softmax of 95 and 94 both results are ordinary numbers."""
    points = found("(exp(x)/(exp(x)+exp(y)), exp(y)/(exp(x)+exp(y)))")
    x, y = points.at.astype(np.float64).T
    with np.errstate(over="ignore"):
        broken = np.isinf(np.exp(np.maximum(x, y).astype(np.float32))) & (np.maximum(x, y) < 5000)
    assert broken.sum() >= 8
    assert representable(points.truth_values[broken], np.float32).all()


def test_a_function_of_softmax_is_a_number_at_moderate_inputs() -> None:
    f = vjpgen.function("(exp(x)/(exp(x)+exp(y)), exp(y)/(exp(x)+exp(y)))", args=["x", "y"])
    x, y = np.random.default_rng(1).uniform(-800, 800, (2, 4000)).astype(np.float32)
    assert all(np.isfinite(v).all() for v in f(x, y))
    _, pull = jax.vjp(f, x, y)
    for k in range(2):
        bars = tuple(np.full_like(x, float(i == k)) for i in range(2))
        assert all(np.isfinite(g).all() for g in pull(tuple(map(jnp.asarray, bars))))


def test_moderate_points_at_which_a_form_is_lost() -> None:
    spec = parse("1/(1 + exp(-x))")
    form = parse("exp(x)/(1 + exp(x))").outputs[0]
    forms = Forms(spec, (form,), ((num(0),),), ())
    gone = lost(forms, 1)
    assert 3 <= len(gone.at) <= 8
    assert (gone.at > 88).all()
    np.testing.assert_array_equal(gone.truth_values, 1)
    assert not len(lost(Forms(spec, spec.outputs, ((num(0),),), ()), 1).at)


def test_a_form_that_is_lost_at_moderate_points_is_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = parse("1/(1 + exp(-x))")
    form = parse("exp(x)/(1 + exp(x))").outputs[0]
    gone, once, edges = lost(Forms(spec, (form,), ((num(0),),), ()), 1), searching._search, list[Points]()

    def searched(spec: Spec, points: Points, how: Effort, derived: object, edge: Points) -> Forms:
        edges.append(edge)
        return once(spec, points, how, derived, edge)  # type: ignore[arg-type]

    monkeypatch.setattr(searching, "_search", searched)
    monkeypatch.setattr(searching, "lost", lambda found, seed: gone)
    searching.search(spec)
    first, second = edges
    np.testing.assert_array_equal(second.at, np.concatenate([first.at, gone.at]))
