"""The pytest file of a function that somebody wrote, as sharp as that of a generated one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vjpgen import deadline, settings
from vjpgen.asking import specify
from vjpgen.callee import Callee, callee
from vjpgen.meter import open_meter
from vjpgen.pipeline import sample_size

if TYPE_CHECKING:
    from vjpgen.spec import Spec

_FRESH = 3_000_000  # added to the seed
BOUND = 16  # ulps that every result may be off


@dataclass(frozen=True, slots=True)
class Stubs:
    """The tests of a function that somebody wrote.

    Attributes:
        target: where the function is.
        formula: what it is held against.
        text: source of the pytest file; it needs jax and pytest alone.
        references, swept: how many points it holds results for, and how many lie between them by rule.
    """

    target: str
    formula: str
    text: str
    references: int
    swept: int


def stubs(
    target: str,
    expr: Any,
    *,
    args: Sequence[str] | None = None,
    assume: str | Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    seed: int = 0,
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
    **gradient: Any,
) -> Stubs:
    """The pytest file of a function that somebody wrote; nothing is written.

    It holds exact results of the value and of every partial, and the tests of a generated module as far as
    they apply: forward mode where the function has it, broadcasting where its arguments may differ in shape.
    What is demanded is 16 ulps of float32 wherever the exact result is a normal number or zero. The function
    is run in a process of its own, to see what it can do, and where it is at its worst: those points are
    among the references.

    Args:
        target: "package.module:function" or "folder/file.py:function".
        expr: the formula, as for `generate`.
        args: the formula's arguments in the function's order.
        assume: conditions that every input satisfies.
        output: where the tests will be written; they find "folder/file.py" from there.
        seed: another one draws other points; 0 and above.
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.
        gradient: grad, surrogate, stop, grad_scale and grad_mask, as for `generate`.

    Raises:
        TargetError: there is no such function, it raises, or it returns something else than the formula.
        InputError: the formula, a name, an assumption or a gradient cannot be used; the message says where.
        TimeoutReached: the work took longer than `timeout`.
    """
    settings.accept(seed=seed)
    with deadline.steps(timeout, progress) as step:
        at = callee(target)
        spec = specify(expr, name=at.name, args=args, assume=assume, **gradient)
        place = Path(f"test_{spec.name}.py") if output is None else Path(output)
        return _stubs(at, spec, place, seed, step)


def _stubs(at: Callee, spec: Spec, place: Path, seed: int, step: Callable[[str], None]) -> Stubs:
    from vjpgen import digest, points, reference, render, sweep
    from vjpgen.marks import as_typed
    from vjpgen.render_tests import Foreign, render_tests

    shape = len(spec.outputs), spec.several
    with open_meter(apart=True) as meter:
        step("computing exact values")
        probe = reference.probe(as_typed(spec), points.sample(spec, sample_size(spec), _FRESH + seed))
        step(f"measuring {at.text}")
        own, nature = meter.measure_function(at, *shape, probe.columns())
        step("measuring the plain formula")
        naive = render.render_plain(spec)
        plain = meter.measure(naive, spec.name, *shape, probe.columns())
        wide = meter.measure(naive, spec.name, *shape, probe.columns(probe.swept, float))
        platform = meter.platform()
    step("writing the tests")
    suite = reference.suite(probe, own, plain, wide, demanded=BOUND)
    where = Path(os.path.relpath(at.path, place.parent)).as_posix() if at.path else ""
    text = render_tests(suite, where, _command(at, spec, place), platform, Foreign(at, nature))
    formula = " ".join(spec.text.split())
    return Stubs(at.text, formula, digest.signed(text), len(suite.references), sweep.COUNT)


def _command(at: Callee, spec: Spec, place: Path) -> str:
    """The command that writes the same file again, from the folder it was given in."""
    words = ["vjpgen", "stubs", at.text, spec.text, "--args", ",".join(spec.args)]
    for text in spec.assume_text:
        words += ["--assume", text]
    for option, text in spec.meant.words if spec.meant else ():
        words += [option, text]
    return shlex.join([*words, "-o", place.as_posix()])
