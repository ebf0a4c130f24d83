"""Measure second or third derivatives over a list of formulas: plain JAX, without --order, with it.

    python scripts/higher_derivatives.py CASES.json [--order 2] [--only REGEX] [--every 1] [--points 512]
        [--seed 4242] [--timeout 120] [--json FILE]

CASES.json holds a list of {"name", "expr", "args" (optional list), "pre" (optional assumption)}. Points are
drawn with a seed that no step of the search uses. Columns, plain / without / with: mean bits of error,
log2(1 + float32 ulps), over all partials of that order; percent of results more than 16 ulps off; results
that are not finite where the exact one is. Derivatives are by reverse mode throughout; of the plain formula,
by forward mode over reverse mode. The last column is the seconds of the search that --order adds.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

WHO = ("plain", "without", "with")


def judge(row: dict[str, Any], order: int, points: int, seed: int) -> dict[str, Any]:
    """The figures of one formula."""
    from vjpgen import doc, higher_search, higher_truth, render, residuals, search, verify_higher
    from vjpgen import points as sampling
    from vjpgen.forms import higher_partials
    from vjpgen.parse import parse

    pre = row.get("pre")
    spec = parse(row["expr"], name="f", args=row.get("args"), assume=(pre,) if pre else ())
    forms = search.search(spec)
    start = time.perf_counter()
    above = replace(forms, higher=higher_search.higher(forms, order))
    seconds = time.perf_counter() - start
    plans = (residuals.plan(forms, search.backward_bits), residuals.plan(above))
    sources = (render.render_plain(spec), *(render.render_module(p, doc.draft(p)) for p in plans))
    at = sampling.sample(spec, points, seed).at
    wanted = [p for p in higher_partials(spec, order) if len(p[1]) == order]
    truth = higher_truth.exact(spec, at, wanted)
    columns = [np.ascontiguousarray(c) for c in at.T]
    found: dict[str, Any] = {"s": seconds}
    for who, source in zip(WHO, sources, strict=True):
        got = verify_higher.measure(source, "f", spec.several, columns, wanted, who == "plain")[0]
        found[who] = _figures(got, truth)
    return found


def _figures(got: Any, truth: Any) -> tuple[float, float, int]:
    """Mean bits, percent above 16 ulps, results that are not finite; the means over partials."""
    from vjpgen.floats import error_bits, representable, ulps

    bits, tails, bad = [], [], 0
    for a, b in zip(got.T, truth.T, strict=True):
        counted = representable(b, np.float32)
        if counted.any():
            gap = ulps(np.ascontiguousarray(a[counted]), b[counted])
            bits.append(error_bits(gap).mean())
            tails.append(100 * np.mean(gap > 16))
            bad += int((~np.isfinite(a[counted])).sum())
    if not bits:
        return float("nan"), float("nan"), 0
    return float(np.mean(bits)), float(np.mean(tails)), bad


def show(rows: list[dict[str, Any]]) -> None:
    """The table, worst last, then the means."""
    rows = [r for r in rows if "error" not in r and not np.isnan(r["with"][0])]
    print(f"{'plain / without / with':28}{'bits':>22}{'> 16 ulp, %':>24}{'not finite':>24}{'s':>7}")
    rows.sort(key=lambda r: r["with"][0])
    mean = {who: tuple(np.mean([r[who] for r in rows], axis=0)) for who in WHO}
    last = {"name": f"mean of {len(rows)}", "s": float(np.median([r["s"] for r in rows])), **mean}
    for r in (*rows, last):
        cells = [" /".join(f"{r[who][k]:6.{2 - (k > 0)}f}" for who in WHO) for k in range(3)]
        print(f"{r['name'][:27]:28}{'  '.join(cells)}{r['s']:7.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--order", type=int, default=2)
    parser.add_argument("--only", default="", help="regular expression on the name")
    parser.add_argument("--every", type=int, default=1, help="one formula in so many")
    parser.add_argument("--points", type=int, default=512)
    parser.add_argument("--seed", type=int, default=4242)
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for each formula")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    from vjpgen import deadline
    from vjpgen.errors import VjpgenError

    cases = [r for r in json.loads(options.cases.read_text()) if re.search(options.only, r["name"])]
    rows = []
    for k, row in enumerate(cases[:: options.every]):
        try:
            with deadline.limit(options.timeout):
                figures = judge(row, options.order, options.points, options.seed)
        except VjpgenError as error:
            figures = {"error": str(error).splitlines()[0]}
        rows.append({"name": row["name"], **figures})
        print(k + 1, row["name"], figures, file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n")
    show(rows)
    for r in rows:
        if "error" in r:
            print(f"{r['name'][:28]:28}{r['error']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
