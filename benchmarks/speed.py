"""How fast generated rules are: value and gradient, against autodiff of the plain formula, JAX's own, a copy.

    python benchmarks/speed.py FOLDER [--only REGEX] [--elements 1048576] [--inputs ordinary|all]
        [--rounds 5] [--turn 0.05] [--write FILE.md] [--json FILE.json]

FOLDER is from `prepare.py`; jax and numpy are all that this needs. One compiled program per contender takes
float32 arrays of inputs and of cotangents, and returns the values and the cotangents of the inputs. The copy
is a program with the same number of arrays in and out that negates each. In every round the contenders take
turns, the first one another each time; a turn repeats the call for `--turn` seconds. Times are medians of
the rounds, ratios are medians of the ratios within a round. GB/s are the bytes of the arrays in and out,
once, by the time of the generated rule, and the device's are those of a copy of one large array.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prepared import GENERATED, JAX, PLAIN, Accuracy, Case, Prepared, PreparedError, count, names, read, table

COPY = "copy"
RIVALS = (PLAIN, JAX, COPY)
SLOW = 2.0  # times plain autodiff: above this the table says what the time buys
BANDWIDTH_BYTES = 1 << 28  # of the array whose copy shows what the memory can do
COTANGENTS = (
    np.random.default_rng(0).standard_normal(4099).astype(np.float32)
)  # a prime: not in step with the points


@dataclass(frozen=True, slots=True)
class Cost:
    """What XLA counts in a compiled program, per element."""

    flops: float
    transcendentals: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Timed:
    """One case as measured.

    Attributes:
        case: the formula.
        seconds: of one call, by contender, one figure per round.
        costs: by contender; of none where the backend does not count.
        bytes: of the arrays in and out of one call.
    """

    case: Case
    seconds: dict[str, list[float]]
    costs: dict[str, Cost]
    bytes: int

    def median(self, who: str) -> float:
        return statistics.median(self.seconds[who])

    def ratios(self, who: str, to: str) -> list[float]:
        """The time of one contender in that of another, in every round; empty without either."""
        if who not in self.seconds or to not in self.seconds:
            return []
        return [a / b for a, b in zip(self.seconds[who], self.seconds[to], strict=True)]

    def ratio(self, who: str, to: str) -> float | None:
        """The median of `ratios`."""
        found = self.ratios(who, to)
        return statistics.median(found) if found else None


@dataclass(frozen=True, slots=True)
class Options:
    """How long and on what."""

    elements: int
    ordinary: bool
    rounds: int
    turn: float


def gradient(f: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    """The program that is timed: values, and cotangents of the inputs."""

    def program(bars: tuple[Any, ...], *at: Any) -> Any:
        values, pull = jax.vjp(f, *at)
        return values, pull(bars)

    return program


def copied(bars: tuple[Any, ...], *at: Any) -> Any:
    """As many arrays in and out as `gradient` has. Without the sign XLA would hand the inputs back."""
    return tuple(-b for b in bars), tuple(-x for x in at)


def compiled(program: Callable[..., Any], bars: tuple[Any, ...], at: Sequence[Any]) -> tuple[Any, Any]:
    """A program, and a function that calls it on these arrays and returns what it returned.

    Each call writes into the arrays of the last one: how fast the system hands out new ones is no matter of
    the rule, and may take longer than the rule.
    """
    out = jax.tree.map(jnp.zeros_like, (bars, tuple(at)))

    def in_place(out: Any, bars: tuple[Any, ...], *at: Any) -> Any:
        return program(bars, *at)

    call = jax.jit(in_place, donate_argnums=0, keep_unused=True).lower(out, bars, *at).compile()

    def run() -> Any:
        nonlocal out
        out = call(out, bars, *at)
        return out

    return call, run


def timed(prepared: Prepared, case: Case, options: Options) -> Timed:
    """Compile all contenders of a case, then let them take turns."""
    n = options.elements
    at = [jax.device_put(np.resize(c, n)) for c in prepared.points(case, ordinary=options.ordinary)]
    bars = tuple(jax.device_put(np.resize(np.roll(COTANGENTS, k), n)) for k in range(case.outputs))
    programs = {who: gradient(prepared.function(case, who)) for who in case.contenders} | {COPY: copied}
    calls = {who: compiled(program, bars, at) for who, program in programs.items()}
    seconds = take_turns({who: run for who, (_, run) in calls.items()}, options)
    costs = {who: counted for who, (call, _) in calls.items() if (counted := cost(call, n)) is not None}
    return Timed(case, seconds, costs, 2 * sum(x.nbytes for x in (*at, *bars)))


def take_turns(runs: dict[str, Callable[[], Any]], options: Options) -> dict[str, list[float]]:
    """Seconds per call, by contender, one figure per round."""
    calls = {}
    for who, run in runs.items():
        repeat(run, 1)  # the first call is slower
        calls[who] = max(1, math.ceil(options.turn / repeat(run, 3)))
    names = list(runs)
    found: dict[str, list[float]] = {who: [] for who in runs}
    for k in range(options.rounds):
        first = k % len(names)
        for who in (*names[first:], *names[:first]):
            found[who].append(repeat(runs[who], calls[who]))
    return found


def repeat(run: Callable[[], Any], calls: int) -> float:
    """Seconds per call: on a CPU the median, elsewhere the mean.

    An accelerator is given all calls at once and works them off in order, so that their launches cost no
    time. A CPU would run several at once, and now and then one of them waits for another program.
    """
    if jax.default_backend() == "cpu":
        return statistics.median(clocked(run, 1) for _ in range(calls))
    return clocked(run, calls) / calls


def clocked(run: Callable[[], Any], calls: int) -> float:
    """Seconds until all calls are done. Only the last result is held: many would fill the memory."""
    start = time.perf_counter()
    for _ in range(calls):
        out = run()
    jax.block_until_ready(out)
    return time.perf_counter() - start


def cost(compiled: Any, elements: int) -> Cost | None:
    """XLA's own count, per element; None where the backend does not count."""
    found = compiled.cost_analysis()
    if not found:
        return None
    counts = (found.get(k, 0.0) / elements for k in ("flops", "transcendentals", "bytes accessed"))
    return Cost(*counts)


def bandwidth(options: Options) -> float:
    """Bytes per second that a copy of one large array reads and writes."""
    x = jax.device_put(np.resize(COTANGENTS, max(BANDWIDTH_BYTES // 4, options.elements)))
    _, run = compiled(copied, (x,), ())
    (seconds,) = take_turns({COPY: run}, options).values()
    return float(2 * x.nbytes / statistics.median(seconds))


def geometric_mean(ratios: Sequence[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, ratios)))


def shown(x: float | None) -> str:
    return "" if x is None else f"{x:.2f}"


def microseconds(found: Timed, who: str) -> str:
    if who not in found.seconds:
        return ""
    time_taken = 1e6 * found.median(who)
    return f"{time_taken:.0f}" if time_taken >= 100 else f"{time_taken:.1f}"


def row(found: Timed, peak: float) -> list[str]:
    """One line of the table."""
    rate = found.bytes / found.median(GENERATED)
    beside_plain = found.ratios(GENERATED, PLAIN)
    costs = [found.costs[who] for who in found.case.contenders if who in found.costs]
    counts = (
        "/".join(f"{getattr(c, counted):.4g}" for c in costs)
        for counted in ("flops", "transcendentals", "bytes")
    )
    return [
        found.case.name,
        *(microseconds(found, who) for who in (GENERATED, PLAIN, JAX)),
        shown(found.ratio(GENERATED, PLAIN)),
        f"{min(beside_plain):.2f} to {max(beside_plain):.2f}",
        *(shown(found.ratio(GENERATED, who)) for who in (JAX, COPY)),
        *counts,
        f"{rate / 1e9:.1f}",
        f"{100 * rate / peak:.0f} %",
    ]


def means(all_found: Sequence[Timed]) -> Iterator[str]:
    """Geometric means of the ratios."""
    for who, to in ((GENERATED, PLAIN), (GENERATED, JAX), (PLAIN, JAX), (GENERATED, COPY), (PLAIN, COPY)):
        ratios = [r for found in all_found if (r := found.ratio(who, to)) is not None]
        if ratios:
            yield f"- {who} / {to}: {geometric_mean(ratios):.3f} over {len(ratios)} formulas"


def bought(found: Timed) -> str:
    """What a slow case has for its time."""
    generated, plain = (accuracy_text(found.case.accuracy[who]) for who in (GENERATED, PLAIN))
    times = f"{shown(found.ratio(GENERATED, PLAIN))} times plain autodiff"
    return f"- {found.case.name}, `{found.case.formula}`: {times}. Generated: {generated}; plain: {plain}."


def accuracy_text(a: Accuracy) -> str:
    return (
        f"value {a.value:.2f} bits off, gradient {a.gradient:.2f} bits, {a.bad} results not finite,"
        f" {a.residual_bytes:.4g} bytes kept"
    )


def report(found: Sequence[Timed], failed: dict[str, str], peak: float, options: Options) -> str:
    """The page in Markdown."""
    device = jax.devices()[0]
    inputs = "of ordinary size" if options.ordinary else "half of ordinary size, half over all bit patterns"
    lines = [
        "# Speed of value and gradient",
        "",
        f"Written by `benchmarks/speed.py` with jax {jax.__version__} on {device.platform}"
        f" ({device.device_kind}), {options.elements} float32 elements, inputs {inputs},"
        f" {options.rounds} rounds. A copy of one large array moves {peak / 1e9:.1f} GB/s.",
        "",
    ]
    columns = [
        "formula", "generated, µs", "plain, µs", "jax, µs", "/ plain", "rounds", "/ jax", "/ copy", "flops",
        "transcendentals", "bytes accessed", "GB/s", "of the device's",
    ]  # fmt: skip
    lines += [table(columns, [row(f, peak) for f in found])]
    lines += [
        "Ratios are of the generated rule; `rounds` is the range of those to plain autodiff. Flops,"
        " transcendentals and bytes accessed are XLA's, per element: generated/plain/jax.",
        "",
        "Geometric means:",
        "",
        *means(found),
    ]
    slow = [f for f in found if (f.ratio(GENERATED, PLAIN) or 0.0) > SLOW]
    lines += ["", f"Over {SLOW} times plain autodiff: {'none.' if not slow else ''}".rstrip()]
    lines += ["", *map(bought, slow)] if slow else []
    if failed:
        lines += ["", "Not timed:", "", *(f"- {name}: {reason}" for name, reason in failed.items())]
    return "\n".join(lines) + "\n"


def record(found: Sequence[Timed], failed: dict[str, str], peak: float, options: Options) -> dict[str, Any]:
    """The same as plain data, every round's seconds included."""
    device = jax.devices()[0]
    return {
        "jax": jax.__version__,
        "backend": device.platform,
        "device": device.device_kind,
        "options": asdict(options),
        "copy_bytes_per_second": peak,
        "cases": [asdict(f) | {"ratios": {to: f.ratio(GENERATED, to) for to in RIVALS}} for f in found],
        "not_timed": failed,
    }


def measure(prepared: Prepared, options: Options) -> Iterator[Timed | tuple[str, str]]:
    """Each case as measured, or its name and why it could not be."""
    for case in prepared.cases:
        try:
            yield timed(prepared, case, options)
        except Exception as error:  # one formula that a backend refuses is no reason to lose the others
            yield case.name, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=names, default="", help="regular expression on the name")
    parser.add_argument("--elements", type=count, default=1 << 20)
    parser.add_argument("--inputs", choices=("ordinary", "all"), default="ordinary")
    parser.add_argument("--rounds", type=count, default=5)
    parser.add_argument("--turn", type=float, default=0.05, help="seconds that each turn takes")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    parser.add_argument("--json", type=Path, help="JSON file to write")
    given = parser.parse_args()
    options = Options(given.elements, given.inputs == "ordinary", given.rounds, given.turn)
    try:
        prepared = read(given.folder, given.only)
    except PreparedError as error:
        parser.error(str(error))
    peak, found, failed = bandwidth(options), [], {}
    for k, outcome in enumerate(measure(prepared, options), 1):
        if isinstance(outcome, Timed):
            found.append(outcome)
        else:
            failed[outcome[0]] = outcome[1]
        print(f"{k}/{len(prepared.cases)}", file=sys.stderr, flush=True)
        if found:  # after each case, so that a run that is ended leaves what it measured
            not_timed = prepared.left_out | failed
            page = report(found, not_timed, peak, options)
            if given.write:
                given.write.write_text(page)
            if given.json:
                given.json.write_text(json.dumps(record(found, not_timed, peak, options), indent=1) + "\n")
    if found:
        print(page, end="")
    for name, reason in failed.items():
        print(f"{name} was not timed: {reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
