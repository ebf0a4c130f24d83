"""`vjpgen build` and `vjpgen cache` as commands: their words, what they print, their status."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from built import TABLES, change, with_tables, without_search
from commanded import run
from patience import PATIENCE
from vjpgen import build_config, building, cache
from vjpgen.build_worker import Task
from vjpgen.building import FRESH, How


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    return without_search(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return with_tables(tmp_path, monkeypatch)


def test_the_command_builds_and_says_what_it_did(
    folder: Path, made: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("build") == 0
    shown = capsys.readouterr().out
    assert "2 of 2 modules built" in shown
    assert [line.split()[:2] for line in shown.splitlines()[1:4]] == [
        ["one.py", "one"],
        ["two.py", "left"],
        ["right", "-"],
    ]
    assert run("build") == 0
    assert capsys.readouterr().out == "all 2 modules are up to date\n"
    assert run("build", "--json") == 0
    assert [m["state"] for m in json.loads(capsys.readouterr().out)["modules"]] == [FRESH, FRESH]


def test_failures_have_their_place_and_a_status(
    folder: Path, made: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder, "x - y", "bad(x)")
    assert run("build") == 1
    shown = capsys.readouterr().out
    assert "two.py was not written" in shown
    assert "vjpgen.toml, function 3 (right): unknown function 'bad'" in shown
    assert "1 of 2 modules built, 1 failed" in shown


def test_check_says_what_is_out_of_date_and_writes_nothing(
    folder: Path, made: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("build", "--check") == 1
    assert "2 of 2 modules are out of date" in capsys.readouterr().out
    assert made == []
    assert sorted(p.name for p in folder.iterdir()) == ["vjpgen.toml"]
    run("build")
    capsys.readouterr()
    assert run("build", "--check") == 0
    assert capsys.readouterr().out == "all 2 modules are up to date\n"
    change(folder, "x - y", "y - x")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert run("build", "--check") == 1
    assert "two.py is out of date:\n  right: expr changed\n" in capsys.readouterr().out
    assert run("build", "--check", "--json") == 1
    assert json.loads(capsys.readouterr().out)["stale"] == {"two.py": ["right: expr changed"]}
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--check", "--force"], "--check writes nothing"),
        (["--watch", "--json"], "--watch does not go with --json"),
        (["--config", "none.toml"], "there is no file"),
        (["none.py"], "no function has the output none.py"),
        (["-j", "0"], "--jobs"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_the_command_refuses(
    words: list[str], message: str, folder: Path, made: list[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("build", *words) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""
    assert sorted(p.name for p in folder.iterdir()) == ["vjpgen.toml"]


def test_the_depfile(folder: Path, made: list[Task]) -> None:
    (folder / "more and $.toml").write_text('[[function]]\nexpr = "x"\noutput = "a b.py"\nname = "a"\n')
    (folder / "vjpgen.toml").write_text("include = ['more*.toml']\n" + TABLES)
    assert run("build", "--depfile", "vjpgen.d") == 0
    assert (folder / "vjpgen.d").read_text() == (
        "one.py two.py a\\ b.py: vjpgen.toml more\\ and\\ $$.toml\nvjpgen.toml:\nmore\\ and\\ $$.toml:\n"
    )


def test_the_cache_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VJPGEN_CACHE", str(tmp_path / "results"))
    assert run("cache") == 0
    assert capsys.readouterr().out.startswith("0 results, 0.0 MB of 256 MB")
    cache.default().put("a" * 64, [1])
    assert run("cache", "info") == run("cache", "dir") == run("cache", "clear") == 0
    info, where, cleared = capsys.readouterr().out.splitlines()
    assert info.startswith("1 result, ")
    assert where == str(tmp_path / "results")
    assert cleared == f"deleted 1 result in {where}"
    assert run("cache", "burn") == 2
    (tmp_path / "results").rmdir()
    (tmp_path / "results").write_text("mine")
    assert run("cache", "clear") == 0
    assert (tmp_path / "results").read_text() == "mine"


def test_nothing_to_do_is_told_at_once(folder: Path, made: list[Task]) -> None:
    """Without the libraries behind the search, whose import alone takes longer than half a second."""
    project = build_config.read(folder / "vjpgen.toml")
    building.build(project, project.modules, How())
    words = "try:\n    main(['build'])\nfinally:\n    print(*sys.modules)"
    program = f"import sys\nfrom vjpgen.cli import main\n{words}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    said, modules = done.stdout.splitlines()
    assert said == "all 2 modules are up to date"
    loaded = {name.partition(".")[0] for name in modules.split()}
    heavy = {"jax", "jaxlib", "sympy", "numpy", "scipy", "flint", "egglog", "rich", "jinja2", "watchfiles"}
    assert not loaded & heavy


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_watch_builds_again_when_a_table_changes(folder: Path) -> None:
    (folder / "vjpgen.toml").write_text('[[function]]\nexpr = "x*y"\noutput = "one.py"\neffort = "low"\n')
    command = [sys.executable, "-m", "vjpgen", "build", "--watch"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None

        def until(said: str) -> None:
            for line in process.stdout:  # type: ignore[union-attr]
                if said in line:
                    return
            raise AssertionError(f"it ended without: {said}")

        until("watching vjpgen.toml")
        time.sleep(1)
        change(folder, "x*y", "x*")
        until("the formula ends")
        until("watching")
        time.sleep(1)
        change(folder, "x*", "x*sin(y)")
        until("1 of 1 modules built")
        until("watching")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert "x*sin(y)" in (folder / "one.py").read_text()
    assert process.returncode == 130
