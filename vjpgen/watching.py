"""Waiting until a file changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from watchfiles import Change, watch

_TOGETHER = 200  # milliseconds within which changes count as one


def change(sources: Sequence[Path], folders: Sequence[Path] = (), inputs: Sequence[Path] = ()) -> None:
    """Returns when a file of tables, or one beside it that may be included, or one in a folder changes.

    So it does when one of the inputs changes, files that formulas are read from.
    """
    places = [source.resolve().parent for source in sources]
    read = [path.resolve() for path in inputs]
    beside = [path.parent for path in read]

    def matters(_: Change, name: str) -> bool:
        path = Path(name)
        inside = any(path.is_relative_to(folder.resolve()) for folder in folders)
        return inside or path in read or (path.suffix == ".toml" and path.parent in places)

    found = watch(
        *dict.fromkeys((*places, *folders, *beside)), watch_filter=matters, step=_TOGETHER, recursive=True
    )
    next(found)
