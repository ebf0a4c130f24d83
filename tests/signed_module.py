"""A module as `generate` would write and sign it, in its plain forms: nothing is searched."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from plain_forms import plain_forms
from vjpgen import digest
from vjpgen.again import command_line
from vjpgen.doc import draft
from vjpgen.render import render_module
from vjpgen.residuals import plan
from vjpgen.wishes import Wishes

GOOD = "max(x, 0) + log1p(exp(-abs(x)))"
MEASURED = (
    "value: at most 2 ulp, 99% within 1, mean 0.10 bits, over 4096 float32 points of all of float32",
    "d/dx: at most 3e+04 ulp, 99% within 1, mean 0.12 bits, over 4000 float32 points of all of float32",
    "d/dx: 12 of 4000 points are more than 16 ulp off, up to 3e+04 ulp at x = 1: no better form was found",
)


@cache
def module(text: str = GOOD, name: str = "softly", *, assume: tuple[str, ...] = (), **wishes: object) -> str:
    """A module in its plain forms, as `generate` would sign it."""
    forms = plain_forms(text, name, assume=assume, wishes=Wishes(**wishes))  # type: ignore[arg-type]
    p = plan(forms)
    command = command_line(forms.spec, Path(f"{name}.py"), None)
    meant = ("The gradient is not the derivative of the value.",) if forms.spec.meant else ()
    told = draft(p, accuracy=MEASURED, command=command, notes=forms.spec.notes, meant=meant)
    return digest.signed(render_module(p, told))
