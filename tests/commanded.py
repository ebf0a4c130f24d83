"""The command in the tests' own process."""

from __future__ import annotations

import pytest

from vjpgen.cli import main


def run(*words: str) -> int:
    """The exit status of the command."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code
