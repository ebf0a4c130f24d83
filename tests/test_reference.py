"""Reference points: where they lie, what is exact there, and which bound each gets."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from plain_forms import plain_forms
from vjpgen import landmarks, reference, smooth, sweep
from vjpgen.expr import call, num, var, where
from vjpgen.forms import Forms
from vjpgen.parse import parse
from vjpgen.points import Format, box, sample
from vjpgen.reference import Probe, Suite


@dataclass
class Got:
    """Measured results, made up."""

    values: np.ndarray
    partials: np.ndarray
    forward: np.ndarray | None
    residual_bytes: float = 4.0


def probe(text: str, **options: object) -> Probe:
    forms = plain_forms(text, **options)  # type: ignore[arg-type]
    return reference.probe(forms, sample(forms.spec, 512, 1))


def perfect(at: Probe, dtype: type = np.float32) -> Got:
    with np.errstate(over="ignore"):
        return Got(at.values.astype(dtype), at.partials.astype(dtype), at.partials.astype(dtype))


def suite(at: Probe, measured: Got) -> Suite:
    wide = Got(at.values[at.swept], at.partials[at.swept], None)
    return reference.suite(at, measured, perfect(at), wide)


def test_the_rows_of_a_probe_are_sample_landmarks_sweep() -> None:
    at = probe("log(1 + exp(x))")
    assert at.sampled == slice(0, 512)
    assert at.swept == slice(512 + len(at.sections), len(at.at))
    assert len(at.at[at.swept]) == sweep.COUNT
    assert [c.shape for c in at.columns(at.swept, np.float64)] == [(sweep.COUNT,)]
    x = at.at[:, 0].astype(float)
    inside = np.abs(x) < 30
    np.testing.assert_allclose(at.values[inside, 0], np.log1p(np.exp(x[inside])), rtol=1e-14)
    np.testing.assert_allclose(at.partials[inside, 0, 0], 1 / (1 + np.exp(-x[inside])), rtol=1e-14)


def test_landmarks_visit_zero_extremes_and_edges() -> None:
    at = probe("log(x)")
    found: dict[str, set[float]] = {s: set() for s in at.sections}
    for section, row in zip(at.sections, at.at[at.sampled.stop :], strict=False):
        found[section].add(float(row[0]))
    info = np.finfo(np.float32)
    assert {info.tiny, info.max} <= found[landmarks.EXTREME] | found[landmarks.EDGE]
    assert 1.0 in found[landmarks.ORDINARY]
    assert all(x > 0 for points in found.values() for x in points)
    assert np.nextafter(np.float32(1), np.float32(2)) in found[landmarks.ROOT]
    assert probe("exp(x)").sections.count(landmarks.ZERO) == 2


def test_landmarks_are_where_all_arguments_are_at_the_ends_of_the_range() -> None:
    at = probe("log(exp(x) + exp(y))")
    tiny, huge = (float(v) for v in (np.finfo(np.float32).tiny, np.finfo(np.float32).max))
    found = {tuple(row) for row in at.at[at.sampled.stop :].astype(float).tolist()}
    assert {(huge, huge), (huge, -huge), (-huge, huge), (-huge, -huge)} <= found
    assert {(1.5 * tiny, 1.25 * tiny), (-1.5 * tiny, 1.25 * tiny)} <= found


def test_landmarks_stand_on_both_sides_of_splitpoints() -> None:
    x = var("x")
    spec = parse("exp(x)", name="f")
    split = where(call("lt", call("abs", x), num(3)), call("exp", x), 1 / call("exp", -x))
    forms = Forms(spec, (split,), ((split,),), ((1.0,),))
    rows = landmarks.landmarks(forms, sample(spec, 256, 0))
    points = {p[0] for s, p in rows}
    below = float(np.nextafter(np.float32(3), np.float32(0)))
    assert {3.0, below, -3.0, -below} <= points
    assert any(4 < x < 6 for x in points)


def test_splits_between_two_arguments() -> None:
    forms = plain_forms("Piecewise((r**2/2, abs(r) <= d), (d*(abs(r) - d/2), True))", assume=["d > 0"])
    rows = [p for s, p in landmarks.landmarks(forms, sample(forms.spec, 256, 0)) if s == landmarks.SPLIT]
    close = [p for p in rows if abs(abs(p[0]) - p[1]) <= 2e-7 * p[1]]
    assert any(abs(r) <= d for r, d in close)
    assert any(abs(r) > d for r, d in close)
    assert all(d > 0 for _, d in rows)


def test_bisection_ends_between_neighbours() -> None:
    form = Format.of(np.float32)
    yes, no = np.array([[form.key(-5.0)]]), np.array([[form.key(7.0)]])
    last, first = landmarks.bisect(lambda p: p[:, 0] < 1.25, yes, no)
    assert form.number(first)[0, 0] == 1.25
    assert first - last == 1


LIMITS = [
    ("sin(x)/x", (0.0,), (1.0, 0.0)),
    ("(exp(x) - 1)/x", (0.0,), (1.0, 0.5)),
    ("(x - y)/(exp(x) - exp(y))", (0.0, 0.0), (1.0, -0.5, -0.5)),
    ("abs(x)", (0.0,), (0.0, math.nan)),
    ("1/x", (0.0,), (math.nan, math.nan)),
    ("x*log(x)", (0.0,), (math.nan, math.nan)),
    ("x*y/(x*x + y*y)", (0.0, 0.0), (math.nan, math.nan, math.nan)),
    ("sqrt(x*x + y*y)", (0.0, 0.0), (0.0, math.nan, math.nan)),
    ("Piecewise((0, x < 1), (1, True))", (1.0,), (math.nan, 0.0)),
]


@pytest.mark.parametrize(("text", "point", "expected"), LIMITS)
def test_limits(text: str, point: tuple[float, ...], expected: tuple[float, ...]) -> None:
    found = smooth.limits(parse(text, name="f"), point)
    assert found == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_removable_singularities_are_reference_points() -> None:
    at = probe("sin(x)/x")
    i = at.sampled.stop + at.sections.index(landmarks.REMOVABLE)
    assert at.at[i] == 0
    assert at.values[i] == 1
    assert at.partials[i] == 0


def test_an_isolated_value_off_the_limit_has_no_partial() -> None:
    at = probe("Piecewise((5, x == 0), (sin(x)/x, True))")
    zero = next(i for i in range(at.sampled.stop, at.swept.start) if at.at[i] == 0)
    assert at.values[zero] == 5
    assert np.isnan(at.partials[zero])


def test_second_partials() -> None:
    spec = parse("(x**2*y, exp(x*y))", name="f")
    e = math.exp(2.0)
    assert smooth.second_partials(spec, (1.0, 2.0)) == pytest.approx(
        (4, 2, 2, 0, 4 * e, 3 * e, 3 * e, e), rel=1e-14
    )
    step = parse("Piecewise((3*x**2 - 2*x**3, x < 1), (1, True))", name="f")
    assert math.isnan(smooth.second_partials(step, (1.0,))[0])
    assert smooth.second_partials(step, (0.5,)) == (0.0,)


def test_no_second_partials_where_nothing_but_rounding_is_left_of_them() -> None:
    forms = plain_forms("3*x**2 - 2*x**3")
    assert [c.inputs for c in smooth.curved(forms, [(0.5,), (0.25,)])] == [(0.25,)]
    assert [c.inputs for c in smooth.curved(forms, [(0.5,)])] == [(0.5,)]
    assert len(smooth.curved(plain_forms("3*x + 1"), [(0.5,), (0.25,)])) == 2


def test_condition_numbers() -> None:
    spec = parse("x - y", name="f")
    assert smooth.condition(spec, (1.0, 0.999), 0) == pytest.approx(1999.0, rel=1e-6)
    assert smooth.condition(parse("x**3", name="f"), (2.0,), 1) == pytest.approx(2.0)
    assert smooth.condition(spec, (1.0, 1.0), 0) == math.inf


def test_a_bound_is_four_ulps_or_twice_what_was_measured() -> None:
    at = probe("x**2 + x")
    got = perfect(at)
    first = at.sampled.stop
    got.values[first] = np.nextafter(got.values[first], np.float32(np.inf))
    for _ in range(50):
        got.partials[first + 1] = np.nextafter(got.partials[first + 1], np.float32(np.inf))
    got.forward[first + 2] = np.nan  # type: ignore[index]
    found = suite(at, got)
    assert found.references[0].bounds == (4, 4, 4)
    assert found.references[1].bounds == (4, 100, 4)
    assert found.references[2].bounds == (4, 4, None)
    point = found.references[1].inputs
    assert [(r.inputs, r.quantity, r.bound) for r in found.remarks] == [
        (point, "d/dx reverse", 100),
        (found.references[2].inputs, "d/dx forward", None),
    ]
    assert found.remarks[0].reason == "no better form found"
    assert found.remarks[1].reason == "not finite here; no better form found"


def test_a_loose_bound_says_where_the_formula_is_ill_conditioned() -> None:
    at = probe("x - y")
    got = perfect(at)
    k = next(
        i
        for i in range(at.sampled.stop, at.swept.start)
        if 0 < abs(at.values[i, 0]) < 1e-5 * abs(at.at[i, 0])
    )
    got.values[k] *= np.float32(1 + 1e-5)
    remark = next(r for r in suite(at, got).remarks if r.inputs == tuple(map(float, at.at[k])))
    assert remark.reason.startswith("ill-conditioned here: condition number ")


def test_the_worst_points_and_those_where_plain_autodiff_fails_become_references() -> None:
    at = probe("log(1 + exp(x))")
    got, plain = perfect(at), perfect(at)
    got.values[17] *= np.float32(1.00001)
    plain.partials[[3, 300]] = np.nan
    wide = Got(at.values[at.swept], at.partials[at.swept], None)
    found = reference.suite(at, got, plain, wide)
    by_section = {r.section: [] for r in found.references}
    for r in found.references:
        by_section[r.section].append(r.inputs[0])
    assert float(at.at[17, 0]) in by_section[reference.WORST]
    assert by_section[reference.FAILS] == [float(at.at[3, 0]), float(at.at[300, 0])]


def test_distance_counts_floats() -> None:
    one = np.float32(1)
    got = np.array([one, np.nextafter(one, np.float32(2)), np.nan, 0.0, np.inf, -one], np.float32)
    truth = np.array([1.0, 1.0, 1.0, 1e-40, 1e39, 1.0])
    found = reference.distance(got, truth)
    assert found[:2].tolist() == [0, 1]
    assert np.isnan(found[2])
    assert found[3:5].tolist() == [0, 0]
    assert found[5] == 2 * int(np.float32(1).view(np.int32))


def test_quantities_are_named_by_output_and_argument() -> None:
    one = plain_forms("x*y")
    assert reference.quantities(one) == (
        "value",
        "d/dx reverse",
        "d/dy reverse",
        "d/dx forward",
        "d/dy forward",
    )
    two = plain_forms("(x, x**2)")
    assert reference.quantities(two)[:4] == ("out_0", "out_1", "dout_0/dx reverse", "dout_1/dx reverse")


# ------------------------------------------------------------------ the sweep


def test_the_sweep_stays_in_the_box_and_covers_it() -> None:
    spec = parse("x*y", name="f", assume=["4 <= x <= 6.36", "y > 0"])
    at = sweep.points(sweep.axes(*(b.tolist() for b in box(spec)), marks=[[], []]))
    x, y = at.astype(float).T
    assert ((x >= 4) & (x <= np.float32(6.36))).all()
    assert (y >= 0).all()
    assert len(np.unique(np.frexp(y)[1])) > 100
    assert np.histogram(x, 8, (4, 6.36))[0].min() > sweep.COUNT / 20


def test_the_sweep_is_denser_around_splitpoints() -> None:
    x, y = sweep.points(sweep.axes([-np.inf] * 2, [np.inf] * 2, [[1e23, -1e23], []])).astype(float).T
    there = (np.abs(x) > 0.5e23) & (np.abs(x) < 2e23)
    assert 350 < there.sum() < 500
    assert len(np.unique(np.frexp(y[there])[1])) > 50
    assert 0.4 < (x[there] > 0).mean() < 0.6


def test_splitpoints_are_found_by_argument() -> None:
    forms = plain_forms("Piecewise((x*y, x < 3), (x, abs(y) <= exp(1)), (y, x < y), (1, True))")
    assert landmarks.splitpoints(forms) == [[3.0], [math.e, -math.e]]


def test_positions_and_points_are_inverse() -> None:
    for value in (0.0, 1.0, -1.0, float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)):
        assert sweep.nth(np.array([sweep.position(value)]))[0] == value
    assert sweep.position(np.inf) == sweep.position(float(np.finfo(np.float32).max))


def test_levels_say_what_is_compared() -> None:
    truth = np.array([1.0, 1.0, 1.0, 1.0, np.nan, 1.0])
    wide = np.array([1.0, 1.0, 1.1, 1.0, 1.0, np.nan])
    errors = np.array([0.0, 5.0, 0.0, 1e9, 0.0, 1.0])
    finite = np.array([True, True, True, True, True, False])
    assert sweep.levels(truth, wide, errors, finite) == "02~~.."
