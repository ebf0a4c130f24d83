"""What a generation may be asked for, and the seeds that draw points."""

from __future__ import annotations

from dataclasses import dataclass

from vjpgen.errors import OptionError

EFFORTS = ("low", "normal", "high")
PREFERENCES = ("accuracy", "speed")
RESIDUALS = ("auto", "input", "output", "recompute", "speed")
ORDERS = (1, 2, 3)
MODES = ("vjp", "both")
_WITH_ORDER = ("auto", "input")


@dataclass(frozen=True, slots=True)
class How:
    """How a formula is searched and what is kept between the passes.

    Attributes:
        effort: how far the search goes.
        prefer: what a form is chosen for.
        residuals: what is kept (see `residuals.plan`).
        order: up to which order derivatives are generated forms.
        mode: "vjp", a function for reverse mode and a twin for forward mode, or "both", one for both.

    Raises:
        OptionError: one of them is none of the words there are, or the backward pass is to keep what a
            derivative of it cannot be a function of.
    """

    effort: str = "normal"
    prefer: str = "accuracy"
    residuals: str = "auto"
    order: int = 1
    mode: str = "vjp"

    def __post_init__(self) -> None:
        accept(effort=self.effort, prefer=self.prefer)
        _one_of("residuals", self.residuals, RESIDUALS)
        _one_of("mode", self.mode, MODES)
        if self.order not in ORDERS or isinstance(self.order, bool):
            raise OptionError(f"order is 1, 2 or 3, not {self.order!r}")
        if self.order > 1 and self.residuals not in _WITH_ORDER:
            message = f"with order {self.order} the inputs are kept, of which all derivatives are functions"
            raise OptionError(f"{message}, not residuals={self.residuals!r}", hint="leave residuals out")

    @property
    def words(self) -> list[str]:
        """The options of the command, those left out that say what holds without them."""
        usual = How()
        words = ["--effort", self.effort] if self.effort != usual.effort else []
        words += ["--prefer", self.prefer] if self.prefer != usual.prefer else []
        words += ["--residuals", self.residuals] if self.residuals != usual.residuals else []
        words += ["--order", str(self.order)] if self.order != usual.order else []
        return [*words, "--mode", self.mode] if self.mode != usual.mode else words


def accept(*, effort: str = "normal", prefer: str = "accuracy", seed: int = 0) -> None:
    """Refuses what is none of them.

    Raises:
        OptionError: an unknown effort or preference, or a negative seed.
    """
    _one_of("effort", effort, EFFORTS)
    _one_of("prefer", prefer, PREFERENCES)
    if seed < 0:
        raise OptionError(f"a seed is 0 or above, not {seed}")


def _one_of(option: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise OptionError(f"{option} is one of {', '.join(words)}, not {word!r}")
