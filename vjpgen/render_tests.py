"""A suite of references as the text of a pytest file; `templates/` lays it out."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vjpgen import __version__, sweep
from vjpgen.callee import Callee
from vjpgen.expr import show
from vjpgen.floats import BAR
from vjpgen.higher_reference import HigherSuite
from vjpgen.measured import WAYS, Nature
from vjpgen.reference import FLOOR, HALF, Reference, Suite, is_short, quantities, sections
from vjpgen.render import render_plain
from vjpgen.spec import Signature, Spec
from vjpgen.templating import Templates

_BOUNDED = (
    f"each is max({FLOOR}, 2 * measured) where it was measured, MEASURED_ON, and MARGINS times that on other "
    "platforms, where twice the error of the forms rounded otherwise takes its place if larger (ELSEWHERE). "
    "Between the reference points, results are held within twice such bounds to the plain formula "
    "in float64, where that is right."
)
_DEMANDED = (
    f"{BAR} wherever the exact result is a normal number or zero, and MARGINS times that on other "
    "platforms. Between the reference points, results are held within such bounds to the plain formula in "
    "float64, where that is right."
)
MARGINS = {"cpu": 4, "gpu": 32, "tpu": 64}
FOREIGN_MARGINS = {"cpu": 1, "gpu": 4, "tpu": 16}  # where bounds are demanded, not measured
TEMPLATE = "test_module.py.j2"
_WIDTH = 96
_TAME, _NORMAL = (1e-12, 1e12), (1e-37, 1e38)
_MOST_TAME = 12


@dataclass(frozen=True, slots=True)
class Foreign:
    """A function under test that somebody wrote.

    Attributes:
        at: where it is.
        nature: what it can do.
    """

    at: Callee
    nature: Nature


def render_tests(
    suite: Suite,
    module_path: str,
    command: str = "",
    platform: Sequence[str] = (),
    foreign: Foreign | None = None,
    folder: Path | None = None,
    higher: HigherSuite | None = None,
    both: bool = False,
) -> str:
    """The test file's source, formatted.

    Args:
        suite: what is stated.
        module_path: where the module lies, as seen from the test file's folder.
        command: the command that generates both again.
        platform: what measured the bounds, `verify.platform()`.
        foreign: the function to test where it is not a generated one.
        folder: a user's templates.
        higher: what is stated of partials above the first order, where they are generated.
        both: whether the function serves both modes.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder)
    spec = suite.forms.spec
    formula = _formula(spec)
    tame = _tame(suite.references)
    twin = spec.linear if foreign is None else foreign.nature.forward
    shown = len(spec.outputs) * (1 + len(spec.args) * (1 + twin))  # without a twin nothing is forward
    told = quantities(suite.forms)[:shown]
    remarks = [r for r in suite.remarks if r.quantity in told]
    how = spec.signature
    places = {a: j for j, a in enumerate(spec.args)}
    whole = [r for r in tame if all(float(r.inputs[places[a]]) in range(-128, 128) for a in how.nondiff)]
    curved = () if any(c and 0 in c for c in spec.clips) else suite.curved
    text = templates.render(
        TEMPLATE,
        header=_header(suite, command, foreign),
        foreign=None if foreign is None else foreign.at,
        scalar=foreign is not None and foreign.nature.scalar,
        mixes=len(spec.arrays) > 1 and (foreign is None or foreign.nature.mixes),
        clipped=not spec.linear,
        imports=_imports(formula, len(spec.arrays)),
        arrays=bool(re.search(r"\bArray\b", formula)),
        types=", ".join(n for n in ("ArrayLike", "DTypeLike") if re.search(rf"\b{n}\b", formula)),
        module_path=json.dumps(module_path.replace("\\", "/")),
        name=spec.name if foreign is None else foreign.at.attribute,
        n_arguments=len(spec.args),
        n_outputs=len(spec.outputs),
        several=spec.several,
        meant=spec.meant is not None,
        called=how != Signature(),
        fixed=how.fixed,
        moving=_tuple(places[a] for a in spec.moving),
        nondiff=_tuple(places[a] for a in how.nondiff) if how.nondiff else "",
        static=_tuple(places[a] for a in how.static) if how.static else "",
        defaults=how.defaults,
        argument_names=spec.args,
        keys=how.keys,
        integers=bool(how.nondiff and whole),
        whole=[_tuple(r.inputs) for r in whole],
        twin=twin,
        clips=_tuple(c or (-math.inf, math.inf) for c in spec.clips),
        at_unit="expected" if spec.linear else "pulled",
        bounds="" if spec.linear else ", *CLIPS[j]",
        quantities=told,
        residual_bytes=_number(suite.residual_bytes),
        measured_on=tuple(platform),
        length=sweep.LENGTH,
        margins=MARGINS if foreign is None else FOREIGN_MARGINS,
        formula=formula,
        floor=FLOOR,
        loose=BAR,
        n_references=len(suite.references),
        n_swept=sweep.COUNT,
        checksum=f"{suite.checksum:#010x}",
        axes=[_tuple((a.step, a.whole, a.usual, a.near, a.far, a.splits)) for a in suite.rule],
        levels=[(name, _lines(sweep.packed(text))) for name, text in suite.levels],
        curved=[_tuple((c.inputs, c.second, c.differences)) for c in curved],
        tame=[_tuple(r.inputs) for r in tame],
        half=[_tuple(r.inputs) for r in tame if foreign is None and _fits_half(r)],
        elsewhere=[
            (_tuple(r.inputs), _tuple(r.elsewhere[:shown])) for r in suite.references if _wider(r, shown)
        ],
        looser=[_tuple((r.inputs, r.quantity, r.bound, r.reason)) for r in remarks],
        both=both,
        higher=None if higher is None else _higher(higher),
        references=[(name, [_row(r, shown) for r in found]) for name, found in sections(suite.references)],
    )  # fmt: skip
    return templates.lay_out(text)


def _header(suite: Suite, command: str, foreign: Foreign | None) -> str:
    spec = suite.forms.spec
    formula = " ".join((spec.text or ", ".join(map(show, spec.outputs))).split())
    place = "" if foreign is None else f" in {foreign.at.module or Path(foreign.at.path).name}"
    parts = [
        f"Tests of {spec.name}({', '.join(spec.args)}){place} = {formula}",
        "The results in REFERENCES are exact: computed from the formula as it was typed, in ball arithmetic, "
        "and rounded once. Bounds are in ulps of float32: " + (_BOUNDED if foreign is None else _DEMANDED),
    ]
    if spec.meant:
        parts[1:1] = [
            "The gradient is not the derivative of the value. " + " ".join(spec.meant.stated),
            "The value is held against the formula of the value, the gradient against what was asked of the "
            "gradient, and neither against the other.",
        ]
    if spec.assume_text:
        parts.insert(1, f"Where {' and '.join(spec.assume_text)}.")
    made = f"Generated by vjpgen {__version__}; do not edit."
    parts.append(f"{made} To generate it again:" if command else made)
    text = "\n\n".join(textwrap.fill(p, 88, break_long_words=False, break_on_hyphens=False) for p in parts)
    if command:
        text += f"\n\n    {' '.join(command.split())}"
    text = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return text[:-1] + '\\"' if text.endswith('"') else text


def _formula(spec: Spec) -> str:
    """The user's formula in jax.numpy, as a function `formula`, and the helpers it calls."""
    text = render_plain(replace(spec, name="formula"))
    if spec.meant:
        return text[text.index("@jax.custom_jvp\ndef formula(") :].strip()
    head, _, body = text[text.index("def formula(") :].partition("\n")
    return f'{head}\n    """The formula as it stands, for JAX to differentiate."""\n{body}'.strip()


def _lines(text: str) -> list[str]:
    return [text[k : k + _WIDTH] for k in range(0, len(text), _WIDTH)]


def _imports(formula: str, arguments: int) -> list[str]:
    """Modules of the standard library that not every test file needs."""
    found = [m for m in ("dataclasses", "math") if re.search(rf"(?<![\w.]){m}\.", formula)]
    return sorted({*found, "math"} if arguments > 1 else found)


def _row(r: Reference, shown: int) -> str:
    bounds: object = r.bounds[:shown]
    bounds = r.bounds[0] if len(set(r.bounds[:shown])) == 1 and r.bounds[0] is not None else bounds
    return _tuple((r.inputs, r.values, r.partials, bounds))


def _wider(r: Reference, shown: int) -> bool:
    """Whether another platform may be further off than its margin allows."""
    pairs = zip(r.bounds[:shown], r.elsewhere[:shown], strict=True)
    return any(b is not None and (e is None or e > b * min(MARGINS.values())) for b, e in pairs)


def _higher(found: HigherSuite) -> dict[str, object]:
    """What the template of tests of higher partials is told."""
    rows = [_tuple((r.inputs, r.exact, r.bounds)) for r in found.references]
    return {
        "order": found.order,
        "names": found.names,
        "wanted": [_tuple(which) for which in found.wanted],
        "ways": {r: WAYS[r] for r in range(2, found.order + 1)},
        "references": rows,
        "levels": [(name, _lines(sweep.packed(text))) for name, text in found.levels],
        "tame": [_tuple(inputs) for inputs in found.tame],
    }


def _tame(references: Sequence[Reference]) -> list[Reference]:
    """References at which nothing is lost, ordinary ones first; others where those are few.

    A result that is zero here and not elsewhere may be a difference that another program rounds otherwise.
    """
    rows = [(*r.values, *r.partials) for r in references]
    always = [all(x == 0 for x in column) for column in zip(*rows, strict=True)]
    plain = [
        r
        for r, row in zip(references, rows, strict=True)
        if all(x != 0 or zero for x, zero in zip(row, always, strict=True))
    ]
    found: list[Reference] = []
    for some, loosest, (low, high) in (
        (plain, BAR, _TAME), (references, BAR, _TAME), (references, math.inf, _TAME),
        (references, math.inf, _NORMAL),
    ):  # fmt: skip
        found = [r for r in some if _scaled(r, low, high, loosest)]
        if len(found) >= 2:
            break
    return found[:_MOST_TAME]


def _scaled(r: Reference, low: float, high: float, loosest: float) -> bool:
    bounded = all(b is not None and b <= loosest for b in r.bounds)
    return bounded and all(x == 0 or low <= abs(x) <= high for x in (*r.values, *r.partials))


def _fits_half(r: Reference) -> bool:
    low, high = HALF
    exact = all(abs(x) < high and float(np.float16(x)) == x and is_short(x) for x in r.inputs)
    return exact and _scaled(r, low, high, BAR)


def _tuple(items: Iterable[object]) -> str:
    inner = [_value(x) for x in items]
    return f"({', '.join(inner)}{',' * (len(inner) == 1)})"


def _value(x: object) -> str:
    if isinstance(x, tuple | list):
        return _tuple(x)
    if isinstance(x, bool) or x is None:
        return repr(x)
    if isinstance(x, int | float):
        return _number(x)
    return json.dumps(str(x))


def _number(x: float) -> str:
    if math.isnan(x):
        return "NAN"
    if math.isinf(x):
        return "INF" if x > 0 else "-INF"
    return repr(x)
