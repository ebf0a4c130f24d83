"""Modules that hold one helper of generated code, and the error of what it returns."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from flint import arb

from vjpgen import verify
from vjpgen.expr import call, num, var
from vjpgen.ops import OPS
from vjpgen.render import render_plain
from vjpgen.spec import Spec


def helpers(*ops: str) -> ModuleType:
    """A module with the helpers of these operations."""
    args = ("a", "b", "c", "d")
    outputs = []
    for op in ops:
        order = (num(2),) if op.startswith("bessel") or op == "polygamma" else ()
        outputs.append(call(op, *order, *(var(a) for a in args[: OPS[op].arity - len(order)])))
    return verify.load(render_plain(Spec("f", args, tuple(outputs), True, (), "")), "f")


def error(got: Any, exact: list[Any]) -> Any:
    """Distance from the exact values in ulps of their dtype."""
    found = []
    for g, e in zip(got, exact, strict=True):
        rounded = got.dtype.type(float(e))
        found.append(float(abs(arb(float(g)) - e)) / float(np.spacing(abs(rounded))))
    return np.array(found)
