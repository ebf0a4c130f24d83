"""Jaxprs of scalar functions, read operation by operation into trees of the language."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from vjpgen.constants import ConstantRefused
from vjpgen.decimals import meant
from vjpgen.expr import Expr, num
from vjpgen.foreign import array
from vjpgen.formula import written
from vjpgen.functions import FALSE, TRUE, build
from vjpgen.jax_words import CALLS, FUNCTIONS, HINTS, PRIMITIVES, SAME, choose
from vjpgen.ops import OPS

_LIBRARY = Path(jax.__file__).parent
_HOME = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands in place of a tree where there is none; it is refused if the result depends on it.

    Attributes:
        reason: why.
        hint: what to do instead.
        file, line: where in the user's source; empty and 0 where that is not known.
        value: the number that it is, where it is infinite or NaN.
    """

    reason: str
    hint: str = ""
    file: str = ""
    line: int = 0
    value: float | None = None


Found = Expr | Missing
Place = tuple[str, int]  # a file and a line


@dataclass(slots=True)
class Reading:
    """One function being read.

    Attributes:
        spelled: constants as decimals.
        notes: what was not carried over, in the order in which it was met.
        caller: the user's line that called the function of JAX's own that is being read; None in others.
    """

    spelled: dict[Fraction, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    caller: Place | None = None

    def run(self, program: Any, operands: Sequence[Found]) -> list[Found]:
        """What a jaxpr returns, closed or not."""
        jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
        known: dict[Any, Found] = dict(zip(jaxpr.invars, operands, strict=True))
        consts = program.consts if isinstance(program, ClosedJaxpr) else ()
        for v, value in zip(jaxpr.constvars, consts, strict=True):
            known[v] = self.number(value, v.aval)

        def read(v: Any) -> Found:
            return self.number(v.val, v.aval) if isinstance(v, Literal) else known[v]

        for eqn in jaxpr.eqns:
            found = self.equation(eqn, [read(v) for v in eqn.invars])
            known.update(zip(eqn.outvars, found, strict=True))
        return [read(v) for v in jaxpr.outvars]

    def number(self, value: Any, aval: Any) -> Found:
        """A constant of the program."""
        if getattr(aval, "shape", ()) != () or not hasattr(aval, "dtype"):
            shape = getattr(aval, "shape", "unknown")
            return Missing(f"an array of shape {shape} is used", "a formula is about single numbers")
        if jnp.issubdtype(aval.dtype, jnp.bool_):
            return TRUE if bool(value) else FALSE
        if jnp.issubdtype(aval.dtype, jnp.integer):
            return num(int(value))
        if not jnp.issubdtype(aval.dtype, jnp.floating):
            return Missing(f"a constant of type {aval.dtype} is used", "every value is a real number")
        plain = float(value)
        if not math.isfinite(plain):
            return Missing(f"the result can be {plain}, which is no real number", value=plain)
        tree, text = meant(plain, single=aval.dtype == jnp.float32)
        if text and tree is not num(0):
            self.spelled[abs(Fraction(text))] = text
        elif not text:
            self.notes[f"{plain!r} is read as {tree}"] = None
        return tree

    def equation(self, eqn: Any, operands: Sequence[Found]) -> list[Found]:
        """What one equation computes."""
        word = eqn.primitive.name
        if word in CALLS:
            return self.call(eqn, operands)
        if word == "cond":
            return self.cond(eqn, operands)
        if word == "select_n":
            return [self.select(operands, eqn)]
        if any(getattr(v.aval, "shape", ()) != () for v in eqn.outvars) or len(eqn.outvars) != 1:
            return [self.unknown(eqn)] * len(eqn.outvars)
        decided = _decided(word, operands)
        if decided is not None:
            return [decided]
        missing = [o for o in operands if isinstance(o, Missing)]
        if missing:
            return [missing[0] if missing[0].file else self.placed(missing[0], eqn)]
        trees = [o for o in operands if isinstance(o, Expr)]
        try:
            return [self.apply(eqn, word, trees)]
        except ConstantRefused as refused:
            return [self.placed(Missing(str(refused)), eqn)]

    def apply(self, eqn: Any, word: str, operands: Sequence[Expr]) -> Found:
        before, after = (v.aval.dtype for v in (eqn.invars[0], eqn.outvars[0]))
        if word in SAME:
            if word == "stop_gradient":
                self.notes["its stop_gradient is left out: the derivative is the formula's"] = None
            return operands[0]
        if word == "convert_element_type":
            return _converted(operands[0], before, after)
        if word in ("eq", "ne", "xor") and jnp.issubdtype(before, jnp.bool_):
            one, other = operands
            apart = build(
                "or", build("and", one, build("not", other)), build("and", build("not", one), other)
            )
            return build("not", apart) if word == "eq" else apart
        bitwise = word in ("and", "or", "not") and not jnp.issubdtype(after, jnp.bool_)
        if word not in PRIMITIVES or bitwise or jnp.issubdtype(after, jnp.complexfloating):
            return self.unknown(eqn)
        if word == "div" and jnp.issubdtype(after, jnp.integer):
            return written("trunc(x/y)", *operands)
        return PRIMITIVES[word](eqn.params, *operands)

    def call(self, eqn: Any, operands: Sequence[Found]) -> list[Found]:
        """A function that is called: one of JAX's own that the language has, or what it consists of."""
        program = _program(eqn)
        if program is None:
            return [self.unknown(eqn)] * len(eqn.outvars)
        name, library = _source(program)
        trees = [o for o in operands if isinstance(o, Expr)]
        if library and len(trees) == len(operands) and (formula := _own(name, eqn, program)):
            with suppress(ConstantRefused):
                return [written(formula, *trees)]
        if eqn.primitive.name.startswith("custom_") and not library:
            self.notes["its own derivative rules are left out: the derivative is the formula's"] = None
        before, self.caller = self.caller, self.caller or (_line(eqn) if library else None)
        try:
            return self.run(program, operands)
        finally:
            self.caller = before

    def cond(self, eqn: Any, operands: Sequence[Found]) -> list[Found]:
        index, *rest = operands
        branches = [self.run(b, rest) for b in eqn.params["branches"]]
        results = branches[-1]
        for k in reversed(range(len(branches) - 1)):
            condition = _is(index, k) if isinstance(index, Expr) else index
            pairs = zip(results, branches[k], strict=True)
            results = [self.select((condition, no, yes), eqn) for no, yes in pairs]
        return results

    def select(self, operands: Sequence[Found], eqn: Any) -> Found:
        """A choice between two numbers, the first where the condition does not hold."""
        which, *cases = operands
        if len(cases) != 2 or isinstance(which, Missing):
            return which if isinstance(which, Missing) else self.unknown(eqn)
        if which in (TRUE, FALSE):
            return cases[which is TRUE]
        for case in cases:
            if isinstance(case, Missing):
                return case if case.file else self.placed(case, eqn)
        no, yes = (case for case in cases if isinstance(case, Expr))
        if is_condition(no):
            return build("or", build("and", which, yes), build("and", build("not", which), no))
        return choose(which, yes, no)

    def unknown(self, eqn: Any) -> Missing:
        word = eqn.primitive.name
        hint = HINTS.get(word, "docs/inputs.md lists what can be carried over")
        return self.placed(Missing(f"JAX's primitive '{word}' cannot be carried over", hint), eqn)

    def placed(self, missing: Missing, eqn: Any) -> Missing:
        """The same with the user's line."""
        file, line = self.caller or _line(eqn) or ("", 0)
        return Missing(missing.reason, missing.hint, file, line, missing.value)


def is_condition(e: Expr) -> bool:
    return e.op in OPS and OPS[e.op].gives == "bool"


def _line(eqn: Any) -> Place | None:
    """The user's line that an equation is from."""
    with suppress(AttributeError, TypeError):
        for frame in eqn.source_info.traceback.frames:  # the innermost first
            folders = Path(frame.file_name).parents
            if _LIBRARY not in folders and _HOME not in folders:
                return frame.file_name, frame.line_num
    return None


def _program(eqn: Any) -> Any:
    """The jaxpr of what an equation calls; None where it holds none."""
    return next((p for p in eqn.params.values() if isinstance(p, ClosedJaxpr | Jaxpr)), None)


def _source(program: Any) -> tuple[str, bool]:
    """The name of the function that a jaxpr was traced from, and whether it is one of JAX's own."""
    jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    name, _, place = str(getattr(jaxpr.debug_info, "func_src_info", "")).partition(" at ")
    return name, _LIBRARY in Path(place.rpartition(":")[0]).parents


def _decided(word: str, operands: Sequence[Found]) -> Found | None:
    """What can be told of a number that is infinite or NaN; None for nothing."""
    values = [o.value if isinstance(o, Missing) else None for o in operands]
    if all(v is None for v in values):
        return None
    if word == "neg" and isinstance(operands[0], Missing) and values[0] is not None:
        return Missing(operands[0].reason, value=-values[0])
    if len(operands) != 2 or not all(
        isinstance(o, Expr) or v is not None for o, v in zip(operands, values, strict=True)
    ):
        return None
    a, b = (0.0 if v is None else v for v in values)
    relations = {"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b, "eq": a == b, "ne": a != b}
    if word in relations:
        return TRUE if relations[word] else FALSE
    if word in ("max", "min") and None in values and (max if word == "max" else min)(a, b) == 0.0:
        return operands[values.index(None)]
    return None


def _is(index: Expr, k: int) -> Expr:
    """Whether an index is k; one that was a truth value is that again."""
    if index.op == "where" and index.args[1:] == (num(1), num(0)):
        return build("not", index.args[0]) if k == 0 else index.args[0]
    return build("eq", index, num(k))


def _converted(x: Expr, before: Any, after: Any) -> Expr:
    if jnp.issubdtype(before, jnp.bool_):
        return x if jnp.issubdtype(after, jnp.bool_) else build("where", x, num(1), num(0))
    if jnp.issubdtype(after, jnp.bool_):
        return build("ne", x, num(0))
    whole = jnp.issubdtype(after, jnp.integer) and not jnp.issubdtype(before, jnp.integer)
    return written("trunc(x)", x) if whole else x


def _own(name: str, eqn: Any, program: Any) -> str:
    """The formula of a function of JAX's own; empty where there is none, or it was called otherwise."""
    if name not in FUNCTIONS:
        return ""
    module, formula = FUNCTIONS[name]
    at = [array(v.aval.shape, v.aval.dtype) for v in eqn.invars]
    with suppress(Exception):
        own = jax.make_jaxpr(getattr(import_module(module), name))(*at)
        if any(str(_program(theirs)) == str(program) for theirs in own.jaxpr.eqns):
            return formula
    return ""
