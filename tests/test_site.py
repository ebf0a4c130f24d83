"""The documentation as a site: all pages are in it, links resolve, no page asks another host for anything.

Where mkdocs is installed (the extra `docs`) the site is built, with warnings as errors, or taken from the
folder that VJPGEN_SITE names.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
MADE = {"examples.md", "changelog.md"}  # by scripts/site_hooks.py
FETCHED = {"src", "srcset", "data", "poster", "action", "background"}  # whatever the element
LINKED = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "modulepreload",
    "manifest",
}
STYLE = re.compile(r"""url\(\s*["']?(\w+:)?//|@import""")


class Loader(yaml.SafeLoader):
    """mkdocs.yml without the tags that mkdocs knows."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def named(nav: Any) -> list[str]:
    """The pages of the navigation, in order."""
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in named(part)]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)
    return found


def test_every_page_is_in_the_navigation_once(config: dict[str, Any]) -> None:
    assert sorted(named(config["nav"])) == sorted({page.name for page in DOCS} | MADE)


def test_nothing_is_fetched_by_the_theme(config: dict[str, Any]) -> None:
    assert config["theme"]["font"] is False
    assert not {"repo_url", "extra_javascript"} & set(config)


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", t).strip().lower()) for t in titles}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not target.startswith("https://"):
            place, _, anchor = target.partition("#")
            found = (page.parent / place).resolve() if place else page
            assert found.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(found), f"{page.name}: {target}"


def test_the_first_page_has_the_commands_of_the_readme() -> None:
    fences = re.compile(r"^```sh (?:install|test)\n.*?^```$", flags=re.M | re.S)
    first, readme = (path.read_text() for path in (ROOT / "docs" / "index.md", ROOT / "README.md"))
    assert fences.findall(first) == fences.findall(readme)


def test_a_figure_is_what_its_script_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import figures

    assert (ROOT / "docs" / "figures" / "flow.svg").read_text() == figures.flow()


class Page(HTMLParser):
    """What an HTML page fetches, where it links to, and what it can be linked by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.linked: list[str] = []
        self.ids: set[str] = set()
        self.styles = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        self.fetched += [value for name, value in given.items() if name in FETCHED]
        self.styles += given.get("style", "")
        if tag == "link" and set(given.get("rel", "").split()) & LINKED:
            self.fetched.append(given["href"])
        elif tag == "a" and "href" in given:
            self.linked.append(given["href"])

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.styles += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built."""
    if "VJPGEN_SITE" in os.environ:
        return Path(os.environ["VJPGEN_SITE"])
    if not all(find_spec(name) for name in ("mkdocs", "material", "mkdocstrings", "latex2mathml")):
        pytest.skip("the site needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_built(site: Path) -> None:
    names = {page.stem for page in DOCS} | {Path(page).stem for page in MADE}
    assert names <= {path.stem for path in site.glob("*.html")}


def test_nothing_is_asked_of_another_host(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert not [f for f in page.fetched if urlsplit(f).netloc], path.name
        assert not STYLE.search(page.styles), path.name
        assert 'class="mermaid"' not in path.read_text()  # which the theme would fetch a program for
    for path in site.rglob("*.css"):
        assert not STYLE.search(path.read_text()), path.name


def test_what_is_fetched_and_linked_is_there(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the root of a server
            continue
        for target in [*page.fetched, *page.linked]:
            place = urlsplit(target)
            if place.scheme or place.netloc or target.startswith("#__"):
                continue
            found = (path.parent / unquote(place.path)).resolve() if place.path else path
            found = found / "index.html" if found.is_dir() else found
            assert found.exists(), f"{path.name}: {target}"
            if place.fragment and found in pages:
                assert unquote(place.fragment) in pages[found].ids, f"{path.name}: {target}"


def test_formulas_are_mathml_and_the_reference_is_full(site: Path) -> None:
    assert (site / "index.html").read_text().count("<math") == 1
    assert "```" not in "".join(path.read_text() for path in site.glob("*.html"))
    assert "arithmatex" not in "".join(path.read_text() for path in site.glob("*.html"))
    reference = (site / "api.html").read_text()
    import vjpgen

    for name in vjpgen.__all__:
        assert f"{name}" in reference, name
    assert "<code>timeout</code>" in reference
