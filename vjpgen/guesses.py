"""What sympy takes an integral to be, found by a process of its own: `closed_form`."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vjpgen.domain_points import spec_of
from vjpgen.expr import Expr
from vjpgen.integral import Integral
from vjpgen.points import box


@dataclass(frozen=True, slots=True)
class Question:
    """One integral.

    Attributes:
        integrand: a formula.
        variable: what is integrated over.
        low, high: the limits; none where they are infinite.
        positive: names of which only positive numbers are meant.
    """

    integrand: Expr
    variable: str
    low: Expr | None
    high: Expr | None
    positive: tuple[str, ...]


@contextmanager
def closed_forms(spec: Integral) -> Iterator[Callable[[], Iterator[Expr]]]:
    """What sympy takes the integral to be, found by a process that runs beside the block."""
    low, _ = box(spec_of(spec))
    positive = tuple(a for a, x in zip(spec.args, low, strict=True) if x >= 0)
    question = Question(spec.integrand, spec.variable, spec.low, spec.high, positive)
    home = str(Path(__file__).parents[1])
    paths = [home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    process = subprocess.Popen(
        [sys.executable, "-m", "vjpgen.closed_form"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    answers = process.stdout
    with process:
        try:
            with suppress(BrokenPipeError):
                pickle.dump(question, process.stdin)
                process.stdin.close()

            def found() -> Iterator[Expr]:
                with suppress(EOFError):
                    while True:
                        yield pickle.load(answers)

            yield found
        finally:
            process.kill()
