"""The exact results of a function: its value, and its gradient, whether that is the derivative or meant.

A gradient that is meant comes from the formula as it was typed; a factor or a mask acts on the derivative
of the value by dual numbers. Neither is compared with the other anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from flint import arb, ctx

from vjpgen.arb_ops import NAN, ZERO
from vjpgen.expr import Expr
from vjpgen.spec import Clip, Meant, Spec
from vjpgen.truth import Cell, Rows, Truth, resolve

_TINY = float(np.finfo(np.float32).tiny)


def truth_of(spec: Spec) -> Truth:
    """Exact values of the outputs, and exact partials: the derivatives, or what is meant in their place."""
    meant = spec.gradient
    return Truth(spec.outputs, spec.args) if meant is None else MeantTruth(spec, meant)


def seen(partials: np.ndarray, clips: Sequence[Clip | None]) -> np.ndarray:
    """Partials, clipped where even the smallest cotangent gives something beyond the bounds."""
    for j, clip in enumerate(clips):
        if clip is not None:
            low, high = min(clip[0], -clip[1]), max(clip[1], -clip[0])  # cotangents have either sign
            small = partials[:, :, j] * _TINY
            inside = (small > 0.5 * low) & (small < 0.5 * high)
            partials[:, :, j] = np.where(inside, partials[:, :, j], np.clip(partials[:, :, j], *clip))
    return partials


class MeantTruth(Truth):
    """`Truth` of the outputs whose partials are those that are meant."""

    def __init__(self, spec: Spec, meant: Meant) -> None:
        super().__init__(spec.outputs, spec.args)
        m, a = len(spec.outputs), len(spec.args)
        exprs: list[Expr] = [*spec.outputs]

        def place(e: Expr | None) -> int | None:
            if e is None:
                return None
            exprs.append(e)
            return len(exprs) - 1

        self._given = [[place(meant.formula(i, j)) for j in range(a)] for i in range(m)]
        self._factors, self._mask = [place(f) for f in meant.factors], place(meant.mask)
        self._derives = any(k is None for row in self._given for k in row)
        self._all, self._width = Truth(tuple(exprs), spec.args), len(exprs)

    def with_partials(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (n, m) and the partials that are meant (n, m, a)."""
        m, a = len(self._given), len(self._factors)
        flat = resolve(
            points, m * (1 + a), lambda rows, p, checked: self.balls(rows, p, partials=True, checked=checked)
        )
        return flat[:, :m], flat[:, m:].reshape(len(flat), m, a)

    def balls(
        self, rows: Rows, precision: int, *, partials: bool = False, checked: bool = True
    ) -> list[tuple[Cell, ...]]:
        if not partials:
            return super().balls(rows, precision, checked=checked)
        found = self._all.balls(rows, precision, partials=self._derives, checked=checked)
        before = ctx.prec
        ctx.prec = precision
        try:
            return [self._meant(cells) for cells in found]
        finally:
            ctx.prec = before

    def _meant(self, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        """The values and the partials, out of the results of all formulas and of their derivatives."""
        m, a = len(self._given), len(self._factors)
        found: list[Cell] = [*cells[:m]]
        for i in range(m):
            for j in range(a):
                given = self._given[i][j]
                slope = self._width + i * a + j
                found.append(self._changed(cells, j, cells[slope]) if given is None else cells[given])
        return tuple(found)

    def _changed(self, cells: tuple[Cell, ...], j: int, slope: Cell) -> Cell:
        """A derivative with its factor and under the mask."""
        holds = True if self._mask is None else cells[self._mask]
        if holds is False:
            return ZERO
        if holds is not True:
            return None if holds == "undefined" else NAN
        factor = self._factors[j]
        if factor is None or slope is None or cells[factor] is None:
            return slope if factor is None else None
        return cast("arb", slope) * cast("arb", cells[factor])
