"""Measure what vjpgen generates over a list of formulas, in one dtype, beside plain JAX autodiff.

    python scripts/accuracy.py CASES.json [--dtype float32|float64|bfloat16|float16] [--only REGEX]
        [--points 512] [--jobs 2] [--json FILE] [--worst 12] [--seed 4242] [--keep FOLDER] [--reuse FOLDER]

CASES.json holds a list of {"name", "expr", "args" (optional list), "pre" (optional assumption)}. Points are
drawn with a seed that no step of the search uses, half over the bit patterns of the dtype and half in
ordinary ranges. Columns, generated / plain: mean bits of error, log2(1 + ulps of the dtype), of the value
and of the partials; results that are not finite where the truth is; percent of results more than 16 ulps
off, over all points and over ordinary ones; residual bytes per element; seconds of search and planning.
Modules that --keep has put into a folder are measured in another dtype with --reuse, without a new search.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

SEARCH_SECONDS = "s"
COLUMNS = ("value", "grad", "bad", "tail", "usual_tail", "usual_bad", "resid")


def judge(row: dict[str, Any], dtype: str, points: int, seed: int, timeout: float) -> dict[str, Any]:
    """The figures of one formula; an error becomes a word in the row, not the end of the run."""
    from vjpgen import deadline
    from vjpgen.errors import VjpgenError

    try:
        with deadline.limit(timeout):
            return {"name": row["name"], **_figures(row, dtype, points, seed)}
    except VjpgenError as e:
        return {"name": row["name"], "error": str(e).splitlines()[0]}


def _figures(row: dict[str, Any], dtype: str, points: int, seed: int) -> dict[str, Any]:
    from vjpgen import doc, render, residuals, search, verify
    from vjpgen import points as sampling
    from vjpgen.parse import parse

    pre = row.get("pre")
    spec = parse(row["expr"], name="f", args=row.get("args"), assume=(pre,) if pre else ())
    start, module = time.perf_counter(), row.get("module")
    if module is None:
        plan = residuals.plan(search.search(spec), search.backward_bits)
        module = render.render_module(plan, doc.draft(plan, command="", notes=()))
    seconds = time.perf_counter() - start
    import jax.numpy as jnp  # registers bfloat16 with NumPy

    at = sampling.sample(spec, points, seed, jnp.dtype(dtype))
    columns = [np.ascontiguousarray(at.at[:, k]) for k in range(len(spec.args))]
    found: dict[str, Any] = {SEARCH_SECONDS: seconds, "module": module}
    for who, source in (("", module), ("plain_", render.render_plain(spec))):
        got = verify.measure_source(source, "f", len(spec.outputs), spec.several, columns)
        found |= {who + k: v for k, v in _errors(got, at).items()}
        found[who + "resid"] = got.residual_bytes
    return found


def _errors(got: Any, at: Any) -> dict[str, float]:
    targets = list(_targets(got.values, at.truth_values)) + list(_targets(got.partials, at.truth_partials))
    outputs = at.truth_values.shape[1]
    found = {
        "value": _mean([t[0] for t in targets[:outputs]]),
        "grad": _mean([t[0] for t in targets[outputs:]]),
    }
    found["bad"] = float(sum(t[1] for t in targets))
    found["tail"] = _mean([t[2] for t in targets])
    usual = [_target(a, b, at.ordinary) for a, b in _pairs(got, at)]
    found["usual_tail"] = _mean([u[2] for u in usual])
    found["usual_bad"] = float(sum(u[1] for u in usual))
    if got.forward is not None:
        found["forward"] = _mean([t[0] for t in _targets(got.forward, at.truth_partials)])
    return found


def _pairs(got: Any, at: Any) -> Iterator[tuple[Any, Any]]:
    for a, b in ((got.values, at.truth_values), (got.partials, at.truth_partials)):
        n = len(a)
        yield from zip(np.asarray(a).reshape(n, -1).T, b.reshape(n, -1).T, strict=True)


def _targets(got: Any, truth: Any) -> Iterator[tuple[float, int, float]]:
    n = len(got)
    for a, b in zip(np.asarray(got).reshape(n, -1).T, truth.reshape(n, -1).T, strict=True):
        yield _target(a, b, n)


def _target(got: Any, truth: Any, rows: int) -> tuple[float, int, float]:
    """Mean bits, results that are not finite, percent above 16 ulps; over the first `rows` points."""
    from vjpgen.floats import error_bits, ulps
    from vjpgen.points import Format

    got, truth = np.ascontiguousarray(got[:rows]), truth[:rows]
    counted = Format.of(got.dtype).keeps(truth)
    if not counted.any():
        return float("nan"), 0, float("nan")
    gap = ulps(got[counted], truth[counted])
    return (
        float(error_bits(gap).mean()),
        int((~np.isfinite(got[counted])).sum()),
        float(100 * np.mean(gap > 16)),
    )


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if not np.isnan(v)]
    return float(np.mean(known)) if known else float("nan")


def show(rows: Sequence[dict[str, Any]], worst: int) -> None:
    """The table, worst gradients last, then the averages."""
    scored = sorted((r for r in rows if "error" not in r), key=lambda r: r["grad"] + r["value"])
    head = "".join(f"{c:>15}" for c in COLUMNS)
    print(f"{'generated / plain':34}{head}{'s':>7}")
    for r in scored[-worst:]:
        cells = "".join(f"{r[c]:8.2f}/{r['plain_' + c]:6.2f}" for c in COLUMNS)
        print(f"{r['name'][:34]:34}{cells}{r['s']:7.2f}")
    if scored:
        cells = "".join(
            f"{_mean([r[c] for r in scored]):8.2f}/{_mean([r['plain_' + c] for r in scored]):6.2f}"
            for c in COLUMNS
        )
        print(f"{f'mean of {len(scored)}':34}{cells}{float(np.median([r['s'] for r in scored])):7.2f}")
    for r in rows:
        if "error" in r:
            print(f"{r['name'][:34]:34}{r['error']}")


def kept(folder: Path, name: str) -> Path:
    """Where the module of a formula is kept."""
    return folder / f"{re.sub(r'[^A-Za-z0-9]+', '_', name).lower()}.py"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--only", default="", help="regular expression on the name")
    parser.add_argument("--points", type=int, default=512)
    parser.add_argument("--seed", type=int, default=4242)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for each formula")
    parser.add_argument("--worst", type=int, default=10**6, help="rows to print")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="folder that gets the modules")
    parser.add_argument("--reuse", type=Path, help="folder of modules that are measured, nothing is searched")
    options = parser.parse_args()
    cases = [r for r in json.loads(options.cases.read_text()) if re.search(options.only, r["name"])]
    if options.reuse:
        cases = [{**r, "module": kept(options.reuse, r["name"]).read_text()} for r in cases]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        shared = (options.dtype, options.points, options.seed, options.timeout)
        rows = []
        for k, r in enumerate(pool.map(judge, cases, *([v] * len(cases) for v in shared))):
            module = r.pop("module", None)
            if options.keep and module:
                options.keep.mkdir(parents=True, exist_ok=True)
                kept(options.keep, r["name"]).write_text(module)
            rows.append(r)
            print(
                f"{k + 1}/{len(cases)} {r['name']} {r.get('grad', r.get('error'))}",
                file=sys.stderr,
                flush=True,
            )
            if options.json:
                options.json.write_text(json.dumps(rows, indent=1) + "\n")
    show(rows, options.worst)
    return 1 if any("error" in r for r in rows) or not rows else 0


if __name__ == "__main__":
    raise SystemExit(main())
