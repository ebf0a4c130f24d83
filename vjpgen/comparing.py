"""Functions that somebody wrote, judged against a formula beside plain autodiff and the generated code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from vjpgen import deadline, settings
from vjpgen.asking import specify
from vjpgen.callee import Callee, callee
from vjpgen.meter import Meter, open_meter
from vjpgen.pipeline import sample_size

if TYPE_CHECKING:
    from vjpgen.judged import Exact, Judged
    from vjpgen.spec import Spec

_FRESH = 2_000_000  # added to the seed, so that no point is drawn as those of a search were
PLAIN, GENERATED = "plain jnp", "generated"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to compute the formula and its partials.

    Attributes:
        name: the function that was given, `PLAIN` for autodiff of the formula, or `GENERATED`.
        targets: how far off each value and each partial is, by mode.
        residual_bytes: what the backward pass keeps, per element.
    """

    name: str
    targets: tuple[Judged, ...]
    residual_bytes: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A function beside the formula that it is meant to compute.

    Attributes:
        target: where the function is.
        formula, args, domain: what it is held against.
        contenders: the function, plain autodiff and, unless it was left out, the generated code.
        points, references: how many points were drawn, and how many were chosen: round numbers, extremes,
            zeros, edges of the domain, both sides of splitpoints, limits.
        seed: what the points were drawn with.
        versions: of JAX, jaxlib, and the backend.
    """

    target: str
    formula: str
    args: tuple[str, ...]
    domain: str
    contenders: tuple[Contender, ...]
    points: int
    references: int
    seed: int
    versions: tuple[tuple[str, str], ...]

    @property
    def holds(self) -> bool:
        """Whether the function is within 16 ulps wherever the exact result is a normal number or zero."""
        from vjpgen.judged import holds

        return holds(self.contenders[0].targets)

    def to_dict(self) -> dict[str, Any]:
        """The same as nested plain data."""
        return {**asdict(self), "holds": self.holds}


def compare(
    target: str,
    expr: Any,
    *,
    args: Sequence[str] | None = None,
    assume: str | Sequence[str] = (),
    alone: bool = False,
    seed: int = 0,
    effort: str = "normal",
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
    **gradient: Any,
) -> Comparison:
    """Judge a function that somebody wrote against a formula in exact arithmetic.

    The function takes as many arrays as the formula has arguments, in float32 and of one shape, and returns
    one, or a tuple for several outputs; a `jax.custom_vjp` or `jax.custom_jvp` function, or any other that
    JAX differentiates. One that takes single numbers alone is mapped over them. It is imported and run in a
    process of its own.

    Args:
        target: "package.module:function" or "folder/file.py:function".
        expr: the formula, as for `generate`.
        args: the formula's arguments in the function's order.
        assume: conditions that every input satisfies.
        alone: without the generated code, which costs a search.
        seed: another one draws other points; 0 and above.
        effort: of the search.
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.
        gradient: grad, surrogate, stop, grad_scale and grad_mask, as for `generate`.

    Raises:
        TargetError: there is no such function, it raises, or it returns something else than the formula.
        InputError: the formula, a name, an assumption or a gradient cannot be used; the message says where.
        TimeoutReached: the work took longer than `timeout`.
    """
    settings.accept(effort=effort, seed=seed)
    with deadline.steps(timeout, progress) as step:
        at = callee(target)
        spec = specify(expr, name=at.name, args=args, assume=assume, **gradient)
        with open_meter(apart=True) as meter:
            step("computing exact values")
            exact, references = _exact(spec, seed)
            found = _contenders(at, spec, exact, None if alone else effort, meter, step)
            domain = " & ".join(spec.assume_text) or "all of float32"
            text, points = " ".join(spec.text.split()), len(exact.at) - references
            return Comparison(
                at.text, text, spec.args, domain, found, points, references, seed, meter.versions()
            )


def _contenders(
    at: Callee, spec: Spec, exact: Exact, effort: str | None, meter: Meter, step: Callable[[str], None]
) -> tuple[Contender, ...]:
    from vjpgen import judged, render

    shape = len(spec.outputs), spec.several
    step(f"measuring {at.text}")
    own, _ = meter.measure_function(at, *shape, exact.columns)
    step("measuring the plain formula")
    measured = [
        (at.text, own),
        (PLAIN, meter.measure(render.render_plain(spec), spec.name, *shape, exact.columns)),
    ]
    if effort is not None:
        step("searching for stable forms")
        measured.append(
            (GENERATED, meter.measure(_generated(spec, effort), spec.name, *shape, exact.columns))
        )
    return tuple(Contender(name, judged.judge(spec, exact, m), m.residual_bytes) for name, m in measured)


def _exact(spec: Spec, seed: int) -> tuple[Exact, int]:
    """Drawn points, then chosen ones with limits where the formula is undefined; how many were chosen."""
    import numpy as np

    from vjpgen import judged, points
    from vjpgen.marks import as_typed, marks

    sample = points.sample(spec, sample_size(spec), _FRESH + seed)
    chosen = marks(as_typed(spec), sample)
    exact = judged.Exact(
        np.concatenate([sample.at, chosen.at]),
        np.concatenate([sample.truth_values, chosen.values]),
        np.concatenate([sample.truth_partials, chosen.partials]),
    )
    return exact, len(chosen.at)


def _generated(spec: Spec, effort: str) -> str:
    """The module that vjpgen would generate."""
    from vjpgen import doc, render, residuals, search

    forms = search.search(spec, effort=effort)
    plan = residuals.plan(forms, lambda p: search.backward_bits(p))
    return render.render_module(plan, doc.draft(plan))
