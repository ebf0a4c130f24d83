"""Make a folder that the benchmarks run on, out of modules that scripts/sweep.py generated.

    python benchmarks/prepare.py MODULES --out FOLDER [--only REGEX]

MODULES is the folder that `scripts/sweep.py CASES.json --out MODULES` filled. For each of its modules FOLDER
gets a copy, the formula as it stands in jax.numpy, JAX's own function where `scripts/jax_library.json` names
one that has the same values, and inputs from the domain of the formula with the accuracy of each contender
at them. The benchmarks need FOLDER, jax and numpy, so that they run on a machine without vjpgen too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prepared import GENERATED, JAX, PLAIN, Accuracy, Case, Prepared, names, write
from vjpgen import judged, recorded, verify
from vjpgen import points as sampling
from vjpgen.errors import VjpgenError
from vjpgen.oracle import truth_of
from vjpgen.parse import parse
from vjpgen.pipeline import sample_size
from vjpgen.render import render_plain
from vjpgen.spec import Spec

LIBRARY = Path(__file__).resolve().parents[1] / "scripts" / "jax_library.json"
SEED = 31_337  # no step of the search draws with it
COMPARED = 64  # points at which two formulas are the same function or are not
SAME = 1e-12  # relative, between results of exact arithmetic rounded to float64


@dataclass(frozen=True, slots=True)
class Own:
    """A function of JAX: its name to show, the Python that it is, and its formula."""

    name: str
    source: str
    spec: Spec

    def module(self, name: str) -> str:
        """The text of a module in which it is called `name`."""
        arguments = ", ".join(self.spec.args)
        call = f"def {name}({arguments}):\n    return ({self.source})({arguments})"
        return f"import jax\nimport jax.numpy as jnp\n\n\n{call}\n"


def library() -> list[Own]:
    """The functions that JAX ships."""
    rows = json.loads(LIBRARY.read_text())
    return [Own(r.get("name", r["jax"]), r["jax"], parse(r["expr"], args=r.get("args"))) for r in rows]


def own(spec: Spec, at: sampling.Points, functions: Sequence[Own]) -> Own | None:
    """JAX's function with the values of the formula, in whatever shape either is written."""
    if len(spec.outputs) > 1 or spec.meant is not None:
        return None
    some = slice(None, None, -(-len(at.at) // COMPARED))
    points, values = at.at[some].astype(np.float64), at.truth_values[some]
    for function in functions:
        if len(function.spec.args) == len(spec.args):
            found, _ = truth_of(function.spec).with_partials(points)
            if np.allclose(found, values, rtol=SAME, atol=0.0):
                return function
    return None


def accuracy(source: str, spec: Spec, at: sampling.Points) -> Accuracy:
    """What a module returns at the points, held against exact arithmetic."""
    exact = judged.Exact(at.at, at.truth_values, at.truth_partials)
    got = verify.measure_source(source, spec.name, len(spec.outputs), spec.several, exact.columns, spec.clips)
    figures = {
        mode: [t.figures for t in judged.judge(spec, exact, got) if t.mode == mode and t.figures.points]
        for mode in ("value", "reverse")
    }
    bits = [float(np.mean([f.mean_bits for f in found])) if found else 0.0 for found in figures.values()]
    bad = sum(f.bad for found in figures.values() for f in found)
    return Accuracy(*bits, bad, got.residual_bytes)


def prepare(
    name: str, path: Path, functions: Sequence[Own]
) -> tuple[Case, np.ndarray, np.ndarray, dict[tuple[str, str], str]]:
    """The case of one module, its points, the exact results there, and the texts of the contenders.

    Raises:
        VjpgenError: the module is not one of a formula, or its domain holds no points.
    """
    module = recorded.read(path)
    spec = module.spec
    if not spec.args:
        raise VjpgenError(f"{path} holds a function without arguments")
    at = sampling.sample(spec, sample_size(spec), SEED)
    texts = {GENERATED: module.text, PLAIN: render_plain(spec)}
    function = own(spec, at, functions)
    if function is not None:
        texts[JAX] = function.module(spec.name)
    found = {who: accuracy(text, spec, at) for who, text in texts.items()}
    case = Case(
        name, spec.name, " ".join(spec.text.split()), len(spec.args), len(spec.outputs), at.ordinary,
        "" if function is None else function.name, found,
    )  # fmt: skip
    exact = np.concatenate([at.truth_values, at.truth_partials.reshape(len(at.at), -1)], axis=1)
    return case, at.at, exact, {(spec.name, who): text for who, text in texts.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", type=names, default="", help="regular expression on the name")
    options = parser.parse_args()
    try:
        rows = json.loads((options.modules / "results.json").read_text())
    except OSError:
        parser.error(f"{options.modules} holds no results.json: write it with scripts/sweep.py")
    cases: list[Case] = []
    points: dict[str, np.ndarray] = {}
    exact: dict[str, np.ndarray] = {}
    sources: dict[tuple[str, str], str] = {}
    left_out: dict[str, str] = {}
    functions = library()
    for row in rows:
        if not options.only.search(row["name"]):
            continue
        try:
            if row["failed"] == "generate":
                raise VjpgenError(f"not generated: {row['reason']}")
            case, at, truth, texts = prepare(row["name"], options.modules / f"{row['stem']}.py", functions)
        except VjpgenError as error:
            left_out[row["name"]] = str(error).splitlines()[0]
            print(f"{row['name']}: left out: {left_out[row['name']]}", file=sys.stderr)
            continue
        cases.append(case)
        points[case.stem], exact[case.stem] = at, truth
        sources |= texts
        print(f"{case.name}: {len(at)} points" + (f", beside {case.jax}" if case.jax else ""))
    if not cases:
        parser.error(f"nothing in {options.modules} can be run")
    write(Prepared(options.out, tuple(cases), left_out), points, exact, sources)
    return 0


if __name__ == "__main__":
    sys.exit(main())
