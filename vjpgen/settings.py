"""What a search may be asked for, and the seeds that draw points."""

from __future__ import annotations

from vjpgen.errors import OptionError

EFFORTS = ("low", "normal", "high")
PREFERENCES = ("accuracy", "speed")


def accept(*, effort: str = "normal", prefer: str = "accuracy", seed: int = 0) -> None:
    """Refuses what is none of them.

    Raises:
        OptionError: an unknown effort or preference, or a negative seed.
    """
    if effort not in EFFORTS:
        raise OptionError(f"effort is one of {', '.join(EFFORTS)}, not {effort!r}")
    if prefer not in PREFERENCES:
        raise OptionError(f"prefer is one of {', '.join(PREFERENCES)}, not {prefer!r}")
    if seed < 0:
        raise OptionError(f"a seed is 0 or above, not {seed}")
