"""What the README shows is what happens: its commands and programs are run in the order in which they stand.

A block "console" holds commands after "$ " and what they printed; a block "python" is a program, and the
block "text" after it what that printed; a block "toml" that begins with "# FILE" is that file. With
`pytest --update` what was printed is rewritten.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from goldens import differences

pytestmark = pytest.mark.checkout

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.M | re.S)
COMMAND = re.compile(r"^\$ (.*)\n", flags=re.M)
SECONDS = re.compile(r" in \d+\.\d+s\b.*")


def run(folder: Path, *command: str) -> str:
    """What a command prints on both streams, in a terminal 100 characters wide without colours."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    for name in ("FORCE_COLOR", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        env.pop(name, None)
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    kept = [line.rstrip() for line in SECONDS.sub("", done.stdout).splitlines()]
    return "\n".join(kept).strip("\n") + "\n" if any(kept) else ""


def replay(readme: str, folder: Path) -> str:
    """The README with every printed output replaced by what is printed now."""
    printed = ""

    def block(match: re.Match[str]) -> str:
        nonlocal printed
        kind, body = match.groups()
        if kind == "python":
            printed = run(folder, sys.executable, "-c", body)
        elif kind == "console":
            shown = (f"$ {c}\n{run(folder, 'bash', '-c', c)}" for c in COMMAND.findall(body))
            body = "".join(shown)
        elif kind == "text":
            body = printed
        elif kind == "toml" and body.startswith("# "):
            place = folder / body.partition("\n")[0][2:]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(body)
        return f"```{kind}\n{body}```"

    return BLOCK.sub(block, readme)


@pytest.mark.thorough
@pytest.mark.parametrize("page", ["README.md", "docs/external.md"])
def test_prints_what_it_says(page: str, root: Path, tmp_path: Path, update: bool) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    kept = (root / page).read_text()
    now = replay(kept, tmp_path)
    assert "Traceback" not in now
    assert "VJPGEN_TRACEBACK" not in now
    if update:
        (root / page).write_text(now)
        kept = now
    assert not differences(now, kept)


def test_the_two_commands_stand_once(root: Path) -> None:
    readme = (root / "README.md").read_text()
    for name in ("install", "test"):
        assert len(re.findall(rf"^```sh {name}\n[^\n]+\n```$", readme, flags=re.M)) == 1


def test_links_lead_somewhere(root: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (root / "README.md").read_text()):
        assert (root / target).exists(), target
