"""Generated tests let no fault through: every mutant that changes results by more than the bounds is killed.

A few mutants of some functions with `-m thorough`; every mutant of every function with
`-m slow tests/mutation`, or with `python tests/mutation/run.py`, which prints as it goes.
"""

from __future__ import annotations

import numpy as np
import pytest

from mutation.defined import EVERY, exact
from mutation.formulas import FORMULAS
from mutation.judge_mutants import Judge
from mutation.mutants import mutants
from mutation.run import describe, run
from plain_forms import plain_forms
from vjpgen import residuals
from vjpgen.doc import draft
from vjpgen.render import render_module

FEW = {
    "softplus": 9, "polar": 13, "huber": 17, "quantiser": 29, "bessel_ratio": 7, "quartic_tail": 67,
    "lambert": 125,
}  # fmt: skip
KINDS = {
    "sign flipped", "factor dropped", "residual swapped", "branch inverted", "threshold moved far",
    "cotangents exchanged", "result replaced by zero", "cast removed", "constant changed",
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("name", FEW)
def test_some_mutants_are_killed(name: str) -> None:
    outcome = run(name, FEW[name])
    assert outcome.killed >= 3
    assert not outcome.missed, describe(outcome)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_every_mutant_is_killed(name: str) -> None:
    outcome = run(name)
    assert outcome.killed >= 20
    assert not outcome.missed, describe(outcome)


def module(text: str, name: str) -> str:
    plan = residuals.plan(plain_forms(text, name))
    return render_module(plan, draft(plan))


def test_mutants_of_all_kinds_are_made_each_once() -> None:
    source = module("Piecewise((x*y, x < 3), (exp(-x*y), True))", "f")
    found = mutants(source, "f")
    assert {m.kind for m in found} >= KINDS
    assert len({m.source for m in found}) == len(found)
    assert [m.source for m in found] == [m.source for m in mutants(source, "f")]


def test_faults_of_iterations_limits_and_safeguards_are_made() -> None:
    source = """
def _f_value(x, low, high):
    y = _bracketed(lambda y: x - y, low, jnp.clip(high, 0, 9), None)
    return jax.lax.fori_loop(0, 6, lambda _, y: y + x, y)


def _bracketed(equation, low, high, start):
    def step(state):
        return state[0] + 1, equation(low)

    return jax.lax.while_loop(lambda state: (state[0] < 40) & (low < high), step, (0, start))
"""
    found = mutants(source, "f")
    kinds = [m.kind for m in found]
    assert {k: kinds.count(k) for k in ("limits exchanged", "safeguard dropped", "stopped early")} == {
        "limits exchanged": 1, "safeguard dropped": 1, "stopped early": 3,
    }  # fmt: skip
    assert kinds.count("condition dropped") == 2
    assert all("state[0] + 1" in m.source for m in found), "a loop that does not count may have no end"


def test_there_are_formulas_of_every_sort() -> None:
    assert len(FORMULAS) >= 20
    specs = [plain_forms(f.text, "f", f.args, f.assume).spec for f in FORMULAS.values()]
    assert {len(s.args) for s in specs} == {1, 2, 3}
    assert sum(s.several for s in specs) >= 3
    assert sum("Piecewise" in s.text or "max" in s.text for s in specs) >= 4


def test_the_judge_tells_a_fault_from_none() -> None:
    source = module("x*exp(y)", "f")
    spec = plain_forms("x*exp(y)", "f").spec
    judge = Judge(spec, source, exact(spec, 2000))
    assert judge.verdict(source) == ""
    assert "points" in judge.verdict(source.replace("jnp.exp(y)", "jnp.exp(1.0001 * y)"))
    assert judge.verdict(source.replace("_cast(z, dtype)", "z")) in ("shapes or dtypes", "half precision")
    assert judge.verdict(source.replace("jnp.exp", "jnp.nothing")) == "raises AttributeError"


def test_rounding_alone_is_no_fault_in_half_precision() -> None:
    """Tangents of x - y along (x, y) cancel; those of a fault that moves a cotangent do not."""
    source = module("x - y", "f")
    spec = plain_forms("x - y", "f").spec
    judge = Judge(spec, source, exact(spec, 2000))
    tangents = judge.half[4]
    x, y = judge.tame.T
    near = np.abs(x - y) < (np.abs(x) + np.abs(y)) / 9
    assert near.any()
    assert (np.isnan(tangents) | (tangents == 0))[near].all()
    assert np.isfinite(tangents).sum() > len(tangents) / 2
