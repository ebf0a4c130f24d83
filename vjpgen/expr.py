"""The expression tree: small, frozen, hash-consed, ordered, with exact rational constants.

Nothing is simplified on construction: `(x + y) - x` stays what it is, because the order of
floating-point operations is what this project is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TypeAlias
from weakref import WeakValueDictionary

Payload: TypeAlias = "Fraction | str | Expr | None"


class Expr:
    """One node. Equal trees are one object, so equality is identity and hashing is O(1).

    Attributes:
        op: a name of `ops.OPS`, or a leaf: "num" (`value` a Fraction), "var" (`value` a name),
            "const" (`value` one of `CONSTANTS`).
        args: the operands.
        value: the leaf's payload; of "double_word" and "wide_range" what it computes, over variables that
            stand for its operands in order; None for other operations.
        size: number of nodes of the tree, each occurrence counted.
        names: its variables, in the order in which they first appear.
    """

    __slots__ = ("__weakref__", "args", "names", "op", "size", "value")
    op: str
    args: tuple[Expr, ...]
    value: Payload
    size: int
    names: tuple[str, ...]

    def __init__(self) -> None:
        raise TypeError("use num(), var(), const() or call()")

    def __repr__(self) -> str:
        return show(self)

    def __reduce__(self) -> tuple[Callable[..., Expr], tuple[object, ...]]:
        return _make, (self.op, self.args, self.value)

    def __add__(self, other: Expr | int) -> Expr:
        return call("add", self, lift(other))

    def __radd__(self, other: int) -> Expr:
        return call("add", lift(other), self)

    def __sub__(self, other: Expr | int) -> Expr:
        return call("sub", self, lift(other))

    def __rsub__(self, other: int) -> Expr:
        return call("sub", lift(other), self)

    def __mul__(self, other: Expr | int) -> Expr:
        return call("mul", self, lift(other))

    def __rmul__(self, other: int) -> Expr:
        return call("mul", lift(other), self)

    def __truediv__(self, other: Expr | int) -> Expr:
        return call("div", self, lift(other))

    def __rtruediv__(self, other: int) -> Expr:
        return call("div", lift(other), self)

    def __neg__(self) -> Expr:
        return call("neg", self)


CONSTANTS = ("pi", "e", "euler_gamma")
APART = ("double_word", "wide_range")  # formulas as operations among others, in an arithmetic of their own
WIDE = frozenset(("add", "sub", "mul", "div", "neg", "abs", "sign", "square", "sqrt"))
_REMEMBERED = 50_000  # nodes
_INTERNED: WeakValueDictionary[tuple[object, ...], Expr] = WeakValueDictionary()


def _make(op: str, args: tuple[Expr, ...], value: Payload) -> Expr:
    key = (op, tuple(map(id, args)), value)
    found = _INTERNED.get(key)
    if found is None:
        found = object.__new__(Expr)
        found.op, found.args, found.value = op, args, value
        found.size = 1 + sum(a.size for a in args)
        found.names = (str(value),) if op == "var" else _united(args)
        _INTERNED[key] = found
    return found


def _united(parts: tuple[Expr, ...]) -> tuple[str, ...]:
    """The variables of several expressions; most have those of their first part."""
    if not parts:
        return ()
    names = parts[0].names
    for x in parts[1:]:
        if x.names is not names and x.names != names:
            names = tuple(dict.fromkeys(names + x.names))
    return names


def num(value: int | Fraction) -> Expr:
    """An exact rational constant."""
    return _make("num", (), Fraction(value))


def var(name: str) -> Expr:
    """A real variable (an argument, or a name a plan introduces)."""
    return _make("var", (), name)


def const(name: str) -> Expr:
    """One of `CONSTANTS`, exact."""
    if name not in CONSTANTS:
        raise ValueError(name)
    return _make("const", (), name)


def call(op: str, *args: Expr) -> Expr:
    """The operation `op` of `ops.OPS` applied to `args`."""
    return _make(op, args, None)


def double_word(e: Expr) -> Expr:
    """`e` computed in double words and rounded once."""
    return _make("double_word", tuple(map(var, variables(e))), e)


def wide_range(e: Expr) -> Expr:
    """`e`, of which sums, products, quotients and roots may leave the range: the result alone is rounded.

    What else it is made of are operands, computed as usual.
    """
    operands: dict[Expr, Expr] = {}

    def inside(x: Expr, root: bool) -> Expr:
        if not x.names:
            return x
        if x.op in WIDE or (root and x.op == "log"):
            return again(x, (inside(a, root=False) for a in x.args))
        return operands.setdefault(x, var(f"w{len(operands):02d}"))

    written = inside(e, root=True)
    return _make("wide_range", tuple(operands), written)


def opened(x: Expr) -> Expr:
    """What a "double_word" or "wide_range" computes, over its operands."""
    assert isinstance(x.value, Expr)
    return substitute(x.value, dict(zip(map(var, variables(x.value)), x.args, strict=True)))


def single_words(x: Expr) -> Expr | None:
    """What a "double_word" or "wide_range" computes, for `rebuild`."""
    return opened(x) if x.op in APART else None


def again(x: Expr, args: Iterable[Expr]) -> Expr:
    """The same operation on other operands."""
    return _make(x.op, tuple(args), x.value)


def lift(value: Expr | int | Fraction) -> Expr:
    return value if isinstance(value, Expr) else num(value)


def where(condition: Expr, yes: Expr, no: Expr) -> Expr:
    return call("where", condition, yes, no)


def walk(*roots: Expr) -> Iterator[Expr]:
    """Every distinct node below the roots, operands before operations, in a fixed order."""
    seen: set[Expr] = set()
    for root in roots:
        stack = [(root, False)]
        while stack:
            e, expanded = stack.pop()
            if e in seen:
                continue
            if expanded or not e.args:
                seen.add(e)
                yield e
            else:
                stack.append((e, True))
                stack.extend((a, False) for a in reversed(e.args))


def variables(*roots: Expr) -> tuple[str, ...]:
    """Names of the variables, in the order in which they first appear."""
    return _united(roots)


def has_op(e: Expr, *ops: str) -> bool:
    return any(x.op in ops for x in walk(e))


def rebuild(e: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Bottom-up rewriting: `change` gets each node with rebuilt operands, None keeps it."""
    return _rebuilt(e, change, {})


def _rebuilt(e: Expr, change: Callable[[Expr], Expr | None], done: dict[Expr, Expr]) -> Expr:
    """`rebuild`, knowing what it makes of some parts, and noting what it makes of the others."""
    stack = [e]
    while stack:
        x = stack.pop()
        if x in done:
            continue
        if missing := [a for a in x.args if a not in done]:
            stack += [x, *reversed(missing)]
            continue
        args = tuple(done[a] for a in x.args)
        new = x if args == x.args else _make(x.op, args, x.value)
        done[x] = change(new) or new
    return done[e]


class Settling:
    """`rebuild` again and again until nothing changes, `rounds` times at most.

    What has been made of a part is remembered, since candidates of one search have most parts in common.
    """

    def __init__(self, change: Callable[[Expr], Expr | None], rounds: int = 8) -> None:
        self._change, self._rounds = change, rounds
        self._done: dict[Expr, Expr] = {}

    def __call__(self, e: Expr) -> Expr:
        if len(self._done) > _REMEMBERED:
            self._done.clear()
        for _ in range(self._rounds):
            changed = _rebuilt(e, self._change, self._done)
            if changed is e:
                break
            e = changed
        return e


def substitute(e: Expr, table: Mapping[Expr, Expr]) -> Expr:
    """Replace whole subtrees, outermost first; what is put in is not searched again."""
    done: dict[Expr, Expr] = {}
    stack = [(e, False)]
    while stack:
        x, expanded = stack.pop()
        if x in done:
            continue
        if x in table:
            done[x] = table[x]
        elif not x.args:
            done[x] = x
        elif expanded:
            done[x] = _make(x.op, tuple(done[a] for a in x.args), x.value)
        else:
            stack.append((x, True))
            stack.extend((a, False) for a in x.args)
    return done[e]


_INFIX = {
    "add": ("+", 10), "sub": ("-", 10), "mul": ("*", 20), "div": ("/", 20), "lt": ("<", 5), "le": ("<=", 5),
    "gt": (">", 5), "ge": (">=", 5), "eq": ("==", 5), "ne": ("!=", 5), "and": ("and", 3), "or": ("or", 2),
}  # fmt: skip


INFINITE = 10**309  # what no dtype holds is shown as what it comes to


def show(e: Expr, outer: int = 0) -> str:
    """Readable text in the expression language; parsing it gives an equal formula."""
    if e.op == "num":
        assert isinstance(e.value, Fraction)
        if abs(e.value) >= INFINITE:
            return _wrap("inf" if e.value > 0 else "-inf", 99 if e.value > 0 else 15, outer)
        whole = e.value.denominator == 1
        level = (99 if whole else 20) if e.value >= 0 else 15
        return _wrap(str(e.value), level, outer)
    if e.op in ("var", "const"):
        return str(e.value)
    if e.op in ("true", "false"):
        return e.op.capitalize()
    if e.op in _INFIX:
        sign, level = _INFIX[e.op]
        text = f"{show(e.args[0], level)} {sign} {show(e.args[1], level + 1)}"
        return _wrap(text, level, outer)
    if e.op == "neg":
        return _wrap("-" + show(e.args[0], 21), 15, outer)
    if e.op == "not":
        return _wrap("not " + show(e.args[0], 5), 4, outer)
    if e.op in APART:
        return f"{e.op}({show(opened(e))})"
    if e.op in ("pow", "square"):
        exponent = show(e.args[1], 30) if e.op == "pow" else "2"
        return _wrap(f"{show(e.args[0], 31)}**{exponent}", 30, outer)
    return f"{e.op}({', '.join(show(a) for a in e.args)})"


def _wrap(text: str, level: int, outer: int) -> str:
    return f"({text})" if level < outer else text
