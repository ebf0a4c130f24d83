"""What the README and the pages of docs/ show is what happens: commands and programs are run in their order.

A block "console" holds commands after "$ " and what they printed; a block "python" is a program, a block
"ipython" cells between blank lines, and the block "text" after it what that printed; a block "toml", "lisp"
or "python" whose first line is "# FILE" or "; FILE" is that file. With `pytest --update` what was printed is
rewritten. What else is shown is tried by tests/test_blocks.py.
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
ROOT = Path(__file__).resolve().parents[1]
RUN = re.compile(r"^```(?:console|python|ipython)$", flags=re.M)
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = ["README.md", *(f"docs/{page.name}" for page in DOCS if RUN.search(page.read_text()))]
CELLS = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
for cell in sys.argv[1].split("\\n\\n"):
    shell.run_cell(cell).raise_error()
"""
FILE = re.compile(r"[#;] ([\w/]+\.(?:py|toml|fpcore))\n")
COMMAND = re.compile(r"^\$ (.*)\n", flags=re.M)
SECONDS = re.compile(r" in \d+\.\d+s\b.*")


def run(folder: Path, *command: str) -> str:
    """What a command prints on both streams, in a terminal 100 characters wide without colours."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    env.setdefault("VJPGEN_TIMEOUT", "600")  # of a machine that does other work, too
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
        named = FILE.match(body)
        if kind in ("python", "toml", "lisp") and named:
            place = folder / named[1]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(body)
        elif kind == "python":
            printed = run(folder, sys.executable, "-c", body)
        elif kind == "ipython":
            printed = run(folder, sys.executable, "-c", CELLS, body)
        elif kind == "console":
            shown = (f"$ {c}\n{run(folder, 'bash', '-c', c)}" for c in COMMAND.findall(body))
            body = "".join(shown)
        elif kind == "text":
            body = printed
        return f"```{kind}\n{body}```"

    return BLOCK.sub(block, readme)


def prints_what_it_says(page: str, root: Path, folder: Path, update: bool) -> None:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "README.md").write_text("# Mine\n")
    kept = (root / page).read_text()
    now = replay(kept, folder)
    assert "Traceback" not in now
    assert "This is an error of vjpgen's own" not in now
    if update:
        (root / page).write_text(now)
        kept = now
    assert not differences(now, kept)


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES[::2])
def test_prints_what_it_says(page: str, root: Path, tmp_path: Path, update: bool) -> None:
    prints_what_it_says(page, root, tmp_path, update)


def test_the_two_commands_stand_once(root: Path) -> None:
    readme = (root / "README.md").read_text()
    for name in ("install", "test"):
        assert len(re.findall(rf"^```sh {name}\n[^\n]+\n```$", readme, flags=re.M)) == 1


def test_links_lead_somewhere(root: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (root / "README.md").read_text()):
        assert (root / target).exists(), target
