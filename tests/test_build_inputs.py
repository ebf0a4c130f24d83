"""Formulas of a build that are not in its tables: what is read, what is refused, what is out of date."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from commanded import run
from vjpgen import build_config, build_inputs, lockfile, packaging
from vjpgen.errors import ConfigError, InputError

CORES = '(FPCore grown (x) (- (exp x) 1))\n(FPCore (x) :name "other" (* x x))\n'
MODEL = (
    "import jax.numpy as jnp\nfrom shapes import scale\n\n\ndef grown(x):\n    return jnp.exp(scale(x)) - 1\n"
)
SHAPES = "def scale(x):\n    return x\n"
GIVEN = {
    "expr": "exp(x) - 1",
    "latex": "e^x - 1",
    "srepr": "Add(exp(Symbol('x')), Integer(-1))",
    "fpcore": "cores.fpcore:grown",
    "function": "model:grown",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What formulas are read from; commands run elsewhere."""
    place = tmp_path / "project"
    place.mkdir()
    (place / "cores.fpcore").write_text(CORES)
    (place / "model.py").write_text(MODEL)
    (place / "shapes.py").write_text(SHAPES)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return place


def table(key: str, value: str, more: str = "") -> str:
    return f'[[function]]\n{key} = """{value}"""\noutput = "grown.py"\neffort = "low"\n{more}\n'


def digest(folder: Path, key: str, value: str) -> str:
    return build_inputs.digest({key: value}, folder)


def test_the_bytes_are_those_of_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in GIVEN.items():
        (folder / "vjpgen.toml").write_text(table(key, value))
        assert run("build", "--config", str(folder / "vjpgen.toml"), "--force") == 0
        built = [(folder / name).read_bytes() for name in ("grown.py", "test_grown.py")]
        with monkeypatch.context() as there:
            there.chdir(folder)
            words = (f"--{key}", value) if key in ("latex", "srepr") else (value,)
            assert run(*words, "-o", "grown.py", "--effort", "low") == 0
        assert built == [(folder / name).read_bytes() for name in ("grown.py", "test_grown.py")], key
        assert run("build", "--config", str(folder / "vjpgen.toml"), "--check") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (table("latex", "x", 'srepr = "x"'), "latex and srepr contradict each other"),
        (table("fpcore", "a.fpcore", 'external = "math:sin"'), "fpcore and external contradict each other"),
        (table("expr", "x", 'function = "model:grown"'), "expr and function contradict each other"),
        (table("name", "x"), "expr, latex, srepr, fpcore or function, a function outside JAX as external"),
        (table("expr", "cores.fpcore:grown"), "write fpcore = ..."),
        (table("expr", "(FPCore (x) x)"), "write fpcore = ..."),
        (table("expr", "model:grown"), "write function = ..."),
        ("[[function]]\nfpcore = 1\noutput = 'a.py'", "fpcore is text, not 1"),
    ],
)
def test_tables_that_are_refused(text: str, message: str, folder: Path) -> None:
    (folder / "vjpgen.toml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        build_config.read(folder / "vjpgen.toml")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("fpcore", "cores.fpcore", "name one of them: cores.fpcore:grown"),
        ("fpcore", "cores.fpcore:none", "there is no FPCore none in cores.fpcore"),
        ("fpcore", "none.fpcore", "cannot read none.fpcore"),
        ("fpcore", "x + 1", "is no FPCore"),
        ("function", "none:f", "there is no module none"),
        ("function", "none.py:f", "there is no file none.py"),
        ("function", "model:shrunk", "there is no shrunk in model"),
        ("latex", r"\sigma(x)", "may be a function or a factor"),
        ("srepr", "x", "is not read here"),
    ],
)
def test_formulas_that_cannot_be_read(key: str, value: str, message: str, folder: Path) -> None:
    with pytest.raises(InputError) as refused:
        build_inputs.generated({key: value}, folder, 60.0)
    assert message in str(refused.value)


def test_what_cannot_be_read_fails_in_its_table_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "vjpgen.toml").write_text(table("fpcore", "none.fpcore"))
    assert run("build", "--config", str(folder / "vjpgen.toml")) == 1
    assert "vjpgen.toml, function 1: cannot read none.fpcore: No such file" in capsys.readouterr().out
    assert not (folder / "grown.py").exists()


def test_an_fpcore_is_out_of_date_when_it_changes_and_not_when_another_does(folder: Path) -> None:
    before, cores = digest(folder, "fpcore", GIVEN["fpcore"]), folder / "cores.fpcore"
    cores.write_text("; a remark\n" + CORES.replace("* x x", "* x x x"))
    assert digest(folder, "fpcore", GIVEN["fpcore"]) == before
    cores.write_text(CORES.replace("(exp x) 1", "(exp x) 2"))
    assert digest(folder, "fpcore", GIVEN["fpcore"]) != before
    cores.unlink()
    assert digest(folder, "fpcore", GIVEN["fpcore"]) != before


@pytest.mark.parametrize("target", ["model:grown", "model.py:grown"])
def test_a_function_is_out_of_date_when_its_module_or_what_that_imports_changes(
    target: str, folder: Path
) -> None:
    before = digest(folder, "function", target)
    assert [path.name for path in build_inputs.files({"function": target}, folder)] == [
        "model.py",
        "shapes.py",
    ]
    (folder / "other.py").write_text("")
    assert digest(folder, "function", target) == before
    for name in ("model.py", "shapes.py"):
        text = (folder / name).read_text()
        (folder / name).write_text(text + "\n")
        assert digest(folder, "function", target) != before
        (folder / name).write_text(text.replace("\n", "\r\n"), newline="")
        assert digest(folder, "function", target) == before
    (folder / "model.py").unlink()
    assert digest(folder, "function", target) != before


def test_imports_are_followed_through_packages_and_nothing_is_run(folder: Path) -> None:
    package = folder / "net" / "layers"
    package.mkdir(parents=True)
    (folder / "net" / "__init__.py").write_text("raise SystemExit\n")
    (package / "__init__.py").write_text("from . import act\n")
    (package / "act.py").write_text(
        "from ..common import half\nfrom .act import f\nimport numpy, absent.part\n"
    )
    (folder / "net" / "common.py").write_text("this is no Python\n")
    found = build_inputs.files({"function": "net.layers.act:f"}, folder)
    assert {str(path.relative_to(folder)) for path in found} == {
        "net/__init__.py", "net/layers/__init__.py", "net/layers/act.py", "net/common.py"}  # fmt: skip


def test_a_function_of_a_library_is_read_from_its_module_alone(folder: Path) -> None:
    (found,) = build_inputs.files({"function": "json.decoder:scanstring"}, folder)
    assert found.name == "decoder.py"
    assert build_inputs.files({"function": "no function"}, folder) == ()
    assert build_inputs.files({"function": "builtins:abs"}, folder) == ()
    assert build_inputs.digest({"expr": "x"}, folder) == ""


def test_the_lock_says_what_changed_and_holds_no_path(folder: Path) -> None:
    (folder / "vjpgen.toml").write_text(table("fpcore", GIVEN["fpcore"]))
    project = build_config.read(folder / "vjpgen.toml")
    (module,) = project.modules
    for file in module.files:
        file.write_text("")
    lockfile.write(project.root, {"grown.py": lockfile.entry(project, module, {})})
    assert str(folder) not in (folder / "vjpgen.lock").read_text()
    assert lockfile.reasons(project, module, lockfile.read(project.root), {}) == []
    (folder / "cores.fpcore").write_text(CORES.replace("exp", "sin"))
    found = lockfile.reasons(project, module, lockfile.read(project.root), {})
    assert found == ["grown: what it is read from changed"]
    assert packaging.sources(folder)[-1] == folder / "cores.fpcore"


def test_make_and_ninja_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vjpgen import depfiles

    monkeypatch.chdir(folder)
    (folder / "vjpgen.toml").write_text(table("function", GIVEN["function"]))
    project = build_config.read(folder / "vjpgen.toml")
    depfiles.write(folder / "rule.d", project, project.modules)
    first = (folder / "rule.d").read_text().splitlines()[0]
    assert first == "grown.py test_grown.py: vjpgen.toml model.py shapes.py"


def test_a_project_that_moves_is_up_to_date(folder: Path) -> None:
    before = [digest(folder, key, GIVEN[key]) for key in ("fpcore", "function")]
    moved = folder.parent / "moved"
    shutil.move(folder, moved)
    assert [digest(moved, key, GIVEN[key]) for key in ("fpcore", "function")] == before
