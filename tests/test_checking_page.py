"""What pages of docs/ show is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldens import differences
from test_readme import replay


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["arguments.md", "checking.md", "builds.md", "report.md"])
def test_prints_what_it_says(name: str, root: Path, tmp_path: Path, update: bool) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "README.md").write_text("# Mine\n")
    page = root / "docs" / name
    kept = page.read_text()
    now = replay(kept, tmp_path)
    assert "Traceback" not in now
    if update:
        page.write_text(now)
        kept = now
    assert not differences(now, kept)
