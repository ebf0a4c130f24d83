"""Runs a generated test file against the mutants of its module, and judges the ones it lets live.

python tests/mutation/run.py                 every function, every mutant
python tests/mutation/run.py softplus kepler those functions
python tests/mutation/run.py --every 5       every function, every fifth mutant
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from mutation.defined import EVERY, made
from mutation.judge_mutants import Judge
from mutation.mutants import Mutant, mutants

_OPTIONS = ["-x", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:randomly", "-c"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the mutants of one function.

    Attributes:
        name: the function's name.
        killed: how many mutants that change results by more than the bounds made a test fail.
        harmless: how many do not change results by more than the bounds.
        missed: those that do and made no test fail, with what they change.
        seconds: how long it took.
    """

    name: str
    killed: int
    harmless: int
    missed: tuple[tuple[Mutant, str], ...]
    seconds: float


def run(name: str, every: int = 1, points: int = 100_000) -> Outcome:
    """Mutates the module of one function and runs its tests on every `every`-th mutant."""
    start = time.perf_counter()
    found = made(name, points)
    judge = Judge(found.spec, found.module, found.exact)
    killed, harmless, missed = 0, 0, []
    with TemporaryDirectory() as folder:
        assert own_tests_pass(found, name, Path(folder)), f"the tests of {name} fail on its own module"
        tests = Path(folder) / f"test_{name}.py"
        for mutant in mutants(found.module, name)[::every]:
            verdict = judge.verdict(mutant.source)
            if not verdict:
                harmless += 1
            elif passes(tests, name, mutant.source):
                missed.append((mutant, verdict))
            else:
                killed += 1
            jax.clear_caches()  # what is compiled for a mutant is never used again
    return Outcome(name, killed, harmless, tuple(missed), time.perf_counter() - start)


def own_tests_pass(found: Any, name: str, folder: Path, module: str | None = None) -> bool:
    """Whether the tests that were generated pass on the module, or on another in its place."""
    tests = folder / f"test_{name}.py"
    tests.write_text(found.tests)
    return passes(tests, name, found.module if module is None else module)


def passes(tests: Path, name: str, module: str) -> bool:
    """Whether a generated test file passes on a module, up to its first failure."""
    (tests.parent / f"{name}.py").write_text(module)
    config = tests.parent / "pytest.ini"
    config.write_text("[pytest]\n")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = pytest.main([*_OPTIONS, str(config), "--rootdir", str(tests.parent), str(tests)])
    for loaded in [m for m in sys.modules if m.endswith(f"test_{name}") or m == f"{name}_under_test"]:
        del sys.modules[loaded]
    return code == pytest.ExitCode.OK


def describe(outcome: Outcome) -> str:
    counts = f"{outcome.killed} killed, {outcome.harmless} harmless, {len(outcome.missed)} missed"
    lines = [f"{outcome.name}: {counts}, {outcome.seconds:.0f} s"]
    lines += [f"    {m.kind} at {m.where}: {verdict}" for m, verdict in outcome.missed]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*EVERY, []], metavar="NAME")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    for wanted in options.names or EVERY:
        print(describe(run(wanted, options.every)), flush=True)
