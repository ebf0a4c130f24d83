"""A plan as the text of a Python module: names and statements are made before, `templates/` lays them out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from jinja2 import Environment

from vjpgen.doc import Doc, documentation, header, kept
from vjpgen.forms import Plan
from vjpgen.lowering import lower
from vjpgen.naming import Names
from vjpgen.scaffold import SUPPORT, Bodies, Scaffold, plain_name
from vjpgen.spec import Spec
from vjpgen.templating import environment, tidy

_LIKE = {True: "_Like", False: "Array"}


def render_module(plan: Plan, doc: Doc) -> str:
    """The module's source, formatted.

    Args:
        plan: what is computed and kept.
        doc: what the docstrings say.
    """
    templates = environment()
    templates.filters["body"] = _body
    scaffold = Scaffold(plan)
    bodies = scaffold.bodies()
    helpers = _helpers(templates, bodies, scaffold.like)
    code = "\n".join((_statements(bodies), *helpers))
    spec = plan.forms.spec
    returns = f"tuple[{', '.join(['Array'] * len(spec.outputs))}]" if spec.several else "Array"
    arrays = f"tuple[{', '.join(['Array'] * len(spec.args))}]"
    text = templates.get_template("module.py.j2").render(
        header=header(spec.name, spec.args, doc),
        imports=_imports(code),
        name=spec.name,
        plain_name=plain_name(spec.name),
        arguments=", ".join(spec.args),
        signature=", ".join(f"{a}: ArrayLike" for a in spec.args),
        returns=returns,
        documentation=documentation(spec.name, spec.args, doc),
        saved=_at_most(f": {kept(plan)}", 33),
        residuals_type=bodies.residuals_type,
        cotangent=bodies.cotangent,
        cotangents_type=arrays,
        primals_type=arrays.replace("Array", "ArrayLike"),
        plain=bodies.plain,
        fwd=bodies.fwd,
        bwd=bodies.bwd,
        rule=bodies.rule,
        partials=bodies.partials,
        helpers=helpers,
    )
    return tidy(text)


def render_plain(spec: Spec) -> str:
    """A module with the user's formula as it stands, for JAX to differentiate."""
    block = lower(spec.outputs, Names((*spec.args, spec.name)), None)
    result = ", ".join(block.results)
    lines = (*block.lines, f"return ({result},)" if spec.several else f"return {result}")
    templates = environment()
    helpers = _with_callees(templates, block.support, "Array")
    code = "\n".join((*lines, *helpers))
    imports = [f"import {m}" for m in _imports(code)]
    head = [
        "import jax",
        "import jax.numpy as jnp",
        "from jax import Array",
        "from jax.typing import ArrayLike, DTypeLike",
    ]
    function = f"def {spec.name}({', '.join(spec.args)}):\n{_body(lines)}"
    return "\n\n".join(("\n".join((*imports, *head)), function, *helpers)) + "\n"


def _at_most(text: str, width: int) -> str:
    """The text, or nothing where it would not fit on its line."""
    return text if len(text) <= width else ""


def _body(lines: Sequence[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ")


def _helpers(templates: Environment, bodies: Bodies, like: bool) -> list[str]:
    """The text of every helper that the module calls, directly or through another, callers first."""
    return _with_callees(templates, _called(_statements(bodies)), _LIKE[like])


def _with_callees(templates: Environment, names: Sequence[str], like: str) -> list[str]:
    wanted = [*names]
    found: dict[str, str] = {}
    while wanted:
        name = wanted.pop(0)
        if name in found:
            continue
        found[name] = templates.get_template(f"support/{name}.py.j2").render(like=like).strip()
        wanted += _called(found[name])
    return list(found.values())


def _statements(bodies: Bodies) -> str:
    functions = (bodies.plain, bodies.fwd, bodies.bwd, bodies.rule, *(f.lines for f in bodies.partials))
    return "\n".join(line for lines in functions for line in lines)


def _imports(code: str) -> list[str]:
    """Modules of the standard library that the code uses."""
    return [m for m in ("dataclasses", "functools", "math") if re.search(rf"(?<![\w.]){m}\.", code)]


def _called(text: str) -> list[str]:
    return [name for name in SUPPORT if re.search(rf"(?<!\w)_{name}\b", text)]
