"""Pieces of Python statements: sums of products, tuple displays, return statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vjpgen.expr import Expr, walk
from vjpgen.floats import constant_value
from vjpgen.naming import Names
from vjpgen.printer import source

_ONE_LINE = 64
_FINITE = frozenset((  # what is finite wherever its operands are
    "num", "const", "var", "neg", "abs", "sign", "sin", "cos", "tanh", "atan", "erf", "logistic", "min",
    "max",
))  # fmt: skip


def constant(e: Expr) -> str:
    """Source of a constant factor; 0 and +-1 in one spelling each."""
    value = constant_value(e)
    return repr(value) if value in (0.0, 1.0, -1.0) else source(e, {})


def product(factor: str, bar: str) -> str:
    if factor == "0.0":
        return ""
    if factor in ("1.0", "-1.0"):
        return bar if factor == "1.0" else f"-{bar}"
    return f"{factor} * {bar}" if factor.isidentifier() else f"({factor}) * {bar}"


def stays_finite(e: Expr) -> bool:
    """Whether a form is finite wherever its arguments are; overflow by a constant factor does not count."""
    return all(x.op in _FINITE or _is_multiple(x) for x in walk(e))


def _is_multiple(x: Expr) -> bool:
    return (x.op == "mul" and not all(a.names for a in x.args)) or (x.op == "div" and not x.args[1].names)


def clipped(text: str, bounds: tuple[float, float] | None) -> str:
    """The source of a cotangent, between its bounds if it has any."""
    if bounds is None:
        return text
    low, high = ("-jnp.inf" if b < -1e308 else "jnp.inf" if b > 1e308 else repr(b) for b in bounds)
    return f"_clip_cotangent({text}, {low}, {high})"


def cotangents_type(items: Iterable[str]) -> str:
    """The annotation of what bwd returns, from the source of each cotangent."""
    return f"tuple[{', '.join('None' if item == 'None' else 'Array' for item in items)}]"


def total(terms: Iterable[str]) -> str:
    text = ""
    for term in terms:
        if text and term.startswith("-"):
            text += f" - {term[1:]}"
        elif term:
            text += f" + {term}" if text else term
    return text


def without_unused(names: Names, lines: tuple[str, ...]) -> tuple[str, ...]:
    """The statements with unpacked variables that nothing uses marked by an underscore."""
    text = "\n".join(lines)
    for target in (line.partition(" = ")[0] for line in lines if not line.startswith("return")):
        for name in re.findall(r"\w+", target):
            if len(re.findall(rf"\b{name}\b", text)) == 1:
                text = re.sub(rf"\b{name}\b", names.new(f"_{name}"), text)
    return tuple(text.split("\n"))


def unpack(items: Sequence[str], always: bool = False) -> str:
    """A tuple display: `(x,)`, or `x, y`, in parentheses where `always`."""
    if len(items) == 1:
        return f"({items[0]},)"
    return f"({', '.join(items)})" if always else ", ".join(items)


def by_key(targets: Sequence[str], source: str, keys: Sequence[str]) -> str:
    """A statement that takes what stands under the keys of a dict."""
    items = [f"{source}[{key!r}]" for key in keys]
    return f"{unpack(targets)} = {unpack(items)}"


def returned(results: Sequence[str], wishes: Sequence[str]) -> tuple[str, ...]:
    """A return statement; several results that do not fit on its line are named first."""
    if len(results) == 1 or sum(map(len, results)) <= _ONE_LINE:
        return (f"return {', '.join(results)}",)
    lines = [f"{wish} = {text}" for wish, text in zip(wishes, results, strict=True)]
    return (*lines, f"return {', '.join(wishes)}")


def words(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
