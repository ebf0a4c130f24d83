"""Generate a module for every formula of a JSON file, run the tests that come with each, list what failed.

    python scripts/sweep.py CASES.json --out FOLDER [--jobs 2] [--only REGEX] [--limit N] [--no-tests]

CASES.json holds a list of {"name", "expr", "args" (optional list), "pre" (optional assumption)}. Each case
is one run of the command `vjpgen` and one of `pytest`, as a user would start them. FOLDER gets the modules,
their tests, the logs and `results.json`. The exit status is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

TELLING = re.compile(r"^(?:vjpgen: |FAILED |ERROR )(.*)", flags=re.M)


@dataclass(frozen=True, slots=True)
class Case:
    """One formula: `stem` is the name of its module and of its function."""

    name: str
    stem: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went: `failed` is "" or the step that failed, with `reason` in a few words."""

    name: str
    stem: str
    failed: str
    reason: str
    generating_s: float
    testing_s: float
    tests: int


def read_cases(path: Path, only: str) -> list[Case]:
    """The cases whose name matches, each with an identifier of its own."""
    cases: list[Case] = []
    stems: set[str] = set()
    for row in json.loads(path.read_text()):
        stem = identifier(row["name"], stems)
        stems.add(stem)
        if not re.search(only, row["name"]):
            continue
        options = ["--args", ",".join(row["args"])] if row.get("args") else []
        options += ["--assume", row["pre"]] if row.get("pre") else []
        cases.append(Case(row["name"], stem, (row["expr"], "--name", stem, *options)))
    return cases


def identifier(name: str, taken: set[str]) -> str:
    base = "f_" + re.sub(r"\W+", "_", name).strip("_").lower()
    return next(c for c in (base, *(f"{base}_{i}" for i in range(2, 1000))) if c not in taken)


def run(command: Sequence[str], folder: Path, log: Path, timeout: float) -> tuple[int, str, float]:
    """Exit status, what was printed, and seconds; a time-out has the status 124."""
    start = time.perf_counter()
    with log.open("w") as out:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                timeout=timeout,
                check=False,
            )
            status = done.returncode
        except subprocess.TimeoutExpired:
            status = 124
    return status, log.read_text(errors="replace"), time.perf_counter() - start


def reason(status: int, text: str) -> str:
    """The line of a log that says most."""
    if status == 124:
        return "timed out"
    telling = TELLING.findall(text)
    lines = text.strip().splitlines() or [f"exit status {status}"]
    more = f" (and {len(telling) - 1} more)" if len(telling) > 1 else ""
    return (telling or lines[-1:])[0][:160] + more


def sweep_one(case: Case, folder: Path, with_tests: bool, timeout: float) -> Result:
    module = f"{case.stem}.py"
    generate = [sys.executable, "-m", "vjpgen", *case.command, "-o", module, "--force"]
    generate += ["--timeout", str(timeout)]
    status, text, generating = run(generate, folder, folder / f"{case.stem}.generate.log", timeout)
    if status != 0:
        return Result(case.name, case.stem, "generate", reason(status, text), generating, 0.0, 0)
    if not with_tests:
        return Result(case.name, case.stem, "", "", generating, 0.0, 0)
    test = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", f"test_{module}"]
    status, text, testing = run(test, folder, folder / f"{case.stem}.test.log", timeout)
    passed = re.search(r"(\d+) passed", text)
    count = int(passed.group(1)) if passed else 0
    if status != 0 or not count:
        return Result(case.name, case.stem, "tests", reason(status, text), generating, testing, count)
    return Result(case.name, case.stem, "", "", generating, testing, count)


def show(results: Sequence[Result], with_tests: bool) -> None:
    """The failures as a table, then the totals."""
    failures = [r for r in results if r.failed]
    width = max((len(r.stem) for r in failures), default=0)
    for r in failures:
        print(f"{r.stem:{width}}  {r.failed:8}  {r.reason}")
    generated = [r for r in results if r.failed != "generate"]
    print(f"{len(results)} cases: {len(generated)} generated", end="")
    if with_tests:
        passing = [r for r in generated if not r.failed]
        print(f", tests of {len(passing)} pass ({sum(r.tests for r in passing)} tests)", end="")
    print()
    for step, seconds in (
        ("generating", [r.generating_s for r in generated]),
        ("testing", [r.testing_s for r in generated if r.testing_s]),
    ):
        if seconds:
            print(f"{step}: median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="regular expression on the name")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for each step of a case")
    parser.add_argument("--no-tests", action="store_true")
    options = parser.parse_args()
    cases = read_cases(options.cases, options.only)[: options.limit]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "pytest.ini").write_text("[pytest]\n")  # generated tests pass without any settings
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(sweep_one, c, options.out, not options.no_tests, options.timeout) for c in cases]
        results = []
        for job in jobs:
            results.append(job.result())
            if sys.stderr.isatty():
                print(f"\r{len(results)}/{len(cases)} ", end="", file=sys.stderr, flush=True)
    (options.out / "results.json").write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n")
    show(results, not options.no_tests)
    return 1 if any(r.failed for r in results) or not results else 0


if __name__ == "__main__":
    sys.exit(main())
