"""Generated modules, verified anew: what they say of themselves, their tests, their accuracy elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vjpgen import deadline, headers, recorded, settings
from vjpgen.errors import DomainError, FileRefused, OptionError, TimeoutReached
from vjpgen.meter import open_meter

if TYPE_CHECKING:
    from vjpgen.judged import Exact, Judged
    from vjpgen.recorded import Recorded, Stated

_MORE_BITS = 0.5  # that the mean may be above the stated one where the module says that it misses the bar
_SHARE = 0.01  # of results, by which the share above the bar may be larger there


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: "text", "header", "tests", or the label of a target, with its mode for a partial.
        holds: whether it is as it should be.
        said: what was seen, in a sentence or two.
    """

    what: str
    holds: bool
    said: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one generated module.

    Attributes:
        path: the file.
        name, formula, args, domain: what it computes, from the command in its header.
        findings: what was looked at, in order.
        targets: figures at the fresh points.
        points, seed: how many points, and what they were drawn with.
    """

    path: str
    name: str
    formula: str
    args: tuple[str, ...]
    domain: str
    findings: tuple[Finding, ...]
    targets: tuple[Judged, ...]
    points: int
    seed: int

    @property
    def holds(self) -> bool:
        """Whether all findings hold."""
        return all(f.holds for f in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The same as nested plain data."""
        return {**asdict(self), "holds": self.holds}


def check(
    path: str | os.PathLike[str],
    *,
    function: str | None = None,
    tests: bool | str | os.PathLike[str] = True,
    seed: int = 0,
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Checked:
    """Verify a generated module anew.

    Its text is read, not run: that nobody changed it since it was generated, and that title, command and
    code agree. Then pytest runs its tests, and the module is run in a process of its own, at float32 points
    at which it was not measured when it was generated, against exact arithmetic. A target holds when all
    results there are within 16 ulps; one whose docstring says that some are not, when hardly more of them
    are off than it says.

    Args:
        path: the module.
        function: which of its functions, where it holds several.
        tests: whether its tests are run where they stand beside it, or the file that holds them.
        seed: another one draws other points; 0 and above.
        timeout: seconds after which the work is abandoned.
        progress: called with the name of each step.

    Raises:
        FileRefused: there is no such file, vjpgen did not generate it, or it holds several functions and
            none is named.
        OptionError: the seed is negative, or there are tests to run and no pytest.
        TimeoutReached: the work took longer than `timeout`.
    """
    settings.accept(seed=seed)
    with deadline.steps(timeout, progress) as step:
        step(f"reading {path}")
        module = recorded.read(Path(path), function)
        found = [*_read(module)]
        step(f"running the tests of {path}")
        found += _tested(module, tests)
        step(f"measuring {path}")
        exact, targets, failed = _measured(module, seed)
        found += failed
        found += (_accurate(t, module.stated.get(t.label)) for t in targets)
        spec, where = module.spec, headers.domain(module.spec)
        what = module.asked.what
        return Checked(str(path), spec.name, what, spec.args, where, tuple(found), targets, exact, seed)


def _measured(module: Recorded, seed: int) -> tuple[int, tuple[Judged, ...], list[Finding]]:
    """How many points there are, what the module returns there, and what keeps it from being run."""
    from vjpgen import fresh

    with open_meter(apart=True) as meter:
        exact: Exact | None = None
        try:
            exact = fresh.exact(module.spec, seed, meter)
            targets = (*fresh.measured(module, exact, meter), *fresh.higher(module, exact, meter))
            return len(exact.at), targets, []
        except (TimeoutReached, DomainError):
            raise
        except Exception as error:  # whatever a module raises that somebody changed
            last = (str(error).strip().splitlines() or [""])[-1]
            said = f"it cannot be run: {type(error).__name__}: {last}"
            return 0 if exact is None else len(exact.at), (), [Finding("accuracy", False, said)]


def _read(module: Recorded) -> Iterator[Finding]:
    same = module.untouched is True
    yield Finding("text", same, "as it was generated" if same else recorded.changed(module.untouched))
    wrong = "; ".join(module.disagreements)
    yield Finding("header", not wrong, wrong or "title, command and code agree")


def _tested(module: Recorded, tests: bool | str | os.PathLike[str]) -> Iterator[Finding]:
    if tests is False:
        return
    path = module.tests if tests is True else Path(tests)
    if tests is True and not path.exists():
        yield Finding("tests", True, f"not run: there is no {path}")
        return
    if find_spec("pytest") is None:
        raise OptionError("pytest is not installed, so that the tests cannot be run", hint="see --no-tests")
    try:
        wrong = [*recorded.read_tests(path, module)]
    except FileRefused as error:
        wrong = [str(error)]
    if wrong:
        yield Finding("tests", False, "not run: " + "; ".join(wrong))
        return
    yield _run(path)


def _run(path: Path) -> Finding:
    """What pytest says of a test file, in a process of its own that no configuration reaches."""
    words = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "-o", "addopts="]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        [*words, path.name],
        cwd=path.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    lines = done.stdout.strip().splitlines() or ["pytest printed nothing"]
    summary = re.sub(r" in [\d.]+s.*", "", lines[-1]).strip("= ")
    failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    said = f"{path}: {summary}" + (f"; first {failed[0]}" if failed else "")
    return Finding("tests", done.returncode == 0, said)


def _accurate(target: Judged, stated: Stated | None) -> Finding:
    from vjpgen.floats import BAR

    f = target.figures
    what = target.label if target.mode == "value" else f"{target.label} {target.mode}"
    if not f.points:
        return Finding(what, True, "nowhere a normal number")
    off = f"{f.off} of {f.points} points are more than {BAR} ulp off"
    said = off if f.off else f"at most {f.max_ulps:.0f} ulp, mean {f.mean_bits:.2f} bits"
    if stated is None or not (stated.off or stated.max_ulps > BAR):
        return Finding(what, not f.off, said)
    good = f.off / f.points <= 2 * stated.off / stated.points + _SHARE
    good = good and f.mean_bits <= stated.mean_bits + _MORE_BITS
    return Finding(what, good, f"{said}; the module says {stated.off} of {stated.points}")
