"""What could be kept between the passes of a generated function, and what each choice costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vjpgen import residuals, search, settings
from vjpgen.errors import OptionError
from vjpgen.expr import rebuild, single_words, walk
from vjpgen.forms import Forms, Plan
from vjpgen.ops import OPS
from vjpgen.spec import Spec

_BYTES = 4  # of a float32
_TRANSCENDENTAL = 8.0  # price of an operation from which on it counts as one


@dataclass(frozen=True, slots=True)
class Kept:
    """One way to plan the backward pass.

    Attributes:
        arrays: what fwd hands to bwd, by kind and name: "input x", "output y", "intermediate x_minus_y".
        bytes: held per element of a float32 array; an output counts, though the caller holds it too.
        operations: of the backward pass, shared ones once, in double words as in single ones.
        transcendentals: exponentials, logarithms, circular functions and the like among them.
        bits: mean error of the partials when what is kept has been rounded to float32.
        choices: the words of --residuals that pick it.
    """

    arrays: tuple[str, ...]
    bytes: int
    operations: int
    transcendentals: int
    bits: float
    choices: tuple[str, ...]


def explain(spec: Spec, how: settings.How, step: Callable[[str], None] | None = None) -> tuple[Kept, ...]:
    """The plans that there are for a function, those that a choice picks first.

    Args:
        spec: the function.
        how: how its forms are searched.
        step: is told what is done.
    """
    say = step or (lambda _: None)
    say("searching for stable forms")
    forms = search.search(spec, effort=how.effort, prefer=how.prefer)
    say("planning what is kept between the passes")
    chosen: dict[Plan, list[str]] = {}
    for choice in settings.RESIDUALS:
        plan = _planned(forms, choice)
        if plan is not None:
            chosen.setdefault(plan, []).append(choice)
    others = sorted((p for p in residuals.candidates(forms) if p not in chosen), key=residuals.cost)
    return tuple(_kept(p, tuple(chosen.get(p, ()))) for p in (*chosen, *others))


def _planned(forms: Forms, choice: str) -> Plan | None:
    try:
        return residuals.plan(forms, search.backward_bits, choice)
    except OptionError:
        return None


def _kept(plan: Plan, choices: tuple[str, ...]) -> Kept:
    forms = (rebuild(e, single_words) for row in plan.bwd for e in row)
    nodes = [x for x in walk(*forms) if x.args]
    arrays = [f"{r.kind} {r.name}" for r in plan.residuals]
    held = sum(r.kind != "static" for r in plan.residuals)
    costly = sum(OPS[x.op].cost >= _TRANSCENDENTAL for x in nodes)
    return Kept(tuple(arrays), _BYTES * held, len(nodes), costly, search.backward_bits(plan), choices)
