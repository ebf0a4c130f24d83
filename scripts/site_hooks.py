"""What mkdocs does for this site beside its plugins; named in mkdocs.yml.

Pages that exist elsewhere in the repository (the changelog, the examples with what they print) become pages
of the site, links to them lead there, and formulas between dollars become MathML, so that no page needs a
program or a font to show them.
"""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = "examples.md"
CHANGELOG = "changelog.md"
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', flags=re.S)
_PAGE = re.compile(r"\bdocs/(\w+)\.md\b")


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Adds the pages that have no file of their own in docs/."""
    for place, text in ((EXAMPLES, examples()), (CHANGELOG, changelog())):
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links that leave docs/ lead to the pages made of what is there; a fence has its language alone."""
    markdown = re.sub(r"^```(\w+) \w+$", r"```\1", markdown, flags=re.M)
    markdown = re.sub(r"\]\(\.\./examples/(\w+)\.py\)", rf"]({EXAMPLES}#\1)", markdown)
    markdown = markdown.replace("](../examples/)", f"]({EXAMPLES})")
    return markdown.replace("](../CHANGELOG.md)", f"]({CHANGELOG})")


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Formulas as MathML; in what comes from docstrings, the names of pages as links."""
    if page.file.src_uri == "api.md":
        content = _PAGE.sub(r'<a href="\1.html">docs/\1.md</a>', content)
    return _FORMULA.sub(typeset, content)


def typeset(formula: re.Match[str]) -> str:
    """A formula as MathML."""
    display = "block" if formula[1] == "div" else "inline"
    return str(convert(html.unescape(formula[2]).strip(), display=display))


def changelog() -> str:
    """The changelog, with its links as seen from the site."""
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("](docs/", "](")


def examples() -> str:
    """Every program of examples/, with what it prints."""
    parts = ["# Examples\n\nPrograms of the folder `examples/`, and what each of them prints.\n"]
    for path in sorted((ROOT / "examples").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        about = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        printed = path.with_suffix(".out").read_text(encoding="utf-8")
        title = f"## {path.stem} {{ #{path.stem} }}\n\n{about}"
        parts.append(f"{title}\n\n```python\n{source}```\n\nIt prints:\n\n```text\n{printed}```\n")
    return "\n".join(parts)
