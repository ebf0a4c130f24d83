"""Build many functions in one run: how long it takes, on one core and on all, and in how much memory.

    python scripts/build_many.py FOLDER [--count 200] [--alone 20] [--effort low]

FOLDER gets the tables, five functions to a module, and the modules. The functions are those of the language,
and each times its first argument. The speed-up over one core is measured on the first `--alone` of them; the
cache is left out. Memory is the largest sum over all processes of the build, looked at twice a second.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from vjpgen.language import FUNCTIONS, Function

PER_MODULE = 5


def formulas() -> Iterator[tuple[str, str]]:
    """(name, formula): every function of real numbers, then each times its first argument."""
    real = [f for f in FUNCTIONS if f.kind in ("op", "formula") and f.section != "Choices and comparisons"]
    rows = [f for f in real if f.least == f.most]
    for row in rows:
        yield row.names[0], call(row)
    for row in rows:
        yield f"{row.names[0]}_scaled", f"{row.params[0]}*{call(row)}"


def call(row: Function) -> str:
    return f"{row.names[0]}({', '.join(row.params)})"


def tables(folder: Path, count: int, effort: str) -> int:
    """Writes the tables into the folder; how many functions they ask for."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["[defaults]", f'effort = "{effort}"']
    chosen = [*formulas()][:count]
    for k, (name, text) in enumerate(chosen):
        lines += ["", "[[function]]", f'name = "{name}"', f'expr = "{text}"']
        lines += [f'output = "many_{k // PER_MODULE:02}.py"']
    (folder / "vjpgen.toml").write_text("\n".join(lines) + "\n")
    return len(chosen)


def build(folder: Path, *words: str) -> tuple[float, float, int, str]:
    """Seconds, seconds of all processors, the most memory in MB, and the last line of a build."""
    begun, before, most = time.monotonic(), processors(), 0
    command = [sys.executable, "-m", "vjpgen", "build", "--no-cache", *words]
    with (folder / "build.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, start_new_session=True)
        while process.poll() is None:
            most = max(most, memory(process.pid))
            time.sleep(0.5)
    return (
        time.monotonic() - begun,
        processors() - before,
        most,
        (folder / "build.log").read_text().splitlines()[-1],
    )


def processors() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory(session: int) -> int:
    """Resident MB of all processes of a session."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if int((place / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                total += int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total // 1_000_000


def main() -> None:
    """Builds, and prints what it cost."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("folder", type=Path)
    words.add_argument("--count", type=int, default=200)
    words.add_argument("--alone", type=int, default=20)
    words.add_argument("--effort", default="low")
    given = words.parse_args()
    cores = len(os.sched_getaffinity(0))
    took = {}
    for jobs in (1, cores):
        few = given.folder / f"{jobs}_processes"
        count = tables(few, given.alone, given.effort)
        took[jobs], used, _, said = build(few, "-j", str(jobs))
        print(
            f"{count} functions, {jobs} processes: {took[jobs]:.0f} s, {used:.0f} of processors; {said}",
            flush=True,
        )
    print(f"speed-up over one process: {took[1] / took[cores]:.2f} with {cores} cores", flush=True)
    count = tables(given.folder / "all", given.count, given.effort)
    seconds, used, most, said = build(given.folder / "all")
    print(
        f"{count} functions: {seconds:.0f} s, {used:.0f} s of processors, {most} MB at most; {said}",
        flush=True,
    )
    seconds, _, _, said = build(given.folder / "all")
    print(f"again: {seconds:.2f} s; {said}")


if __name__ == "__main__":
    main()
