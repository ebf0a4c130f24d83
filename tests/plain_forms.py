"""Forms without a search: the formula as written and sympy's derivative, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from vjpgen import derive, pieces, verify
from vjpgen.doc import draft
from vjpgen.expr import Expr, num, variables
from vjpgen.forms import Forms, Plan
from vjpgen.parse import parse
from vjpgen.passing import NOTHING, Passing
from vjpgen.render import render_module
from vjpgen.residuals import plan
from vjpgen.tidy import tidy
from vjpgen.wishes import NONE, Wishes

ANCHORS = (0.7, 1.9, -1.3, 6.0, -5.0, 30.0, -30.0)


def plain_forms(
    text: str,
    name: str = "f",
    args: Sequence[str] | None = None,
    assume: Sequence[str] = (),
    wishes: Wishes = NONE,
    passing: Passing = NOTHING,
) -> Forms:
    """The forms that follow from the text alone."""
    spec = parse(text, name=name, args=args, assume=assume, wishes=wishes, passing=passing)
    tree = pieces.tree(spec.outputs)
    scope = derive.symbols(spec.args)

    def partial(e: Expr, a: str) -> Expr:
        return derive.partial(e, a, scope)[0] if a in variables(e) and a in spec.moving else num(0)

    partials = tuple(
        tuple(
            pieces.combine(tree, lambda f, i=i, a=a: partial(f.outputs[i], a), average_ties=True)
            for a in spec.args
        )
        for i in range(len(spec.outputs))
    )
    if spec.meant is not None:
        partials = tuple(
            tuple(spec.meant.formula(i, j) or tidy(spec.meant.around(e, j)) for j, e in enumerate(row))
            for i, row in enumerate(partials)
        )
    anchors = tuple((v,) * len(spec.args) for v in ANCHORS)
    return Forms(spec, spec.outputs, partials, anchors)


def build(p: Plan) -> ModuleType:
    """The live module of a plan."""
    return verify.load(render_module(p, draft(p)), p.forms.spec.name)


def module(text: str, **options: object) -> ModuleType:
    """The live module of a formula."""
    return build(plan(plain_forms(text, **options)))  # type: ignore[arg-type]
