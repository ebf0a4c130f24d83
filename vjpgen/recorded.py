"""What a generated module says of itself, read from its text: nothing in it is imported or run."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vjpgen import digest, files, headers
from vjpgen.errors import FileRefused, InputError
from vjpgen.headers import Anything, Asked, Options
from vjpgen.integral import Integral
from vjpgen.parse import parse
from vjpgen.places import suite_of
from vjpgen.settings import How
from vjpgen.spec import Spec

_MOST = 1 << 24  # bytes of a file
_AGAIN = "To generate it again:"
_FIGURES = re.compile(
    r"(?P<label>[^:]+): at most (?P<most>[\d.e+]+) ulp, 99% within [\d.e+]+, mean (?P<bits>[\d.]+) bits,"
    r" over (?P<points>\d+) \w+ points of "
)
_MISSED = re.compile(
    r"(?:missed: )?(?P<label>[^:]+): (?P<off>\d+) of \d+ (?:points are )?more than \d+ ulp off, "
)
_MODULE = re.compile(r'^MODULE = Path\(__file__\)\.resolve\(\)\.parent / (".*")$', re.M)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a docstring says of the accuracy of one target.

    Attributes:
        max_ulps, mean_bits: of results at `points` points.
        off: how many results were above the bar.
    """

    max_ulps: float
    mean_bits: float
    points: int
    off: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A generated module as its text describes it.

    Attributes:
        path: where it lies.
        text: its source.
        asked: what the command in its header asks for.
        closed: the formula that the module computes in place of the integral that it is; none elsewhere.
        command: that command, word by word.
        options: the same by the names of its options.
        untouched: whether the text is the one that was generated; None without a digest.
        disagreements: where the header, the command and the code say different things.
        stated: figures by target.
        alone: whether the module holds no other function.
    """

    path: Path
    text: str
    asked: Asked
    closed: Spec | None
    command: tuple[str, ...]
    options: Options
    untouched: bool | None
    disagreements: tuple[str, ...]
    stated: dict[str, Stated]
    alone: bool = True

    @property
    def spec(self) -> Anything:
        """The function."""
        return self.asked.spec

    @property
    def formula(self) -> Spec:
        """The same, where it is a formula.

        Raises:
            FileRefused: it is another function.
        """
        if not isinstance(self.spec, Spec):
            raise FileRefused(f"{self.path} computes no formula, so there is no choice in what it keeps")
        return self.spec

    @property
    def how(self) -> How:
        """How the command says that it was generated."""
        options = dict(self.options.pairs)
        given: dict[str, Any] = {k: options[f"--{k}"] for k in How.__slots__ if f"--{k}" in options}
        return How(**given | ({"order": int(given["order"])} if "order" in given else {}))

    @property
    def tests(self) -> Path:
        """Where the command says that the tests are, or else where they are by default."""
        given = self.options.get("--tests")
        if given is not None:
            return self.path.parent / given
        return suite_of(self.path, "" if self.alone else self.spec.name)


def functions(path: Path) -> tuple[str, ...]:
    """The names of the functions that the module in a file holds.

    Raises:
        FileRefused: as `read`.
    """
    return tuple(headers.name(command) for command in _commands(path, _opened(path)[2]))


def read(path: Path, function: str | None = None) -> Recorded:
    """What the module in a file says of itself, or of one of its functions.

    Args:
        path: the file.
        function: which, where it holds several.

    Raises:
        FileRefused: there is no such file, vjpgen did not generate it, or the function is not said, or not
            in it.
    """
    text, tree, header = _opened(path)
    commands = {headers.name(command): command for command in _commands(path, header)}
    if function is None and len(commands) > 1:
        raise FileRefused(f"{path} holds several functions, name one of them: {', '.join(commands)}")
    if function is not None and function not in commands:
        raise FileRefused(f"{path} holds no function {function}, but {', '.join(commands)}")
    command = commands[function] if function is not None else next(iter(commands.values()))
    options = headers.options(command)
    assert options is not None
    try:
        asked = headers.asked(options)
        body = next(
            (f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == asked.spec.name), None
        )
        said = "" if body is None else ast.get_docstring(body) or ""
        closed, both = _closed(asked, said), options.get("--mode") == "both"
    except InputError as error:
        raise FileRefused(f"{path}: the command in its header is refused: {error.message}") from None
    return Recorded(
        path,
        text,
        asked,
        closed,
        command,
        options,
        digest.untouched(text),
        tuple(_disagreements(_told(asked, closed), header, tuple(commands), body, both)),
        _stated(said),
        len(commands) == 1,
    )


def read_tests(path: Path, module: Recorded) -> Iterator[str]:
    """What keeps a test file from being that of a module, in sentences: none where it is.

    Raises:
        FileRefused: there is no such file, or vjpgen did not generate it.
    """
    text, _, header = _opened(path)
    if digest.untouched(text) is not True:
        yield f"{path} {changed(digest.untouched(text))}"
    title = " ".join(header.partition("\n\n")[0].split())
    if title != _told(module.asked, module.closed).tested:
        yield f"{path} tests another formula: {title.removeprefix('Tests of ')}"
    place = _MODULE.search(text)
    tested = None if place is None else path.parent / ast.literal_eval(place[1])
    if tested is None or tested.resolve() != module.path.resolve():
        yield f"{path} tests another file: {tested}"


def changed(untouched: bool | None) -> str:
    """What is wrong with a file whose digest does not hold."""
    if untouched is None:
        return "holds no digest: its last lines of the header are missing, or an older vjpgen wrote it"
    return "was changed after it was generated: its digest does not fit its text"


def _opened(path: Path) -> tuple[str, ast.Module, str]:
    """The text, its syntax tree and its docstring."""
    try:
        if path.stat().st_size > _MOST:
            raise FileRefused(f"{path} was not generated by vjpgen")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FileRefused(f"there is no file {path}") from None
    except OSError as error:
        raise FileRefused(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise FileRefused(f"{path} was not generated by vjpgen: it is not text in UTF-8") from None
    if not files.owned(text):
        raise FileRefused(f"{path} was not generated by vjpgen")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise FileRefused(f"{path} was changed by hand, and is no Python any more{line}") from None
    return text, tree, ast.get_docstring(tree) or ""


def _commands(path: Path, header: str) -> list[tuple[str, ...]]:
    """The words of each command in a header, one for each function."""
    if header.startswith("Tests of "):
        raise FileRefused(f"{path} holds the tests of a module; check the module itself")
    parts = header.partition(_AGAIN)[2].split("\n\n")
    try:
        found = [tuple(shlex.split(line)) for line in parts[1].splitlines()] if len(parts) > 1 else []
    except ValueError:
        found = []
    if not found or not all(map(headers.options, found)):
        raise FileRefused(f"{path} holds no command that vjpgen wrote: its header was changed by hand")
    return found


def _closed(asked: Asked, said: str) -> Spec | None:
    """The formula that an integral was found to be, as the docstring of its module gives it."""
    first = " ".join(said.partition("\n\n")[0].split())
    defined = f"{headers.call(asked.spec)} = "
    if not isinstance(asked.spec, Integral) or first == asked.said or not first.startswith(defined):
        return None
    spec = asked.spec
    return parse(first.removeprefix(defined), name=spec.name, args=spec.args, assume=spec.assume_text)


def _told(asked: Asked, closed: Spec | None) -> Asked:
    """What header and docstring say; of an integral in closed form, that."""
    return asked if closed is None else headers.of_formula(closed)


def _disagreements(
    asked: Asked, header: str, names: Sequence[str], body: ast.FunctionDef | None, both: bool
) -> Iterator[str]:
    """Where the title, the commands and the code name different functions."""
    spec = asked.spec
    title = " ".join(header.partition("\n\n")[0].split())
    if len(names) > 1 and not title.startswith(f"{', '.join(names)}: "):
        yield f"its title and its commands differ: {title} and {', '.join(names)}"
    elif len(names) == 1 and not title.startswith(f"{asked.title}, with "):
        yield f"its title and its command differ: {title} and {asked.title}"
    if body is None:
        yield f"it defines no function {spec.name}"
        return
    taken = tuple(a.arg for a in (*body.args.posonlyargs, *body.args.args))
    if taken != spec.args:
        yield f"{spec.name} takes ({', '.join(taken)}), its command says ({', '.join(spec.args)})"
    kind = "jvp" if both else "vjp"
    if [ast.unparse(d) for d in body.decorator_list] != [_decorator(spec, kind)]:
        yield f"{spec.name} is no jax.custom_{kind} function"
    said = " ".join((ast.get_docstring(body) or "").partition("\n\n")[0].split())
    if said != asked.said:
        yield f"the docstring of {spec.name} says {said}, its command {asked.said}"


def _decorator(spec: Anything, kind: str) -> str:
    return spec.decorator(kind) if isinstance(spec, Spec) else "jax.custom_vjp"


def _stated(docstring: str) -> dict[str, Stated]:
    """The figures in a function's docstring, by target."""
    section = next((p for p in docstring.split("\n\n") if p.startswith("Measured:")), "")
    lines = [" ".join(line.split()) for line in re.split(r"\n    (?=\S)", section)[1:]]
    off = {m["label"]: int(m["off"]) for m in map(_MISSED.match, lines) if m}
    return {
        m["label"]: Stated(float(m["most"]), float(m["bits"]), int(m["points"]), off.get(m["label"], 0))
        for m in map(_FIGURES.match, lines)
        if m
    }
