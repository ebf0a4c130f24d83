"""A user's templates: they stand in for vjpgen's, and what is wrong with them is said by name and line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import meta

from commanded import run
from plain_forms import plain_forms
from vjpgen import build_config, lockfile, pipeline, recorded, template_files
from vjpgen.doc import draft
from vjpgen.errors import TemplateRefused
from vjpgen.parse import parse
from vjpgen.pipeline import Generated, generate
from vjpgen.render import render_module
from vjpgen.residuals import plan
from vjpgen.templating import Templates

CAST = '''def _cast(x: ArrayLike, dtype: DTypeLike) -> Array:
    """Ours."""
    return jnp.asarray(x, dtype)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours/support").mkdir(parents=True)
    return tmp_path / "ours"


def module_template() -> str:
    found = template_files.read("module.py.j2")
    assert found is not None
    return found


def made(folder: Path, name: str = "module.py.j2", text: str = "") -> str:
    """A module as the folder's templates make it, without a search."""
    (folder / name).write_text(text)
    p = plan(plain_forms("x*y"))
    return render_module(p, draft(p, command="vjpgen 'x*y'"), folder)


def test_a_template_stands_in_for_vjpgens_own(folder: Path) -> None:
    (folder / "_licence.j2").write_text("# Ours, by {{ name }}.\n")
    text = module_template().replace("import jax\n", '{% include "_licence.j2" %}\nimport jax\n', 1)
    (folder / "support/cast.py.j2").write_text(CAST)
    module = made(folder, text=text)
    assert "# Ours, by f.\nimport jax\n" in module
    assert '"""Ours."""' in module


def test_the_way_from_the_command_to_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "support/cast.py.j2").write_text(CAST)
    (folder.parent / "src").mkdir()
    words = ("--effort", "low", "--templates", "ours", "-o", "src/f.py", "--no-tests")
    assert run("x*y", *words) == 0
    text = (folder.parent / "src/f.py").read_text()
    assert "--templates ../ours -o f.py" in text
    assert '"""Ours."""' in text
    assert recorded.read(Path("src/f.py")).command[-4:] == ("--templates", "../ours", "-o", "f.py")


def test_other_templates_are_another_result(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searches: list[object] = []
    found = Generated(parse("x"), "", "", None)  # type: ignore[arg-type]
    monkeypatch.setattr(pipeline, "searched", lambda *given: searches.append(given) or found)
    monkeypatch.setattr(pipeline, "_recorded", lambda results, key, made: keys.append(key) or made)
    keys: list[str] = []
    for text in (CAST, CAST, CAST.replace("Ours", "Mine")):
        (folder / "support/cast.py.j2").write_text(text)
        generate("x", templates=folder)
    generate("x")
    assert len(searches) == 4
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("{{ name }}_fwd", "{{ nome }}_fwd"),
            r"module.py.j2, line \d\d: 'nome' is undefined\nthe variables of",
        ),
        (("{% endif %}", "{% endfi %}"), r"module.py.j2, line \d+: .*endfi"),
        (("{{ header }}", "{{ header | shout }}"), r"module.py.j2, line 1: No filter named 'shout'"),
        (("{{ header }}", "{{ header.__class__.mro() }}"), r"line 1: access to attribute '__class__'"),
        (("{{ header }}", "{{ 1 // 0 }}"), r"line 1: integer division or modulo by zero"),
        (("import jax\n", '{% include "../x.j2" %}\n'), r"module.py.j2.*x.j2"),
        (("return {{ plain_name }}", "return return"), "make no Python: ruff format refused"),
        (('"""{{ header }}', '"""Mine.'), r"no docstring with the header\nbegin it with"),
    ],
)
def test_templates_that_are_refused(change: tuple[str, str], message: str, folder: Path) -> None:
    with pytest.raises(TemplateRefused) as refused:
        made(folder, text=module_template().replace(*change, 1))
    assert re.search(message, str(refused.value)), str(refused.value)


def test_a_module_that_cannot_be_run_is_the_templates_fault(folder: Path) -> None:
    text = module_template().replace("import jax\n", "import jax\nraise ValueError('mine')\n", 1)
    (folder / "module.py.j2").write_text(text)
    with pytest.raises(TemplateRefused, match="cannot be run: ValueError: mine"):
        generate("x*y", effort="low", templates=folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("modul.py.j2", "stands in for no template of vjpgen's\ndid you mean module.py.j2?"),
        ("support/mine.py.j2", "A template that others include has a name that begins with _"),
        ("meant_formula.py.j2", "stands in for no template"),
        ("report/page.html.j2", "stands in for no template"),
        ("module.py", "holds no templates"),
        (None, "there is no folder of templates"),
    ],
)
def test_folders_that_are_refused(name: str | None, message: str, folder: Path) -> None:
    if name is not None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    with pytest.raises(TemplateRefused) as refused:
        generate("x", templates=folder if name is not None else folder / "none")
    assert message in str(refused.value)


def test_a_refusal_leaves_no_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("x*y", "--templates", "ours", "-o", "f.py") == 2
    assert "ours holds no templates" in capsys.readouterr().err
    assert not (folder.parent / "f.py").exists()


def test_a_build_is_out_of_date_when_its_templates_change(folder: Path) -> None:
    (folder / "support/cast.py.j2").write_text(CAST)
    tables = "[[function]]\nexpr = 'x'\noutput = 'f.py'\ntemplates = 'ours'\ntests = false\n"
    (folder.parent / "vjpgen.toml").write_text(tables)
    project = build_config.read(Path("vjpgen.toml"))
    assert project.templates == (folder / "support/cast.py.j2",)
    Path("f.py").write_text("")
    lock = lockfile.Lock({"f.py": lockfile.entry(project, project.modules[0], {})})
    assert lockfile.reasons(project, project.modules[0], lock, {}) == []
    (folder / "support/cast.py.j2").write_text(CAST + "\n")
    assert lockfile.reasons(project, project.modules[0], lock, {}) == ["f: templates changed"]


@pytest.mark.checkout
def test_the_variables_are_those_that_are_documented(root: Path) -> None:
    """The templates use what docs/templates.md lists, and it lists nothing else."""
    page = (root / "docs/templates.md").read_text()
    jinja = Templates(body=str).jinja
    assert jinja.loader is not None
    used: dict[str, set[str]] = {}
    for name in template_files.names():
        source = jinja.loader.get_source(jinja, name)[0]
        used.setdefault(heading(name), set()).update(meta.find_undeclared_variables(jinja.parse(source)))
    del used["meant_formula.py.j2"], used["report/"]  # nobody's to replace
    sections = re.findall(r"^## `([^`\n]*)`\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert {name: set(re.findall(r"^\| `(\w+)` \|", text, re.M)) for name, text in sections} == used


def heading(name: str) -> str:
    """The section of the page that is about a template."""
    parts = {f"tests_{kind}": kind for kind in ("external", "implicit", "integral", "system")} | {
        "tests": "module"
    }
    if "/" in name and (about := parts.get(name.partition("/")[0])):
        return f"test_{about}.py.j2"
    return f"{name.partition('/')[0]}/" if "/" in name else name
