"""The report: one page that carries everything, asks for nothing, and shows what was measured."""

from __future__ import annotations

import gzip
import json
import re
import time
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from commanded import run
from vjpgen import extras, files, magic, page, paper, plots, reporting, settings
from vjpgen.errors import OptionError, TargetError
from vjpgen.parse import parse
from vjpgen.pipeline import Generated, generate
from vjpgen.survey import GENERATED, PLAIN, Survey, named, positions, survey

FORMULA = "where(x < 1 & x > -3, x*exp(x), x)"
LARGEST = 2_000_000
VOID = {"meta", "link", "br", "mspace"}


@pytest.fixture(scope="module")
def bump() -> Generated:
    return generate(FORMULA, name="bump", effort="low")


@pytest.fixture(scope="module")
def looked(bump: Generated) -> Survey:
    return survey(bump.spec, bump.module)


@pytest.fixture(scope="module")
def text(bump: Generated, looked: Survey) -> str:
    return page.page(bump.module, bump.report, looked, command=f"vjpgen report '{FORMULA}'")


class Outline(HTMLParser):
    """Tags with their attributes, and the text of each kind of element; unbalanced tags fail."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, attribute: str) -> list[str]:
        return [found[attribute] or "" for _, found in self.tags if attribute in found]


# the page


def test_it_is_well_formed_and_names_what_it_refers_to(text: str) -> None:
    outline = Outline(text)
    ids = outline.all("id")
    assert len(set(ids)) == len(ids)
    for attribute in ("aria-controls", "aria-labelledby", "data-plot"):
        assert set(outline.all(attribute)) <= set(ids)
    assert outline.texts["h2"][:2] == ["value", "d/dx"]
    assert len(outline.texts["math"]) >= 5


def test_it_asks_the_network_for_nothing(text: str) -> None:
    outline = Outline(text)
    policies = [a for tag, a in outline.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert (policies[0]["content"] or "").startswith("default-src 'none'; ")
    assert outline.all("src") == []
    assert outline.all("href") == ["data:,"]
    assert "@import" not in outline.texts["style"][0]
    assert "url(" not in outline.texts["style"][0]
    ours = text.replace(plots.script(), "")
    assert "http:" not in ours
    assert "https:" not in ours


def test_it_is_small(text: str) -> None:
    assert len(text.encode()) < LARGEST


@pytest.mark.thorough
def test_it_is_small_where_there_is_much_to_show() -> None:
    made = generate("(a*b*exp(-c), b*c + a, log(1 + a*a)*b*c)", name="many", effort="low")
    assert len(made.page().encode()) < LARGEST


def test_the_formula_is_data(text: str) -> None:
    outline = Outline(text)
    assert outline.texts["title"] == [f"bump(x) = {FORMULA}"]
    assert "x &lt; 1 &amp; x &gt; -3" in text
    assert "x < 1 & x > -3" not in text


def test_what_it_says_is_what_was_measured(text: str, bump: Generated, looked: Survey) -> None:
    outline = Outline(text)
    cells = outline.texts["td"]
    for q in looked.quantities:
        for c in looked.contenders:
            f = looked.figures(c, q)
            assert f"{f.mean_bits:.2f} bits" in cells
            for row in looked.worst(c, q):
                assert named("x", looked.exact.at[row]) in cells
                gap = looked.ulps(c, q)[row]
                assert ("not finite" if gap == 2.0**32 else f"{gap:,.0f}") in cells
    assert bump.module in outline.texts["pre"]
    facts = dict(zip(outline.texts["dt"], outline.texts["dd"], strict=True))
    assert facts["dtype"] == "float32"
    assert facts["seed"] == "0"
    assert facts["points"].startswith("2,048 drawn")
    assert facts["jax"] == dict(bump.report.versions)["jax"]
    assert facts["command"] == f"vjpgen report '{FORMULA}'"


def test_every_plot_has_its_place_its_words_and_its_data(text: str, looked: Survey) -> None:
    outline = Outline(text)
    places = {a["id"]: a for tag, a in outline.tags if a.get("class") == "plot"}
    found = re.findall(r'<script type="text/plain" class="plots">([^<]*)<', text)
    items = [json.loads(gzip.decompress(b64decode(packed))) for packed in found]
    assert {place for item in items for place in item} == set(places)
    assert {"q0-0-all", "q0-0-ordinary", "q0-0-curve", "q1-0-all"} <= set(places)
    assert all(a["role"] == "img" and a["aria-label"] for a in places.values())


def test_the_notebook_shows_it_in_a_frame(bump: Generated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Generated, "page", lambda self: '<p class="x">a & b</p>')
    shown = bump._repr_html_()
    assert shown is not None
    ((tag, found),) = Outline(shown).tags
    assert (tag, found["srcdoc"]) == ("iframe", '<p class="x">a & b</p>')
    without(monkeypatch, "bokeh")
    assert bump._repr_html_() is None


# the survey


def test_errors_are_those_of_the_results(looked: Survey) -> None:
    value, slope = looked.quantities
    assert [c.name for c in looked.contenders] == [GENERATED, PLAIN]
    for c in looked.contenders:
        assert looked.ulps(c, value).shape == (looked.drawn,)
        assert np.nanmax(looked.ulps(c, slope)) == looked.figures(c, slope).max_ulps
        worst = looked.worst(c, value)
        assert sorted(looked.ulps(c, value)[[*worst]])[::-1] == list(looked.ulps(c, value)[[*worst]])


def test_a_curve_stays_where_the_assumptions_hold() -> None:
    found = survey(parse("x*log(y)", assume=("y > 0", "x < y")), "def f(x, y):\n    return x\n")
    across, up = found.curves
    assert [name for name, _ in across.fixed] == ["y"]
    at, truth = found.exact.at, found.truth(found.quantities[0])
    for curve in (across, up):
        inside = (at[curve.rows, 0] < at[curve.rows, 1]) & (at[curve.rows, 1] > 0)
        assert (np.isfinite(truth[curve.rows]) == inside).all()
        assert inside.any()


def test_positions_count_floats() -> None:
    x = np.array([-1.0, -1e-30, 0.0, 1e-30, 1.0, 2.0], np.float32)
    assert (np.diff(positions(x)) > 0).all()
    assert positions(x)[-1] - positions(x)[-2] == 1
    assert positions(-x)[0] == positions(x)[4]


# pictures


def test_a_picture_is_vjpgens_own_and_the_same_every_time(looked: Survey) -> None:
    png, svg = paper.picture(looked, "png"), paper.picture(looked, "svg")
    assert png.startswith(b"\x89PNG")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert svg == paper.picture(looked, "svg")
    for picture in (png, svg):
        assert files.owned(picture.decode(errors="replace"))
        assert not files.owned(
            picture.replace(b"Generated by vjpgen", b"Drawn by somebody!!").decode(errors="replace")
        )


def test_a_page_of_the_users_is_kept(text: str) -> None:
    assert files.owned(text)
    assert not files.owned("<!doctype html>\n<title>Generated by vjpgen</title>\n")
    assert not files.owned("<!doctype html>\n<p>\n<!-- Generated by vjpgen -->\n")


# the commands


def without(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """As if a library were not installed."""
    find = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == library else find(name))


@pytest.mark.parametrize(
    ("library", "words"),
    [("bokeh", ()), ("pygments", ()), ("matplotlib", ("--plot", "f.svg"))],
)
def test_a_missing_library_is_named_before_any_work(
    library: str,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    without(monkeypatch, library)
    assert run("report", "x*y", *words) == 2
    shown = capsys.readouterr().err
    assert f"needs {library}, which the plain installation leaves out\npip install 'vjpgen[report]'" in shown
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["report"], 2, 'Try "vjpgen report --help"'),
        (["report", "x", "-o", "x.htm"], 2, "-o x.htm does not end in .html\nname it x.html"),
        (["report", "x", "-o", "."], 2, "-o . is a folder"),
        (["report", "x", "-o", "no/x.html"], 1, "there is no folder no"),
        (
            ["report", "x", "-o", "mine.html"],
            1,
            "mine.html was not generated by vjpgen; --force overwrites it",
        ),
        (["report", "x", "--plot", "x.pdf"], 2, "--plot x.pdf does not end in .png or .svg"),
        (["report", "x", "--beside", "nowhere"], 2, "write package.module:function"),
        (["report", "sgmoid(x)"], 2, "did you mean sigmoid?"),
        (["report", "x", "--seed", "-1"], 2, "--seed"),
        (["x", "-o", "x.py", "--report", "x.py"], 2, "--report x.py does not end in .html"),
        (["--inverse", "exp(x)", "--plot", "x.svg"], 2, "--plot does not go with --inverse"),
        (
            ["--external", "os:getpid", "--args", "x", "--report", "x.html"],
            2,
            "--report does not go with --external",
        ),
    ],
)
def test_refusals_leave_every_file_as_it_was(
    words: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.html").write_text("mine")
    assert run(*words) == status
    done = capsys.readouterr()
    assert message in done.err
    assert "Traceback" not in done.err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("mine.html", "mine")]


def test_the_command_writes_page_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("report", "-x*x", "--effort", "low", "-oproduct.html", "--plot", "p.svg") == 0
    assert "product(x) = -x*x    product.html, p.svg" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.svg", "product.html"]
    said = "vjpgen report &#39;-x*x&#39; --name product --args x --effort low -o product.html"
    assert said in Path("product.html").read_text()


def test_the_page_is_written_beside_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("--effort", "low", "--no-tests", "-o", "g.py", "--report", "g.html")
    assert run("x*x", *words) == 0
    assert "g(x) = x*x    g.py, g.html" in capsys.readouterr().out
    module = Path("g.py").read_text()
    assert module in Outline(Path("g.html").read_text()).texts["pre"]
    assert run("x*x", *words) == 0  # both are vjpgen's own to overwrite


@pytest.mark.parametrize(
    "words", [("report", "x", "-o", "f.html"), ("x", "-o", "f.py", "--report", "f.html")]
)
def test_the_time_limit_is_for_the_drawing_too(
    words: tuple[str, ...], bump: Generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vjpgen.pipeline.generate", lambda *given, **options: bump)
    monkeypatch.setattr("vjpgen.reporting.Pictures.draw", lambda *given, **options: time.sleep(60))
    assert run(*words, "--timeout", "0.5") == 3
    assert [*tmp_path.iterdir()] == []


def test_the_command_again() -> None:
    asked = reporting.Pictures(Path("a/x.html"), None, "m:f", 3)
    assert asked.command("vjpgen 'x < 1'") == "vjpgen report 'x < 1' --beside m:f --seed 3 -o x.html"
    assert reporting.Pictures().draw(None, print, settings.How()) == []  # type: ignore[arg-type]
    with pytest.raises(OptionError):
        reporting.pictures("x.html", None, seed=-1)
    with pytest.raises(TargetError):
        reporting.pictures("x.html", None, beside="f")


# notebooks


def test_the_cell_magic_defines_the_function() -> None:
    magics = {}
    shell = SimpleNamespace(
        user_ns={}, register_magic_function=lambda f, kind, name: magics.update({(kind, name): f})
    )
    magic.load_ipython_extension(shell)
    made = magics["cell", "vjpgen"]("twice --effort low --args y,x --assume 'x > 0'", "x*2*y\n")
    assert (made.spec.args, made.spec.assume_text) == (("y", "x"), ("x > 0",))
    assert float(shell.user_ns["twice"](3.0, 2.0)) == 12.0
    with pytest.raises(OptionError, match="forward rule"):
        magics["cell", "vjpgen"]("f --effort low --mode jvp --grad-clip y=-1:1", "x*2*y")
    assert magics["cell", "vjpgen"]("--help", "") is None


def test_the_extension_is_found_where_ipython_looks() -> None:
    import vjpgen

    assert vjpgen.load_ipython_extension is magic.load_ipython_extension
