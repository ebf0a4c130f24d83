"""The other half of what tests/test_readme.py replays: a file is what one process of a parallel run takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_readme import PAGES, prints_what_it_says


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES[1::2])
def test_prints_what_it_says(page: str, root: Path, tmp_path: Path, update: bool) -> None:
    prints_what_it_says(page, root, tmp_path, update)
