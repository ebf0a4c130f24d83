"""A plan as the text of a Python module: names and statements are made before, `templates/` lays them out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from vjpgen import double_word
from vjpgen.both_scaffold import Both
from vjpgen.doc import Doc, documentation, header, kept
from vjpgen.forms import Plan
from vjpgen.higher_scaffold import Call, Calling, PartialFunction, Tower
from vjpgen.lowering import lower
from vjpgen.module_names import SUPPORT, plain_name
from vjpgen.naming import Names
from vjpgen.scaffold import Bodies, Scaffold
from vjpgen.spec import Meant, Spec
from vjpgen.statements import unpack
from vjpgen.templating import Templates

_LIKE = {True: "_Like", False: "Array"}


def render_module(plan: Plan, doc: Doc, folder: Path | None = None) -> str:
    """The module's source, formatted.

    Args:
        plan: what is computed and kept.
        doc: what the docstrings say.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder, body=body)
    tower = None if plan.forms.higher is None else Tower(plan.forms, plan.forms.higher)
    scaffold = _scaffold(plan, {} if tower is None else tower.calls())
    bodies, above = scaffold.bodies(), () if tower is None else tower.functions()
    statements = _statements(bodies, above)
    helpers = _helpers(templates, statements, scaffold.like)
    spec = plan.forms.spec
    decorators = {kind: spec.decorator(kind) for kind in ("vjp", "jvp")}
    code = "\n".join((*decorators.values(), statements, *helpers))
    arrays = _tuple_of("Array" for _ in spec.arrays)
    text = templates.render(
        "module.py.j2",
        header=header(spec.name, spec.args, doc),
        imports=standard_imports(code),
        pairs="Pair" in code,
        name=spec.name,
        plain_name=plain_name(spec.name),
        arguments=", ".join(spec.args),
        signature=", ".join(_annotated(spec, defaults=False)),
        declared=", ".join(_annotated(spec, defaults=True)),
        static="".join(f"{a}: float, " for a in spec.signature.static),
        decorators=decorators,
        returns=_returns(spec),
        documentation=documentation(spec.name, spec.args, doc),
        kept=kept(plan),
        saved=_at_most(f": {kept(plan)}", 33),
        residuals_type=bodies.residuals_type,
        cotangent=bodies.cotangent,
        cotangents_type=bodies.cotangents_type,
        tangents_type=arrays,
        primals_type=arrays.replace("Array", "ArrayLike"),
        plain=bodies.plain,
        fwd=bodies.fwd,
        bwd=bodies.bwd,
        rule=bodies.rule,
        twin=spec.linear,
        both=plan.both,
        higher=above,
        partials=(*bodies.partials, *(f for function in above for f in function.partials)),
        helpers=helpers,
    )
    return templates.lay_out(text)


def _scaffold(plan: Plan, calls: Mapping[tuple[int, int], Call]) -> Scaffold:
    if plan.both:
        return Both(plan, calls)
    return Scaffold(plan) if plan.forms.higher is None else Calling(plan, calls)


def _returns(spec: Spec) -> str:
    if spec.signature.keys:
        return "dict[str, Array]"
    return _tuple_of("Array" for _ in spec.outputs) if spec.several else "Array"


def _tuple_of(types: Iterable[str]) -> str:
    return f"tuple[{', '.join(types)}]"


def _annotated(spec: Spec, *, defaults: bool) -> Iterator[str]:
    """The parameters with annotations, and with their defaults where wanted."""
    literals = dict(spec.signature.defaults) if defaults else {}
    for a in spec.args:
        kind = "float" if a in spec.signature.static else "ArrayLike"
        yield f"{a}: {kind}" + (f" = {literals[a]}" if a in literals else "")


def render_plain(spec: Spec) -> str:
    """A module with the user's formula as it stands, for JAX to differentiate."""
    if spec.meant:
        return _plain_meant(spec, spec.meant)
    block = lower(spec.outputs, Names((*spec.args, spec.name)), None)
    result = ", ".join(block.results)
    fixed = (f"{a} = jax.lax.stop_gradient({a})" for a in spec.args if a not in spec.moving)
    lines = (*fixed, *block.lines, f"return ({result},)" if spec.several else f"return {result}")
    templates = Templates()
    helpers = with_callees(templates, block.support, "Array")
    function = f"def {spec.name}({', '.join(spec.args)}):\n{body(lines)}"
    return _standing_alone("\n\n".join((function, *helpers)) + "\n")


def _standing_alone(code: str) -> str:
    """The code below the imports that it needs."""
    imports = [f"import {m}" for m in standard_imports(code)]
    head = [
        "import jax",
        "import jax.numpy as jnp",
        "from jax import Array",
        "from jax.typing import ArrayLike, DTypeLike",
    ]
    return "\n".join((*imports, *head)) + "\n\n" + code


def _plain_meant(spec: Spec, meant: Meant) -> str:
    """The same with the gradient that is meant, as it stands, in place of JAX's derivative."""
    own = (f"{spec.name}{suffix}" for suffix in ("", "_values", "_partials", "_slopes", "_rule"))
    names = Names((*spec.args, *own))
    given, slopes = meant.exprs(), names.new("slopes")
    values, gradient = lower(spec.outputs, names.copy(), None), lower(given, names.copy(), None)
    text = dict(zip(given, gradient.results, strict=True))

    def item(i: int, j: int) -> str:
        formula, factor = meant.formulas[i][j], meant.factors[j]
        if spec.args[j] not in spec.moving:
            return "0.0"
        whole = f"{slopes}[{j}][{i}]" if formula is None else f"({text[formula]})"
        whole = whole if factor is None else f"({text[factor]}) * {whole}"
        return whole if meant.mask is None else f"jnp.where({text[meant.mask]}, {whole}, 0.0)"

    cells = ([item(i, j) for j in range(len(spec.args))] for i in range(len(spec.outputs)))
    rows = ", ".join(unpack(row, always=True) for row in cells)
    derives = any(e is None for row in meant.formulas for e in row)
    first = (f"{slopes} = {spec.name}_slopes({', '.join(spec.args)})",) if derives else ()
    templates = Templates(body=body)
    code = templates.render(
        "meant_formula.py.j2",
        name=spec.name,
        arguments=", ".join(spec.args),
        several=spec.several,
        derives=derives,
        values=(*values.lines, f"return {unpack(values.results, always=True)}"),
        partials=(*first, *gradient.lines, f"return ({rows},)"),
        helpers=with_callees(templates, (*values.support, *gradient.support), "Array"),
    )
    return _standing_alone(code)


def _at_most(text: str, width: int) -> str:
    """The text, or nothing where it would not fit on its line."""
    return text if len(text) <= width else ""


def body(lines: Sequence[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ")


def _helpers(templates: Templates, statements: str, like: bool) -> list[str]:
    """The text of every helper that the module calls, directly or through another, callers first."""
    found = with_callees(templates, helpers_in(statements), _LIKE[like])
    return decorators_first(found)


def decorators_first(helpers: Sequence[str]) -> list[str]:
    """The helpers in an order in which what decorates another comes before it."""
    return sorted(helpers, key=lambda text: f"def _{double_word.FIRST}(" not in text)


def with_callees(templates: Templates, names: Sequence[str], like: str) -> list[str]:
    wanted = [*names]
    found: dict[str, str] = {}
    while wanted:
        name = wanted.pop(0)
        if name in found:
            continue
        found[name] = templates.render(f"support/{name}.py.j2", like=like).strip()
        wanted += helpers_in(found[name])
    return list(found.values())


def _statements(bodies: Bodies, above: Sequence[PartialFunction]) -> str:
    functions = [bodies.plain, bodies.fwd, bodies.bwd, bodies.rule, *(f.lines for f in bodies.partials)]
    for function in above:
        functions += [function.plain, function.rule, *(f.lines for f in function.partials)]
    return "\n".join(line for lines in functions for line in lines)


def standard_imports(code: str) -> list[str]:
    """Modules of the standard library that the code uses."""
    return [m for m in ("dataclasses", "functools", "math", "struct") if re.search(rf"(?<![\w.]){m}\.", code)]


def helpers_in(text: str) -> list[str]:
    return [name for name in SUPPORT if re.search(rf"(?<!\w)_{name}\b", text)]
