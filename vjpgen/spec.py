"""What the user asked for, parsed and checked: the value that starts the flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vjpgen.expr import Expr, num, variables, where

Clip = tuple[float, float]
Structure = bool | tuple[str, ...]  # of outputs: True a tuple, False one array, names the keys of a dict


@dataclass(frozen=True, slots=True)
class Meant:
    """A gradient that is meant to differ from the derivative of the value.

    Attributes:
        formulas: `formulas[i][j]` stands in place of d output_i / d argument_j; None where that stays.
        factors: what the partials by each argument are multiplied by; None for one.
        mask: the condition without which every partial is zero; None where there is none.
        clips: bounds of the cotangent of each argument, which hold zero; None where there are none.
        stated: what was asked for, in sentences.
        words: the same as (option, value) of the command.
    """

    formulas: tuple[tuple[Expr | None, ...], ...]
    factors: tuple[Expr | None, ...]
    mask: Expr | None
    clips: tuple[Clip | None, ...]
    stated: tuple[str, ...]
    words: tuple[tuple[str, str], ...]

    def around(self, partial: Expr, j: int) -> Expr:
        """A partial by argument j with its factor and under the mask."""
        factor = self.factors[j]
        whole = partial if factor is None else factor * partial
        return whole if self.mask is None or whole is num(0) else where(self.mask, whole, num(0))

    def formula(self, i: int, j: int) -> Expr | None:
        """All of the formula of a partial; None where it is made of the derivative."""
        given = self.formulas[i][j]
        return None if given is None else self.around(given, j)

    def exprs(self) -> tuple[Expr, ...]:
        """Everything that was given as a formula or a condition."""
        given = (*(e for row in self.formulas for e in row), *self.factors, self.mask)
        return tuple(e for e in given if e is not None)


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called, where that is more than arrays in and an array or a tuple of them out.

    Attributes:
        nondiff: arguments without a gradient: arrays of any dtype.
        static: arguments without a gradient that are Python numbers, fixed when the function is traced.
        defaults: (argument, Python literal) of each that may be left out; the last ones in order.
        keys: names of the outputs, by which a dict holds them; none where they are no dict.
    """

    nondiff: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def fixed(self) -> tuple[str, ...]:
        """The arguments that are not differentiated."""
        return (*self.nondiff, *self.static)

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """The same as (option, value) of the command."""
        lists = {"--nondiff": self.nondiff, "--static": self.static, "--outputs": self.keys}
        given = [(option, ",".join(names)) for option, names in lists.items() if names]
        return (*given, *(("--param", f"{a}={literal}") for a, literal in self.defaults))


@dataclass(frozen=True, slots=True)
class Spec:
    """One function to generate.

    Attributes:
        name: name of the generated function, a valid identifier.
        args: names of the positional arguments in signature order, as they stand in the module.
        outputs: one formula per output, over `args`.
        several: whether the function returns a tuple (a formula in parentheses with commas).
        assume: conditions (bool expressions over `args`) that hold for every valid input; all of them hold.
        text: the formula as the user wrote it, but for arguments that were renamed.
        assume_text: the assumptions as the user wrote them, likewise.
        notes: remarks for the user (renamed or unused arguments).
        meant: a gradient other than the derivative; None where the gradient is the derivative.
        signature: how the function is called.
    """

    name: str
    args: tuple[str, ...]
    outputs: tuple[Expr, ...]
    several: bool
    assume: tuple[Expr, ...]
    text: str
    assume_text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    meant: Meant | None = None
    signature: Signature = Signature()

    def __post_init__(self) -> None:
        if len(set(self.args)) != len(self.args):
            raise ValueError(f"argument names repeat: {self.args}")
        given = self.meant.exprs() if self.meant else ()
        free = set(variables(*self.outputs, *self.assume, *given)) - set(self.args)
        if free:
            raise ValueError(f"free variables: {sorted(free)}")
        if not self.outputs or (len(self.outputs) > 1 and not self.several):
            raise ValueError("outputs and `several` disagree")
        if self.signature.keys and len(self.signature.keys) != len(self.outputs) * self.several:
            raise ValueError("outputs and their names disagree")

    @property
    def arrays(self) -> tuple[str, ...]:
        """The arguments that are not static."""
        return tuple(a for a in self.args if a not in self.signature.static)

    @property
    def moving(self) -> tuple[str, ...]:
        """The arguments that are differentiated."""
        return tuple(a for a in self.args if a not in self.signature.fixed)

    def decorator(self, kind: str) -> str:
        """The source of JAX's decorator of the function ("vjp") or of its twin ("jvp")."""
        rule, static = f"jax.custom_{kind}", self.signature.static
        places = ", ".join(str(k) for k, a in enumerate(self.args) if a in static)
        comma = "," * (len(static) == 1)
        return f"functools.partial({rule}, nondiff_argnums=({places}{comma}))" if static else rule

    @property
    def structure(self) -> Structure:
        """How the outputs are returned."""
        return self.signature.keys or self.several

    @property
    def gradient(self) -> Meant | None:
        """`meant`, and zero for the arguments that are not differentiated; None for the derivative alone."""
        if not self.signature.fixed:
            return self.meant
        none = (None,) * len(self.args)
        meant = self.meant or Meant((none,) * len(self.outputs), none, None, none, (), ())
        rows = (
            tuple(e if a in self.moving else num(0) for a, e in zip(self.args, row, strict=True))
            for row in meant.formulas
        )
        return replace(meant, formulas=tuple(rows))

    def out(self, i: int) -> str:
        """What output i is called where there are several."""
        return self.signature.keys[i] if self.signature.keys else f"out_{i}"

    @property
    def clips(self) -> tuple[Clip | None, ...]:
        """Bounds of the cotangent of each argument."""
        return self.meant.clips if self.meant else (None,) * len(self.args)

    @property
    def linear(self) -> bool:
        """Whether cotangents are combined linearly, so that forward mode has the same rule."""
        return not any(self.clips)

    def label(self, out: str, i: int, j: int) -> str:
        """What a partial is called; `out` is the output's name where there are several, else empty."""
        if self.changed(i, j) or self.args[j] not in self.moving:
            return f"grad {self.args[j]}" + (f" of {out}" if out else "")
        return f"d{out}/d{self.args[j]}"

    def higher_label(self, i: int, places: tuple[int, ...]) -> str:
        """What a partial of output i by arguments, each by its place, is called, such as d3/dx2 dy."""
        counts = {k: places.count(k) for k in dict.fromkeys(places)}
        below = " ".join(f"d{self.args[k]}{n if n > 1 else ''}" for k, n in counts.items())
        power = len(places) if len(places) > 1 else ""
        return f"d{power}{self.out(i) if self.several else ''}/{below}"

    def derived(self, i: int, j: int) -> bool:
        """Whether d output_i / d argument_j is made of the derivative of the value."""
        return self.gradient is None or self.gradient.formulas[i][j] is None

    def changed(self, i: int, j: int) -> bool:
        """Whether d output_i / d argument_j is something else than the derivative of the value."""
        meant = self.meant
        return meant is not None and (
            meant.formulas[i][j] is not None or meant.factors[j] is not None or meant.mask is not None
        )
