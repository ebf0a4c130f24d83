"""Results of forms where operations are rounded otherwise than on the machine that measures."""

import numpy as np

from plain_forms import plain_forms
from vjpgen.otherwise import elsewhere


def ways(text: str, *points: tuple[float, ...]) -> list[tuple[np.ndarray, ...]]:
    return list(elsewhere(plain_forms(text), np.array(points, np.float32)))


def test_first_each_operation_is_rounded_as_it_should_be() -> None:
    """Here a fused multiply-add gives 3.1789142e-07, which is exact."""
    (values, partials), *_ = ways("(x + 1)*y - x", (-1.3333332538604736, 3.999999761581421))
    assert values.dtype == np.float32
    assert values.tolist() == [[np.float32(3.5762786865234375e-07)]]
    assert partials.shape == (1, 1, 2)


def test_functions_are_a_float_off_and_sums_and_products_are_not() -> None:
    exact, *others = ways("(exp(x), x*y, x - y)", (1.5, 0.3))
    found = {o[0][0, 0] for o in others}
    assert found == {np.nextafter(exact[0][0, 0], np.float32(end)) for end in (-np.inf, np.inf)}
    for o in others:
        assert o[0][0, 1:].tolist() == exact[0][0, 1:].tolist()


def test_what_is_exact_stays_but_a_number_by_itself() -> None:
    others = ways("(exp(x), sqrt(y), y/y, y/z)", (0.0, 9.0, 0.5))[1:]
    found = {tuple(o[0][0].tolist()) for o in others}
    assert {v[:2] + v[3:] for v in found} == {(1.0, 3.0, 18.0)}
    assert {v[2] for v in found} == {1 - 2.0**-24, 1 + 2.0**-23}


def test_the_same_every_time() -> None:
    once, again = (ways("log(x)/y", (0.3, 0.7), (5.0, 3.0)) for _ in range(2))
    for a, b in zip(once, again, strict=True):
        assert all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
