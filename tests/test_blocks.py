"""Every fenced block of the README and of docs/ is tried: what no replay of tests/test_readme.py runs, here.

A block "sh" holds commands that take long or change the machine: of each the program answers, and knows the
options. The README's two commands are run by .ci/run. Files of other tools are read by those tools.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jinja2
import pytest
import yaml

from test_readme import DOCS, FILE, ROOT

pytestmark = pytest.mark.checkout

FENCE = re.compile(r"^ *```(.*)\n((?:.*\n)*?) *```$", flags=re.M)
REPLAYED = {"console", "python", "ipython", "text"}
ELSEWHERE = {"sh install", "sh test"}  # .ci/run
PRINTED = {"docs/accuracy.md": "", "docs/orders.md": ""}  # tables that a script printed
BLOCKS = [
    (page.relative_to(ROOT).as_posix(), kind, body)
    for page in (ROOT / "README.md", *DOCS)
    for kind, body in FENCE.findall(page.read_text())
]


@cache
def helped(*script: str) -> str:
    """What a script of the repository, or a module, prints for --help."""
    done = subprocess.run(
        [sys.executable, *script, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(body: str) -> None:
    """The programs exist, and know the options that they are given."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for line in body.splitlines():
        program, *words = shlex.split(line, comments=True)
        options = [w.partition("=")[0] for w in words if w.startswith("--")]
        if program == "python":
            assert set(options) <= set(re.findall(r"--[\w-]+", helped(words[0]))), line
        elif program == "vjpgen":
            assert set(options) <= set(re.findall(r"--[\w-]+", helped("-m", "vjpgen"))), line
        elif program == "pip":
            (extra,) = re.findall(r"\[(\w+)\]", words[-1])
            assert extra in project["project"]["optional-dependencies"]
        elif program == "bash":
            subprocess.run(["bash", "-n", *words], cwd=ROOT, check=True)
        elif program == "pytest":
            marks = [m.partition(":")[0] for m in project["tool"]["pytest"]["ini_options"]["markers"]]
            assert "-m" not in words or words[words.index("-m") + 1] in marks
            assert all((ROOT / w).exists() for w in words if "/" in w)
        else:
            assert (program, *words[:1]) in {("pre-commit", "install"), ("mkdocs", "build")}, line


def tables(body: str) -> None:
    tomllib.loads(body)


def hooks(body: str) -> None:
    """The hooks that are named are those of this repository."""
    known = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for repo in yaml.safe_load(body)["repos"] for hook in repo["hooks"]} <= known


def template(body: str) -> None:
    jinja2.Environment(autoescape=True).parse(body)


def made_by(tool: str, file: str) -> Callable[[str], None]:
    def tried(body: str, folder: Path) -> None:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
        (folder / "vjpgen.toml").touch()
        (folder / file).write_text(body)
        done = subprocess.run([tool, "-n"], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "vjpgen build --depfile vjpgen.d" in done.stdout or tool == "ninja"

    return tried  # type: ignore[return-value]


TRIED: dict[str, Callable[..., None]] = {
    "sh": commands,
    "toml": tables,
    "yaml": hooks,
    "jinja": template,
    "make": made_by("make", "Makefile"),
    "ninja": made_by("ninja", "build.ninja"),
}


@pytest.mark.parametrize("kind", TRIED)
def test_what_is_not_replayed_is_tried(kind: str, tmp_path: Path) -> None:
    mine = [body for _, k, body in BLOCKS if k == kind and not FILE.match(body)]
    assert mine, f"there is no block {kind}"
    for body in mine:
        TRIED[kind](body, *([tmp_path] if kind in ("make", "ninja") else []))


def test_every_block_is_of_a_kind_that_is_run() -> None:
    known = REPLAYED | ELSEWHERE | set(TRIED)
    others = [(page, kind) for page, kind, body in BLOCKS if kind not in known and not FILE.match(body)]
    assert not [(page, kind) for page, kind in others if PRINTED.get(page) != kind]


def test_text_is_what_a_program_printed() -> None:
    for page in {page for page, _, _ in BLOCKS}:
        kinds = [kind for p, kind, _ in BLOCKS if p == page]
        before = [a for a, b in zip(["", *kinds], kinds, strict=False) if b == "text"]
        assert set(before) <= {"python", "ipython"}, page
