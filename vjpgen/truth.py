"""Exact values and partials of formulas at points, in ball arithmetic (Arb).

A formula is compiled to straight-line Python over `flint.arb`. The first pass runs at low precision;
points that do not resolve are run again at higher ones by a second program that also tells
"certainly undefined" (None) from "not yet known" (a ball that is too wide).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import arb, ctx, fmpq

from vjpgen.arb_ops import CONSTANT_SOURCE, HELPERS, NAN, rule, write_out
from vjpgen.expr import Expr, rebuild, walk

FIRST_PRECISION = 96
PRECISIONS = (320, 2560)
RESOLVED_BITS = 60

Cell = arb | bool | str | None
Rows = Iterable[Sequence[float] | Sequence[arb]]
Run = Callable[[Rows], list[tuple[Cell, ...]]]
_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_OPPOSITE = {"lt": ">=", "le": ">", "gt": "<=", "ge": "<", "eq": "!=", "ne": "=="}
_DEEPEST = 40


class Truth:
    """Exact values of `exprs` over `args`, rounded to float64 once.

    Points are float64 arrays (n, a) whose entries are taken as exact numbers. A result is nan where the
    formula is undefined or not real, where a comparison cannot be decided, and, for a partial, at a kink
    (`abs` at 0, a tie of `max`, a jump); it is +-inf where the number lies beyond float64.
    """

    def __init__(self, exprs: tuple[Expr, ...], args: tuple[str, ...]) -> None:
        self._exprs = tuple(rebuild(e, write_out) for e in exprs)
        self._args = args

    def values(self, points: np.ndarray) -> np.ndarray:
        """Values (n, m)."""
        return self._resolve(points, partials=False)

    def with_partials(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (n, m) and partials (n, m, a), by forward-mode differentiation of the formulas."""
        m, a = len(self._exprs), len(self._args)
        flat = self._resolve(points, partials=True)
        return flat[:, :m], flat[:, m:].reshape(len(flat), m, a)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Where the (boolean) formulas certainly hold, (n, m)."""
        rows = np.asarray(points, dtype=np.float64).tolist()
        out = np.zeros((len(rows), len(self._exprs)), dtype=bool)
        left = list(range(len(rows)))
        for precision, checked in _levels():
            cells = self.balls([rows[i] for i in left], precision, checked=checked)
            for i, row in zip(left, cells, strict=True):
                out[i] = [c is True for c in row]
            left = [i for i, row in zip(left, cells, strict=True) if None in row]
        return out

    def balls(
        self, rows: Rows, precision: int, *, partials: bool = False, checked: bool = True
    ) -> list[tuple[Cell, ...]]:
        """Raw results per row at one precision: values, then partials output by output.

        Entries of `rows` are floats or balls. A real result is a ball, or None where certainly undefined
        (with `checked`); a boolean one is True, False, None (not decided) or "undefined".
        """
        run = _program(self._exprs, self._args, partials, checked)
        rows, before, cap = list(rows), ctx.prec, ctx.cap
        ctx.prec = precision
        try:
            return run(rows)
        except (ValueError, NotImplementedError, OverflowError, ZeroDivisionError):
            if len(rows) > 1:
                return [
                    c
                    for row in rows
                    for c in self.balls([row], precision, partials=partials, checked=checked)
                ]
            width = len(self._exprs) * (1 + len(self._args) * partials)
            return [(NAN,) * width]  # flint gave up on this point
        finally:
            ctx.prec, ctx.cap = before, cap

    def _resolve(self, points: np.ndarray, *, partials: bool) -> np.ndarray:
        width = len(self._exprs) * (1 + len(self._args) * partials)
        return resolve(
            points, width, lambda rows, p, checked: self.balls(rows, p, partials=partials, checked=checked)
        )


def resolve(
    points: np.ndarray, width: int, balls: Callable[[Rows, int, bool], list[tuple[Cell, ...]]]
) -> np.ndarray:
    """Results (n, width) of `balls(rows, precision, checked)`, at a precision at which each is known."""
    points = np.asarray(points, dtype=np.float64)
    out = np.full((len(points), width), np.nan)
    rows = points.tolist()
    left = np.flatnonzero(np.isfinite(points).all(axis=1)).tolist()
    for precision, checked in _levels():
        cells = balls([rows[i] for i in left], precision, checked)
        unresolved = []
        for i, row in zip(left, cells, strict=True):
            numbers = [_number(c) for c in row]
            out[i] = [math.nan if x is None else x for x in numbers]
            if None in numbers:
                unresolved.append(i)
        left = unresolved
    return out


@lru_cache(maxsize=128)
def _program(exprs: tuple[Expr, ...], args: tuple[str, ...], partials: bool, checked: bool) -> Run:
    return _Compiler(exprs, args, partials, checked).build()


def _levels() -> list[tuple[int, bool]]:
    return [(FIRST_PRECISION, False), *((p, True) for p in PRECISIONS)]


def _number(ball: Cell) -> float | None:
    """The float64 a ball stands for; nan for certainly undefined; None where the ball is too wide."""
    if not isinstance(ball, arb):
        return math.nan
    if not ball.is_finite():
        return None
    if ball.rel_accuracy_bits() >= RESOLVED_BITS:
        return float(ball)
    low, high = float(ball.lower()), float(ball.upper())
    return low + 0.0 if low == high else None


# ------------------------------------------------------------------ compilation to Python over balls


@dataclass(frozen=True, slots=True)
class _Scope:
    """A block of the program: the whole loop body (`owner` None), or one branch of a `where`."""

    owner: Expr | None
    branch: int
    depth: int
    parent: _Scope | None = None


class _Compiler:
    """Writes one function `run(rows)` for some formulas; names in it are positional."""

    def __init__(self, exprs: tuple[Expr, ...], args: tuple[str, ...], partials: bool, checked: bool) -> None:
        self.exprs, self.args, self.checked = exprs, args, checked
        self.nodes = list(walk(*exprs))
        self.number = {e: i for i, e in enumerate(self.nodes)}
        self.needs = self._dependencies() if partials else {e: frozenset[int]() for e in self.nodes}
        self.partials = partials
        self.home, self.scopes = self._homes()
        self.members: dict[int, list[Expr]] = {id(s): [] for s in self.scopes.values()}
        for e in self.nodes:
            if e.args or e.op == "var":
                self.members[id(self.home[e])].append(e)
        self.lines: list[str] = []

    def build(self) -> Run:
        takes = "".join(f"x{j}, " for j in range(len(self.args)))
        self.lines = ["def run(rows):", "    out = []"]
        for e in self.nodes:
            if not e.args and e.op != "var":
                self.lines.append(f"    t{self.number[e]} = {self._leaf(e)}")
        self.lines.append(f"    for ({takes}) in rows:" if takes else "    for _ in rows:")
        self._block(self.scopes[None, 0], 2)
        cells = [f"t{self.number[e]}" for e in self.exprs]
        if self.partials:
            cells += [self._dual(e, j) for e in self.exprs for j in range(len(self.args))]
        self.lines += [f"        out.append(({', '.join(cells)},))", "    return out"]
        names: dict[str, object] = {**HELPERS, **_BOOLEAN_HELPERS, "fmpq": fmpq}
        exec(
            compile("\n".join(self.lines), "<exact arithmetic>", "exec"), names
        )  # our own text, positional names
        return names["run"]  # type: ignore[return-value]

    def _dependencies(self) -> dict[Expr, frozenset[int]]:
        place = {name: j for j, name in enumerate(self.args)}
        found: dict[Expr, frozenset[int]] = {}
        for e in self.nodes:
            if e.op == "var":
                found[e] = frozenset({place[str(e.value)]})
            elif e.op in _BOOLEAN:
                found[e] = frozenset()
            else:
                found[e] = frozenset().union(*(found[a] for a in e.args))
        return found

    def _homes(self) -> tuple[dict[Expr, _Scope], dict[tuple[Expr | None, int], _Scope]]:
        """The innermost block that holds every use of a node, so that an untaken branch costs nothing."""
        root = _Scope(None, 0, 0)
        home = dict.fromkeys(self.exprs, root)
        scopes: dict[tuple[Expr | None, int], _Scope] = {(None, 0): root}
        for e in reversed(self.nodes):
            here = home[e]
            for k, a in enumerate(e.args):
                use = here
                if e.op == "where" and k > 0 and here.depth < _DEEPEST:
                    use = scopes.setdefault((e, k), _Scope(e, k, here.depth + 1, here))
                home[a] = use if a not in home else _common(home[a], use)
        return home, scopes

    def _block(self, scope: _Scope, indent: int) -> None:
        members = self.members[id(scope)]
        for e in members:
            self._node(e, indent)
        if not members and scope.owner is None:
            self.lines.append("    " * indent + "pass")

    def _node(self, e: Expr, indent: int) -> None:
        pad, t = "    " * indent, f"t{self.number[e]}"
        if e.op == "var":
            self.lines.append(f"{pad}{t} = arb(x{self.args.index(str(e.value))})")
        elif e.op == "where":
            self._choice(e, indent)
        elif e.op in _BOOLEAN:
            self.lines.append(f"{pad}{t} = {self._condition(e)}")
        elif e.op in ("max", "min"):
            self._extreme(e, pad)
        else:
            self._operation(e, pad)

    def _leaf(self, e: Expr) -> str:
        if e.op == "num":
            return f"arb(fmpq({e.value.numerator}, {e.value.denominator}))"  # type: ignore[union-attr]
        return CONSTANT_SOURCE[str(e.value)] if e.op == "const" else str(e.op == "true")

    def _operation(self, e: Expr, pad: str) -> None:
        row, t = rule(e), f"t{self.number[e]}"
        names = [f"t{self.number[a]}" for a in e.args]
        guard = [f"{n} is None" for n in names] + ([row.undefined.format(*names)] if row.undefined else [])
        self.lines.append(f"{pad}{t} = {self._guarded(guard, row.value.format(*names))}")
        for j in sorted(self.needs[e]):
            terms, duals = [], []
            for k, a in enumerate(e.args):
                slope = row.slopes[k].format(*names, r=t)
                if j in self.needs[a] and slope != "0":
                    d = self._dual(a, j)
                    duals += [f"{d} is None"] * (d != "ONE")
                    factor = {"1": "", "-1": "-"}.get(slope, f"({slope})" if d == "ONE" else f"({slope}) * ")
                    terms.append(factor if d == "ONE" and slope not in ("1", "-1") else factor + d)
            kink = [row.kink.format(*names, r=t)] if row.kink else []
            source = self._guarded([f"{t} is None", *duals, *kink], " + ".join(terms) or "ZERO")
            if kink and not self.checked:
                source = f"NAN if {kink[0]} else {source}"
            self.lines.append(f"{pad}{self._dual(e, j)} = {source}")

    def _guarded(self, guard: list[str], source: str) -> str:
        if not self.checked:
            return source
        return f"None if {' or '.join(f'({g})' for g in guard)} else {source}"

    def _extreme(self, e: Expr, pad: str) -> None:
        a, b = (f"t{self.number[x]}" for x in e.args)
        guard, sign = [f"{a} is None", f"{b} is None"], ">" if e.op == "max" else "<"
        self.lines.append(f"{pad}t{self.number[e]} = {self._guarded(guard, f'{a}.{e.op}({b})')}")
        for j in sorted(self.needs[e]):
            left, right = (self._dual(x, j) for x in e.args)
            pick = f"{left} if {a} {sign} {b} else {right} if {b} {sign} {a} else NAN"
            source = self._guarded([*guard, f"{a} == {b}"], f"({pick})")
            self.lines.append(f"{pad}{self._dual(e, j)} = {source}")

    def _choice(self, e: Expr, indent: int) -> None:
        condition, pad, t = e.args[0], "    " * indent, f"t{self.number[e]}"
        test = f"t{self.number[condition]}"
        for k, word in ((1, f"if {test} is True:"), (2, f"elif {test} is False:")):
            self.lines.append(pad + word)
            if (e, k) in self.scopes:
                self._block(self.scopes[e, k], indent + 1)
            self.lines.append(f"{pad}    {t} = t{self.number[e.args[k]]}")
            for j in sorted(self.needs[e]):
                self.lines.append(f"{pad}    {self._dual(e, j)} = {self._dual(e.args[k], j)}")
        self.lines.append(f"{pad}else:")
        lost = f"None if {test} == 'undefined' else NAN" if self.checked else "NAN"
        self.lines += [
            f"{pad}    {name} = {lost}" for name in (t, *(self._dual(e, j) for j in sorted(self.needs[e])))
        ]
        self._isolated(e, pad)

    def _isolated(self, e: Expr, pad: str) -> None:
        """Where an equality decides the branch, the branch's derivative is not the function's."""
        touched = [f"t{self.number[c]} is {c.op == 'eq'}" for c in walk(e.args[0]) if c.op in ("eq", "ne")]
        if touched and self.needs[e]:
            self.lines.append(f"{pad}if {' or '.join(touched)}:")
            nothing = "None" if self.checked else "NAN"
            self.lines += [f"{pad}    {self._dual(e, j)} = {nothing}" for j in sorted(self.needs[e])]

    def _condition(self, e: Expr) -> str:
        names = [f"t{self.number[a]}" for a in e.args]
        if e.op not in _COMPARISONS:
            return f"{e.op}_({', '.join(names)})"
        a, b = names
        known = f"True if {a} {_COMPARISONS[e.op]} {b} else False if {a} {_OPPOSITE[e.op]} {b} else None"
        return f"'undefined' if {a} is None or {b} is None else {known}" if self.checked else known

    def _dual(self, e: Expr, j: int) -> str:
        if j not in self.needs[e]:
            return "ZERO"
        return "ONE" if e.op == "var" else f"d{self.number[e]}_{j}"


def _common(a: _Scope, b: _Scope) -> _Scope:
    while a is not b:
        if a.depth >= b.depth:
            assert a.parent is not None
            a = a.parent
        else:
            assert b.parent is not None
            b = b.parent
    return a


# ------------------------------------------------------------------ four-valued logic
# True, False, None (the ball is too wide to tell) and "undefined" (an operand is not a real number).


def _and(a: Cell, b: Cell) -> Cell:
    if a is False or b is False:
        return False
    return "undefined" if "undefined" in (a, b) else None if a is None or b is None else True


def _not(a: Cell) -> Cell:
    return not a if isinstance(a, bool) else a


def _or(a: Cell, b: Cell) -> Cell:
    return _not(_and(_not(a), _not(b)))


_BOOLEAN = {*_COMPARISONS, "and", "or", "not", "true", "false"}
_BOOLEAN_HELPERS: dict[str, object] = {"and_": _and, "or_": _or, "not_": _not, "ONE": arb(1)}
