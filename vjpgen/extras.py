"""Libraries that the plain installation leaves out."""

from __future__ import annotations

from importlib.util import find_spec

from vjpgen.errors import OptionError


def missing(*libraries: str) -> list[str]:
    """Those of the packages that are not installed."""
    return [name for name in libraries if find_spec(name) is None]


def needed(what: str, *libraries: str) -> None:
    """Refuses what cannot be done without them.

    Args:
        what: what is to be done.
        libraries: their packages.

    Raises:
        OptionError: one is not installed.
    """
    absent = missing(*libraries)
    if absent:
        raise OptionError(
            f"{what} needs {' and '.join(absent)}, which the plain installation leaves out",
            hint="pip install 'vjpgen[report]'",
        )
