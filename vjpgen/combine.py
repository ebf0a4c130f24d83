"""Several generated modules as one: imports united, helpers that they share written once."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from vjpgen import __version__
from vjpgen.doc import escape, one_line, wrapped
from vjpgen.errors import OptionError
from vjpgen.templating import sorted_imports, tidy


@dataclass(frozen=True, slots=True)
class Part:
    """A statement at the top of a module.

    Attributes:
        names: what it defines.
        gap: empty lines above it.
        text: its source, with the comments above it.
        node: its syntax tree.
        helps: whether it belongs to no function in particular.
    """

    names: tuple[str, ...]
    gap: int
    text: str
    node: ast.stmt
    helps: bool = False


def combined(modules: Sequence[tuple[str, str, str]]) -> str:
    """The source of one module that defines all of the functions.

    Private names that stand for different things are numbered.

    Args:
        modules: for each function its name, the source of its module, and the command that generates it.

    Raises:
        OptionError: two of the functions, or what they import, define the same name.
    """
    imports: list[str] = []
    bound: dict[str, tuple[str, ...]] = {}
    parts: list[Part] = []
    for name, source, _ in modules:
        lines, found = _read(_apart(source, parts))
        imports += lines
        for alias, what in (pair for line in lines for pair in _imported(line)):
            if bound.setdefault(alias, what) != what:
                raise _clash(f"import {alias} from two places")
        parts = _joined(parts, _marked(found, name))
    _distinct(parts, bound)
    parts.sort(key=lambda part: part.helps)  # what they may share comes last
    body = "".join("\n" * (1 + part.gap) + part.text for part in parts)
    code = "\n".join(["from __future__ import annotations", "", *dict.fromkeys(imports), body, ""])
    return tidy(f'"""{_header(modules)}\n"""\n\n{sorted_imports(code)}')


def _read(source: str) -> tuple[list[str], list[Part]]:
    """The import statements and the other statements of a generated module, its docstring left out."""
    lines, tree = source.splitlines(), ast.parse(source)
    imports, parts, end = [], [], tree.body[0].end_lineno or 0
    for node in tree.body[1:]:
        last = node.end_lineno or node.lineno
        above = lines[end:last]
        gap = next(k for k, line in enumerate(above) if line.strip())
        text, end = "\n".join(above[gap:]), last
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(ast.unparse(node))
        else:
            parts.append(Part(_defined(node), gap, text, node))
    return imports, parts


def _defined(node: ast.stmt) -> tuple[str, ...]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return (node.name,)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return tuple(n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name))


def _apart(source: str, before: Sequence[Part]) -> str:
    """The source with another number behind each private name that stands for something else already."""
    known = {name: part for part in before for name in part.names}
    own = {name: part for part in _read(source)[1] for name in part.names}
    clashes = [n for n in own if n.startswith("_") and n in known and not _same(own[n], known[n])]
    for name in clashes:
        number = 2
        while f"{name}_{number}" in known or f"{name}_{number}" in own:
            number += 1
        source = re.sub(rf"(?<![\w.]){name}\b", f"{name}_{number}", source)
    return source


def _same(one: Part, other: Part) -> bool:
    """Whether two parts are the same but for the annotations of parameters, which run nothing."""
    return _bare(one.node) == _bare(other.node)


def _bare(node: ast.stmt) -> str:
    if not isinstance(node, ast.FunctionDef):
        return ast.dump(node)
    copy = ast.parse(ast.unparse(node)).body[0]
    assert isinstance(copy, ast.FunctionDef)
    for argument in (*copy.args.args, *copy.args.kwonlyargs):
        argument.annotation = None
    return ast.dump(copy)


def _marked(parts: Sequence[Part], name: str) -> Iterator[Part]:
    """The parts of a module, marked whether they belong to its function or help it."""
    helps = False
    for part in parts:
        if part.names:  # a statement without a name belongs to what stands above it
            helps = all(n.startswith("_") and not f"{n}_".startswith(f"_{name}_") for n in part.names)
        yield replace(part, helps=helps)


def _joined(before: Sequence[Part], more: Iterable[Part]) -> list[Part]:
    """All parts, those that both have once."""
    known = {_bare(part.node): k for k, part in enumerate(before)}
    found = [*before]
    for part in more:
        k = known.get(_bare(part.node))
        if k is None:
            found.append(part)
        elif found[k].text != part.text:
            found[k] = _widened(found[k], part)
    return found


def _widened(one: Part, other: Part) -> Part:
    """A function whose parameters may be what they are in either of two."""
    assert isinstance(one.node, ast.FunctionDef)
    assert isinstance(other.node, ast.FunctionDef)
    node = ast.parse(one.text).body[0]
    assert isinstance(node, ast.FunctionDef)
    text, shift = one.text.splitlines(), Counter[int]()
    for a, b in zip(node.args.args, other.node.args.args, strict=True):
        if a.annotation is None or b.annotation is None:
            continue
        own, more = ast.unparse(a.annotation), ast.unparse(b.annotation)
        if more not in own.split(" | "):
            row, end = (a.annotation.end_lineno or 1) - 1, a.annotation.end_col_offset or 0
            end += shift[row]
            text[row] = f"{text[row][:end]} | {more}{text[row][end:]}"
            shift[row] += len(more) + 3
    source = "\n".join(text)
    return replace(one, text=source, node=ast.parse(source).body[0])


def _distinct(parts: Sequence[Part], bound: Collection[str]) -> None:
    counted = Counter(name for part in parts for name in part.names)
    for name, count in counted.items():
        if count > 1:
            raise _clash(f"define {name} twice")
        if name in bound:
            raise _clash(f"define {name}, which it imports")


def _clash(what: str) -> OptionError:
    return OptionError(f"the module would {what}", hint="let one of the functions have a module of its own")


def _imported(line: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each name that an import binds, and what to."""
    (node,) = ast.parse(line).body
    assert isinstance(node, ast.Import | ast.ImportFrom)
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (node.module or "", alias.name)
        else:
            top = alias.name.partition(".")[0]
            yield alias.asname or top, (alias.name if alias.asname else top,)


def _header(modules: Sequence[tuple[str, str, str]]) -> str:
    names = ", ".join(name for name, _, _ in modules)
    commands = [f"    {one_line(command)}" for _, _, command in modules]
    made = f"Generated by vjpgen {__version__}; do not edit. To generate it again: vjpgen build. It holds"
    return escape(
        "\n\n".join(
            [wrapped(f"{names}: functions with their derivative rules.", "    "), made, "\n".join(commands)]
        )
    )
