"""What the user asked for, parsed and checked: the value that starts the flow."""

from __future__ import annotations

from dataclasses import dataclass

from vjpgen.expr import Expr, variables


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
    """

    name: str
    args: tuple[str, ...]
    outputs: tuple[Expr, ...]
    several: bool
    assume: tuple[Expr, ...]
    text: str
    assume_text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.args)) != len(self.args):
            raise ValueError(f"argument names repeat: {self.args}")
        free = set(variables(*self.outputs, *self.assume)) - set(self.args)
        if free:
            raise ValueError(f"free variables: {sorted(free)}")
        if not self.outputs or (len(self.outputs) > 1 and not self.several):
            raise ValueError("outputs and `several` disagree")
