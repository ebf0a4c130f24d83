"""The operations table: how accurate each operation is in JAX, measured against exact arithmetic.

    python scripts/primitives.py [--only REGEX] [--points 2000] [--write docs/operations.md]

For each operation that a form may use: its price in the search; the median condition number
sum |x_i * df/dx_i / f| at ordinary points; for float32 and float64 the mean and the largest error in ulps,
half of the points over bit patterns and half in ordinary ranges; and, in float32, how many of the results
are not finite, or zero, where the exact one is a normal number (overflow and underflow on the way).
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np

SEED = 99
ORDERED = ("polygamma", "besselj", "besseli")  # their first operand is a whole number
LEFT_OUT = ("poly", "where")
POSITIVE = {
    "kl_div": ("a", "b"),
    "log_ratio": ("a", "b"),
    "stirling": ("a",),
    "digamma_excess": ("a",),
}  # operands that have to be


def measured(op: Any, points: int) -> dict[str, Any]:
    """The figures of one operation."""
    from vjpgen import points as sampling
    from vjpgen import render, verify
    from vjpgen.expr import call, num, var
    from vjpgen.spec import Spec

    free = op.arity - (op.name in ORDERED)
    names = ("a", "b", "c", "d")[:free]
    operands = [*([num(1)] if op.name in ORDERED else []), *map(var, names)]
    domain = tuple(call("gt", var(a), num(0)) for a in POSITIVE.get(op.name, ()))
    spec = Spec("f", names, (call(op.name, *operands),), False, domain, "")
    source = render.render_plain(spec)
    found: dict[str, Any] = {"op": op}
    for dtype in (np.float32, np.float64):
        at = sampling.sample(spec, points, SEED, dtype)
        columns = [np.ascontiguousarray(at.at[:, k]) for k in range(free)]
        got = verify.measure_source(source, "f", 1, False, columns)
        found[np.dtype(dtype).name] = errors(np.asarray(got.values)[:, 0], at.truth_values[:, 0])
        if dtype is np.float32:
            found["condition"] = condition(at)
    return found


def condition(at: Any) -> float:
    """The median condition number at ordinary points."""
    n = at.ordinary
    with np.errstate(all="ignore"):
        terms = at.at[:n].astype(float) * at.truth_partials[:n, 0] / at.truth_values[:n]
        total = np.abs(terms).sum(axis=1)
    return float(np.median(total[np.isfinite(total)])) if np.isfinite(total).any() else float("nan")


def errors(got: Any, truth: Any) -> dict[str, float]:
    """Mean and largest error in ulps over finite results; results that are not finite, and zero ones."""
    from vjpgen.floats import representable, ulps

    counted = representable(truth, got.dtype)
    got, truth = np.ascontiguousarray(got[counted]), truth[counted]
    finite = np.isfinite(got) & ((got != 0) | (truth == 0))
    gap = ulps(got[finite], truth[finite])
    return {
        "mean": float(gap.mean()) if len(gap) else float("nan"),
        "max": float(gap.max(initial=0.0)),
        "bad": float((~np.isfinite(got)).sum()),
        "zero": float(((got == 0) & (truth != 0)).sum()),
        "points": float(len(got)),
    }


def table(rows: list[dict[str, Any]], points: int) -> str:
    """A Markdown table, one operation a row."""
    import jax

    lines = [
        "# Operations", "",
        f"Written by `scripts/primitives.py` with jax {jax.__version__} on {jax.default_backend()}, up to"
        f" {points} points each.", "",
        *(__doc__ or "").split("\n\n")[2].strip().splitlines(), "",
        "| operation | in JAX | price | condition | float32: mean, max ulps | not finite | zero |"
        " float64: mean, max ulps |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in rows:
        op, single, double = r["op"], r["float32"], r["float64"]
        places = ("a", "b", "c", "d")[: op.arity]
        cells = [
            op.name, f"`{op.jax.format(*places)}`", f"{op.cost:g}", f"{r['condition']:.2g}",
            f"{single['mean']:.2g}, {single['max']:.2g}", f"{single['bad']:.0f}", f"{single['zero']:.0f}",
            f"{double['mean']:.2g}, {double['max']:.2g}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    from vjpgen.ops import OPS

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="regular expression on the name")
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    chosen = [
        op
        for op in OPS.values()
        if op.takes == "real" and op.gives == "real" and op.arity > 0 and op.name not in LEFT_OUT
    ]
    rows = [measured(op, options.points) for op in chosen if re.search(options.only, op.name)]
    text = table(rows, options.points)
    print(text, end="")
    if options.write:
        options.write.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
