"""The templates' environment and the formatter."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from vjpgen.errors import InternalError
from vjpgen.render_tests import TEMPLATE
from vjpgen.template_files import templates_root
from vjpgen.templating import Templates, foreseen, tidy


@pytest.mark.checkout
def test_every_template_in_the_repository_is_found_and_parses(root: Path) -> None:
    names = sorted(str(p.relative_to(root / "templates")) for p in (root / "templates").rglob("*.j2"))
    assert "module.py.j2" in names
    jinja = Templates().jinja
    assert jinja.loader is not None
    for name in names:
        source, *_ = jinja.loader.get_source(jinja, name)
        jinja.parse(source, name)


@pytest.mark.checkout
def test_templates_come_from_this_copy(root: Path) -> None:
    assert Path(str(templates_root())).parent in (root, root / "vjpgen")


def test_undefined_names_raise() -> None:
    with pytest.raises(jinja2.UndefinedError):
        Templates().jinja.from_string("{{ missing }}").render()


def test_html_is_escaped_and_python_is_not() -> None:
    jinja = Templates().jinja.overlay()
    jinja.loader = jinja2.DictLoader(dict.fromkeys(("a.html.j2", "a.py.j2"), "{{ x }}"))
    assert [jinja.get_template(name).render(x="<") for name in ("a.html.j2", "a.py.j2")] == ["&lt;", "<"]


def test_blocks_leave_no_blank_lines_and_the_last_newline_stays() -> None:
    template = Templates().jinja.from_string(
        "{% for x in xs %}\n    {% if x %}\n{{ x }}\n    {% endif %}\n{% endfor %}\n"
    )
    assert template.render(xs=[1, 0, 2]) == "1\n2\n"


def test_an_unknown_template_raises_its_name() -> None:
    with pytest.raises(jinja2.TemplateNotFound, match="nothing"):
        Templates().jinja.get_template("nothing.py.j2")


def test_a_template_and_what_it_includes_are_compiled_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    jinja = Templates().jinja
    jinja.cache.clear()
    with foreseen(TEMPLATE):
        pass
    monkeypatch.setattr(jinja2.Environment, "compile", None)  # nothing is left to compile
    assert jinja.get_template(TEMPLATE).name == TEMPLATE
    assert jinja.get_template("tests/exact.py.j2").name == "tests/exact.py.j2"


def test_tidy_lays_out_with_ruffs_defaults() -> None:
    assert tidy("x = { 'a':1 }") == 'x = {"a": 1}\n'
    call = f"f({', '.join(['argument'] * 9)})"
    assert all(len(line) <= 88 for line in tidy(call).splitlines())
    assert "\n" in tidy(call).rstrip()


def test_tidy_ignores_settings_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text(
        'line-length = 20\nindent-width = 2\n[format]\nquote-style = "single"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUFF_OUTPUT_FORMAT", "nonsense")
    assert tidy("if x:\n  y = 'a'\n") == 'if x:\n    y = "a"\n'


def test_tidy_keeps_text_that_is_tidy_already() -> None:
    once = tidy("def f( a,b ):\n  return '\u03bb'\n")
    assert tidy(once) == once
    assert "\u03bb" in once


def test_tidy_names_what_ruff_refuses() -> None:
    with pytest.raises(InternalError, match=r"generated\.py"):
        tidy("def f(:\n")
