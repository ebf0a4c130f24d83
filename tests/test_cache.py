"""The cache of results: the same bytes as a search, nothing stale, nothing broken, never too large."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vjpgen import cache, pipeline, provenance
from vjpgen.cache import Cache
from vjpgen.errors import OptionError
from vjpgen.pipeline import Generated, generate

KEY, OTHER = "a" * 64, "b" * 64
SMALL = {"name": "scaled", "effort": "low"}


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "results", 1_000_000)


@pytest.fixture(scope="module")
def found() -> Generated:
    return generate("x*exp(y)", **SMALL, cache=False)


@pytest.fixture
def searches(found: Generated, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every search that is done; each finds the same, at once."""
    done: list[object] = []
    monkeypatch.setattr(pipeline, "searched", lambda *given: done.append(given) or found)
    return done


def same(one: Generated, other: Generated) -> bool:
    texts = one.module == other.module and one.tests == other.tests
    return texts and repr(one.report) == repr(other.report)  # nan is no number that equals itself


# entries


def test_what_is_kept_is_found(kept: Cache) -> None:
    value = {"module": 'x = "é"\n', "figures": [1.5, None, float("inf")]}
    assert kept.get(KEY) is None
    assert kept.put(KEY, value)
    assert kept.get(KEY) == value
    assert kept.get(OTHER) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"1", b"2")),
        lambda path: path.write_bytes(b"\x00\xff" * 100),
        lambda path: path.write_text("[1]"),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to("nowhere")),
    ],
)
def test_a_broken_entry_is_absent(kept: Cache, spoil: Callable[[Path], object]) -> None:
    kept.put(KEY, [1, 1])
    (path,) = kept.entries()
    spoil(path)
    assert kept.get(KEY) is None


def test_a_broken_entry_is_replaced(kept: Cache) -> None:
    kept.put(KEY, [1])
    kept.entries()[0].write_text("nonsense")
    kept.put(KEY, [2])
    assert kept.get(KEY) == [2]


def test_a_full_disk_or_a_folder_that_is_none_stops_nothing(
    kept: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    assert not Cache(tmp_path / "file", 1000).put(KEY, [1])
    assert Cache(tmp_path / "file", 1000).get(KEY) is None
    assert Cache(tmp_path / "file", 1000).entries() == []

    def full(self: Path, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert not kept.put(KEY, [1])
    assert kept.entries() == []
    assert list(kept.folder.iterdir()) == []


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    kept = Cache(tmp_path, 3500)
    for k, name in enumerate("abc"):
        kept.put(name * 64, "x" * 1000)
        os.utime(tmp_path / f"{name * 64}.json", (1000 + k, 1000 + k))
    assert kept.get("a" * 64) is not None  # used now
    kept.put("d" * 64, "x" * 1000)
    assert [kept.get(name * 64) is not None for name in "abcd"] == [True, False, True, True]
    assert kept.size() <= 3500
    assert not kept.put("e" * 64, "x" * 4000)


def test_files_of_killed_runs_go_and_others_stay(kept: Cache) -> None:
    kept.put(KEY, [1])
    old, new = (kept.folder / f"{OTHER}.json.{n}.tmp" for n in ("one", "two"))
    mine = kept.folder / "mine.json"
    for path in (old, new, mine):
        path.write_text("x")
    long_ago = time.time() - 10_000
    os.utime(old, (long_ago, long_ago))
    kept.put(KEY, [2])
    assert sorted(p.name for p in kept.folder.iterdir()) == sorted([f"{KEY}.json", new.name, mine.name])
    assert kept.clear() == 2
    assert [p.name for p in kept.folder.iterdir()] == ["mine.json"]


def test_only_its_owner_can_read_it(kept: Cache) -> None:
    """What is found in a cache is run."""
    kept.put(KEY, [1])
    assert kept.folder.stat().st_mode & 0o077 == 0
    assert kept.entries()[0].stat().st_mode & 0o077 == 0


WRITER = """
import sys
from pathlib import Path
from vjpgen.cache import Cache
kept, me = Cache(Path(sys.argv[1]), 200_000), sys.argv[2]
print("ready", flush=True)
for k in range(10**9 if me == "killed" else 300):
    name = f"{k % 7}" * 64
    found = kept.get(name)
    assert found is None or (len(set(found)) == 1 and len(found) == 5000), found
    kept.put(name, me[0] * 5000)
"""


def test_runs_beside_one_another_and_killed_ones_leave_whole_entries(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "results")]
    others = [subprocess.Popen([*command, name]) for name in ("one", "two")]
    with subprocess.Popen([*command, "killed"], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        time.sleep(0.05)
        killed.kill()
    assert [other.wait() for other in others] == [0, 0]
    kept = Cache(tmp_path / "results", 200_000)
    assert all(kept.get(f"{k}" * 64) is not None for k in range(7))


# the key


def test_the_key_holds_all_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.key("formula", "x")
    assert cache.key("formula", "x") == before
    keys = {before, cache.key("formula", "y")}
    changed = {"code": lambda: "0" * 16, "versions": lambda: {"jax": "0"}, "machine": lambda: {}}
    for name, value in changed.items():
        with monkeypatch.context() as patch:
            provenance.versions.cache_clear()
            patch.setattr(provenance, name, value)
            keys.add(cache.key("formula", "x"))
        provenance.versions.cache_clear()
    with monkeypatch.context() as patch:
        patch.setenv("JAX_PLATFORMS", "other")
        keys.add(cache.key("formula", "x"))
    assert len(keys) == 6
    assert cache.key("formula", "x") == before


def test_a_changed_file_of_vjpgen_changes_its_digest(tmp_path: Path) -> None:
    """Sources and templates, whichever way they are installed."""
    home = Path(cache.__file__).parent
    templates = home.parent / "templates" if not (home / "templates").is_dir() else home / "templates"
    (tmp_path / "vjpgen").mkdir()
    for path in home.glob("*.py"):
        (tmp_path / "vjpgen" / path.name).write_bytes(path.read_bytes())
    for path in templates.rglob("*.j2"):
        target = tmp_path / "templates" / path.relative_to(templates)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())

    def code() -> str:
        command = [sys.executable, "-c", "import vjpgen.provenance as p; print(p.code())"]
        env = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode().strip()

    assert code() == provenance.code()
    for name in ("vjpgen/rules_algebra.py", "templates/support/cast.py.j2"):
        before = code()
        (tmp_path / name).write_text((tmp_path / name).read_text() + "\n")
        assert code() != before


@pytest.mark.parametrize(
    "options",
    [
        {"expr": "exp(y)*x"},
        {"args": ["y", "x"]},
        {"assume": "x > 0"},
        {"name": "other"},
        {"effort": "normal"},
        {"prefer": "speed"},
        {"grad": {"x": "1"}},
        {"stop": "x"},
        {"grad_clip": {"x": (-1, 1)}},
        {"output": "src/scaled.py"},
        {"output": "a/scaled.py", "tests_path": "b/test_scaled.py"},
    ],
)
def test_what_is_asked_for_differently_is_searched_anew(
    kept: Cache, searches: list[object], options: dict[str, object]
) -> None:
    plain = {"expr": "x*exp(y)", **SMALL}
    for _ in range(2):
        generate(**plain, cache=kept)
    assert len(searches) == 1
    for _ in range(2):
        generate(**{**plain, **options}, cache=kept)
    assert len(searches) == 2


# results


@pytest.mark.parametrize("clear", ["nothing", "entry"])
def test_the_same_result_as_that_of_the_search(
    kept: Cache, searches: list[object], found: Generated, clear: str
) -> None:
    first = generate("x*exp(y)", **SMALL, cache=kept)
    if clear == "entry":
        kept.entries()[0].write_text("spoiled")
    again = generate("x*exp(y)", **SMALL, cache=kept)
    assert len(searches) == (2 if clear == "entry" else 1)
    assert first is found
    assert same(again, found)
    assert again.report.targets[0].figures == found.report.targets[0].figures
    assert again.spec == found.spec


def test_a_report_survives_json(decay: Generated) -> None:
    restored = type(decay.report).from_dict(json.loads(json.dumps(decay.report.to_dict())))
    assert repr(restored) == repr(decay.report)


def test_a_report_of_another_shape_is_refused(decay: Generated) -> None:
    with pytest.raises(KeyError):
        type(decay.report).from_dict({**decay.report.to_dict(), "targets": [{}]})


def test_without_the_variable_nothing_is_kept(
    searches: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for value in (None, ""):
        monkeypatch.setenv("VJPGEN_CACHE", value) if value is not None else monkeypatch.delenv("VJPGEN_CACHE")
        generate("x*exp(y)", **SMALL)
    assert len(searches) == 2
    assert list(tmp_path.iterdir()) == []
    assert cache.default().folder == tmp_path / "vjpgen"


def test_the_variable_names_the_folder(
    searches: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VJPGEN_CACHE", str(tmp_path / "here"))
    for _ in range(2):
        generate("x*exp(y)", **SMALL)
    generate("x*exp(y)", **SMALL, cache=False)
    assert len(searches) == 2
    assert len(list((tmp_path / "here").iterdir())) == 1


@pytest.mark.parametrize("size", ["big", "-1", "1.5", "9" * 10, "²"])
def test_a_size_that_is_none(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VJPGEN_CACHE_SIZE", size)
    with pytest.raises(OptionError, match="VJPGEN_CACHE_SIZE is a number of megabytes"):
        cache.default()
