"""The search over differences and ratios of the arguments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from vjpgen import over_ratios, plainly
from vjpgen.candidates import Target, columns, judged
from vjpgen.evaluation import Evaluator, evaluate
from vjpgen.expr import Expr
from vjpgen.floats import Array, representable
from vjpgen.parse import parse
from vjpgen.points import sample
from vjpgen.search import search
from vjpgen.spec import Spec


def problem(text: str, args: str, assume: str = "") -> tuple[Spec, Array, list[Target]]:
    spec = parse(text, args=args.split(","), assume=[assume] if assume else ())
    points = sample(spec, 1024, 7)
    (formula,) = spec.outputs
    targets = [Target((formula,), points.truth_values[:, 0])]
    for j, a in enumerate(spec.args):
        targets.append(Target((plainly.partial(formula, a),), points.truth_partials[:, 0, j]))
    return spec, points.at, targets


class Asked:
    """A search that takes the first shape, and remembers what it was asked."""

    def __init__(self) -> None:
        self.spec: Spec | None = None
        self.targets: Sequence[Target] = ()
        self.at = np.empty(0)

    def __call__(self, spec: Spec, at: Array, targets: Sequence[Target]) -> list[Expr]:
        self.spec, self.at, self.targets = spec, at, targets
        return [t.shapes[0] for t in targets]


@pytest.mark.parametrize(
    ("text", "args", "assume", "left"),
    [
        ("(1 + d/(2*a*l**2))**(-a)", "d,a,l", "d > 0, a > 0, l > 0", ("d", "a")),
        ("1 - exp(-(r/c)**2/2)", "r,c", "c > 0", ("r",)),
        ("log(1 + exp(b*x))/b", "x,b", "", ("b",)),  # whatever the sign of the scale
        ("exp(-(m - x)**2)*a", "x,m,a", "", ("m", "a")),
        ("log(s) + ((x - m)/s)**2/v", "x,m,s,v", "s > 0, v > 0", ("x", "v")),
        ("s*exp(-r*t) - k*erf(v*sqrt(t))", "s,k,r,v,t", "s > 0, k > 0, v > 0, t > 0", ("k", "r", "t")),
    ],
)
def test_it_is_asked_about_fewer_variables_and_gives_forms_over_all(
    text: str, args: str, assume: str, left: tuple[str, ...]
) -> None:
    spec, at, targets = problem(text, args, assume)
    solve = Asked()
    found = over_ratios.forms(spec, at, targets, range(len(targets)), solve)
    assert solve.spec is not None
    assert solve.spec.args == left
    assert set(found) == set(range(len(targets)))
    wide = {k: v.astype(np.float64) for k, v in columns(spec, at).items()}
    for k, form in ((k, form) for k, forms in found.items() for form in forms):
        with np.errstate(all="ignore"):
            again, truth = evaluate(form, wide, np.float64), targets[k].truth
            known = np.isfinite(truth) & np.isfinite(again) & (np.abs(truth) > 1e-30)
            close = np.abs(again - truth) <= 1e-6 * np.abs(truth)
        assert known.sum() > 100
        assert (close | ~known).mean() > 0.75, (k, form)  # the rest is where float64 cancels


def test_exact_values_are_those_of_what_is_asked() -> None:
    spec, at, targets = problem("1 - exp(-(r/c)**2/2)", "r,c", "c > 0")
    solve = Asked()
    over_ratios.forms(spec, at, targets, [1], solve)
    assert solve.spec is not None
    (name,) = solve.spec.args
    for target in solve.targets:
        if target.shapes[0].names:
            again = evaluate(target.shapes[0], {name: solve.at[:, 0].astype(np.float64)}, np.float64)
            usual = np.isfinite(target.truth) & (np.abs(solve.at[:, 0] - 1) < 0.9)
            assert usual.sum() > 50
            assert again[usual] == pytest.approx(target.truth[usual], rel=1e-6)


@pytest.mark.parametrize(
    ("text", "args"),
    [("exp(x)*y + 1", "x,y"), ("sin(x)", "x"), ("sqrt(x*x + y*y) + x + y", "x,y")],
)
def test_nothing_to_take_out(text: str, args: str) -> None:
    """The last is homogeneous for a positive scale alone, and none of its arguments is."""
    spec, at, targets = problem(text, args)
    solve = Asked()
    assert not over_ratios.forms(spec, at, targets, [0], solve)
    assert solve.spec is None


def test_nothing_wanted() -> None:
    spec, at, targets = problem("hypot(x, y)", "x,y")
    solve = Asked()
    assert not over_ratios.forms(spec, at, targets, [], solve)
    assert solve.spec is None  # though it scales


def test_the_search_uses_it() -> None:
    """A partial of a kernel of three arguments: 3.5 bits by a search over all three."""
    spec = parse("(1 + d/(2*a*l**2))**(-a)", args=["d", "a", "l"], assume=["d > 0, a > 0, l > 0"])
    form = search(spec).partials[0][1]
    points = sample(spec, 512, 99)
    truth = points.truth_partials[:, 0, 1]
    truth = np.where(representable(truth, np.float32), truth, np.nan)
    bits = judged(form, Evaluator(columns(spec, points.at)), truth).bits
    assert float(bits[np.isfinite(truth)].mean()) < 1.75
