"""Sample points: inside the domain, deterministic, half and half, refused with a reason."""

from fractions import Fraction

import numpy as np
import pytest

from vjpgen.errors import DomainError
from vjpgen.expr import Expr, call, num, var
from vjpgen.points import Format, box, sample
from vjpgen.spec import Spec

X, Y = var("x"), var("y")
SOFTPLUS = call("log", 1 + call("exp", X))


def spec(*outputs: Expr, args: tuple[str, ...] = ("x",), assume: tuple[Expr, ...] = ()) -> Spec:
    return Spec("f", args, outputs, len(outputs) > 1, assume, "")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_points_are_normal_distinct_and_in_the_dtype(dtype: type) -> None:
    found = sample(spec(SOFTPLUS), 1000, 0, dtype)
    info = np.finfo(dtype)
    assert found.at.dtype == dtype
    assert found.at.shape == (1000, 1)
    assert found.truth_partials.shape == (1000, 1, 1)
    assert found.ordinary == 500
    assert len(np.unique(found.at)) == 1000
    assert (np.abs(found.at) >= info.tiny).all()
    assert np.isfinite(found.at).all()
    size = np.abs(found.truth_values)
    assert ((size == 0) | ((size >= info.tiny) & (size <= info.max))).all()


def test_half_of_the_points_cover_the_exponents_and_half_are_ordinary() -> None:
    found = sample(spec(SOFTPLUS), 2000, 3)
    ordinary, patterns = np.abs(found.at[: found.ordinary, 0]), np.abs(found.at[found.ordinary :, 0])
    assert (ordinary <= 1e5).all()
    assert (ordinary >= 1e-7).all()
    assert 0.45 < (ordinary <= 20).mean() < 0.95
    assert len(np.unique(np.frexp(patterns)[1])) > 200


def test_the_same_seed_gives_the_same_points() -> None:
    first, second, other = (sample(spec(SOFTPLUS), 300, seed) for seed in (7, 7, 8))
    assert first.at.tobytes() == second.at.tobytes()
    assert first.truth_values.tobytes() == second.truth_values.tobytes()
    assert first.at.tobytes() != other.at.tobytes()


def test_simple_assumptions_make_a_box() -> None:
    third = num(Fraction(1, 3))
    conditions = (
        call("and", call("lt", num(0), X), call("le", X, call("exp", num(1)))),
        call("gt", third, call("abs", Y)),
    )
    low, high = box(spec(X * Y, args=("x", "y"), assume=conditions))
    assert low.tolist() == [0.0, -1 / 3]
    assert high.tolist() == [np.e, 1 / 3]


@pytest.mark.parametrize(
    ("outputs", "args", "assume", "least"),
    [
        ((X,), ("x",), (call("le", num(4), X), call("le", X, num(Fraction(159, 25)))), 1000),
        ((X * Y,), ("x", "y"), (call("lt", X * X + Y * Y, num(1)),), 1000),
        ((X * Y,), ("x", "y"), (call("lt", call("abs", X - Y), call("abs", X) / 10**6),), 300),
        ((call("log", X),), ("x",), (call("eq", X, num(3)),), 1),
        ((X,), ("x",), (call("eq", X, num(0)),), 1),
        ((X * Y,), ("x", "y"), (call("eq", X + Y, num(1)),), 1),
        ((call("sqrt", 1 - X * X),), ("x",), (call("gt", X, num(Fraction(999, 1000))),), 700),
        ((call("gamma", X),), ("x",), (), 1000),
    ],
)  # fmt: skip
def test_narrow_domains(
    outputs: tuple[Expr, ...], args: tuple[str, ...], assume: tuple[Expr, ...], least: int
) -> None:
    found = sample(spec(*outputs, args=args, assume=assume), 1000, 1)
    assert len(found.at) >= least


def test_assumptions_are_decided_exactly() -> None:
    found = sample(spec(X * Y, args=("x", "y"), assume=(call("lt", X * X + Y * Y, num(1)),)), 2000, 1)
    for x, y in found.at.astype(float).tolist():
        assert Fraction(x) ** 2 + Fraction(y) ** 2 < 1


REFUSED = [
    (X, (call("gt", X, num(1)), call("lt", X, num(0))), "no point satisfies the assumption"),
    (X, (call("lt", X * X, num(0)),), "no point satisfies the assumption"),
    (call("log", X), (call("lt", X, num(-1)),), "nowhere a real number"),
    (call("sqrt", -1 - X * X), (), "nowhere a real number"),
    (X + num(10**100), (), "range of float32"),
]


@pytest.mark.parametrize(("output", "assume", "reason"), REFUSED)
def test_empty_domains_are_refused(output: Expr, assume: tuple[Expr, ...], reason: str) -> None:
    with pytest.raises(DomainError, match=reason):
        sample(spec(output, assume=assume), 256, 0)


def test_constants_and_unused_arguments() -> None:
    assert sample(spec(num(3), args=()), 100, 0).truth_values.tolist() == [[3.0]]
    found = sample(spec(num(3)), 100, 0)
    assert (found.truth_partials == 0).all()
    with pytest.raises(DomainError):
        sample(spec(call("log", num(-1)), args=()), 100, 0)


def test_patterns_are_monotone_and_round_trip() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        form = Format.of(dtype)
        for value in (1.0, -2.5, 0.0):
            assert form.number(np.array([form.key(value)]))[0] == value
        assert form.number(np.array([form.largest]))[0] == np.finfo(dtype).max
        assert form.number(np.array([-form.smallest]))[0] == -np.finfo(dtype).tiny
