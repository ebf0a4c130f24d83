"""What a generated module says of itself, read from its text: nothing in it is imported or run."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vjpgen import digest, files
from vjpgen.errors import FileRefused, InputError
from vjpgen.names import split_names
from vjpgen.parse import parse
from vjpgen.passing import worded as passed
from vjpgen.places import suite_of
from vjpgen.settings import How
from vjpgen.spec import Spec
from vjpgen.wishes import worded

_MOST = 1 << 24  # bytes of a file
_AGAIN = "To generate it again:"
_ONCE = ("--name", "--args", "--effort", "--prefer", "--residuals", "--templates", "-o", "--tests")
_SEVERAL = ("--assume", "--grad", "--surrogate", "--stop", "--grad-scale", "--grad-clip", "--grad-mask",
            "--nondiff", "--static", "--param", "--outputs")  # fmt: skip
_FIGURES = re.compile(
    r"(?P<label>[^:]+): at most (?P<most>[\d.e+]+) ulp, 99% within [\d.e+]+, mean (?P<bits>[\d.]+) bits,"
    r" over (?P<points>\d+) \w+ points of "
)
_MISSED = re.compile(r"(?P<label>[^:]+): (?P<off>\d+) of \d+ points are more than \d+ ulp off, ")
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
        spec: what the command in its header asks for.
        command: that command, word by word.
        untouched: whether the text is the one that was generated; None without a digest.
        disagreements: where the header, the command and the code say different things.
        stated: figures by target.
        alone: whether the module holds no other function.
    """

    path: Path
    text: str
    spec: Spec
    command: tuple[str, ...]
    untouched: bool | None
    disagreements: tuple[str, ...]
    stated: dict[str, Stated]
    alone: bool = True

    @property
    def how(self) -> How:
        """How the command says that it was generated."""
        options = dict(zip(self.command[2::2], self.command[3::2], strict=False))
        return How(**{k: options[f"--{k}"] for k in How.__slots__ if f"--{k}" in options})

    @property
    def tests(self) -> Path:
        """Where the command says that the tests are, or else where they are by default."""
        given = _given(self.command, "--tests")
        if given is not None:
            return self.path.parent / given
        return suite_of(self.path, "" if self.alone else self.spec.name)


def functions(path: Path) -> tuple[str, ...]:
    """The names of the functions that the module in a file holds.

    Raises:
        FileRefused: as `read`.
    """
    return tuple(_name(command) for command in _commands(path, _opened(path)[2]))


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
    commands = {_name(command): command for command in _commands(path, header)}
    if function is None and len(commands) > 1:
        raise FileRefused(f"{path} holds several functions, name one of them: {', '.join(commands)}")
    if function is not None and function not in commands:
        raise FileRefused(f"{path} holds no function {function}, but {', '.join(commands)}")
    command = commands[function] if function is not None else next(iter(commands.values()))
    if command[1] == "--external":
        raise FileRefused(f"{path} wraps a function outside JAX, and no formula: run its tests with pytest")
    spec = _spec(path, command)
    body = next((f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == spec.name), None)
    said = "" if body is None else ast.get_docstring(body) or ""
    return Recorded(
        path,
        text,
        spec,
        command,
        digest.untouched(text),
        tuple(_disagreements(spec, header, tuple(commands), body)),
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
    if title != f"Tests of {_defined(module.spec)}":
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
    if any(words[1:2] == ("--inverse",) or words[2:3] == ("--solve",) for words in found):
        raise FileRefused(f"{path} solves an equation, and computes no formula: run its tests with pytest")
    if not found or not all(map(_written, found)):
        raise FileRefused(f"{path} holds no command that vjpgen wrote: its header was changed by hand")
    return found


def _written(words: Sequence[str]) -> bool:
    """Whether vjpgen writes such a command."""
    if words[:2] == ("vjpgen", "--external"):
        return len(words) > 2
    known = all(w in _ONCE or w in _SEVERAL for w in words[2::2]) and not len(words) % 2
    once = all(words[2::2].count(w) <= 1 for w in _ONCE)
    return len(words) > 1 and words[0] == "vjpgen" and known and once


def _given(command: Sequence[str], option: str) -> str | None:
    return dict(zip(command[2::2], command[3::2], strict=False)).get(option)


def _name(command: Sequence[str]) -> str:
    """The function that a command generates."""
    default = command[2].rpartition(":")[2] if command[1] == "--external" else "f"
    return dict(pairwise(command)).get("--name", default)


def _spec(path: Path, command: Sequence[str]) -> Spec:
    options = list(zip(command[2::2], command[3::2], strict=True))

    def given(option: str) -> tuple[str, ...]:
        return tuple(value for name, value in options if name == option)

    try:
        wishes = worded(
            grad=given("--grad"),
            surrogate=given("--surrogate"),
            scale=given("--grad-scale"),
            clip=given("--grad-clip"),
            stop=given("--stop"),
            mask=given("--grad-mask"),
        )
        passing = passed(
            nondiff=given("--nondiff"),
            static=given("--static"),
            param=given("--param"),
            outputs=given("--outputs"),
        )
        return parse(
            command[1],
            name=next(iter(given("--name")), None),
            args=next((split_names(names) for names in given("--args")), None),
            assume=given("--assume"),
            wishes=wishes,
            passing=passing,
        )
    except InputError as error:
        raise FileRefused(f"{path}: the command in its header is refused: {error.message}") from None


def _defined(spec: Spec) -> str:
    return f"{spec.name}({', '.join(spec.args)}) = {' '.join(spec.text.split())}"


def _disagreements(
    spec: Spec, header: str, names: Sequence[str], body: ast.FunctionDef | None
) -> Iterator[str]:
    """Where the title, the commands and the code name different functions."""
    title = " ".join(header.partition("\n\n")[0].split())
    if len(names) > 1 and not title.startswith(f"{', '.join(names)}: "):
        yield f"its title and its commands differ: {title} and {', '.join(names)}"
    elif len(names) == 1 and not title.startswith(f"{_defined(spec)}, with "):
        yield f"its title and its command differ: {title} and {_defined(spec)}"
    if body is None:
        yield f"it defines no function {spec.name}"
        return
    taken = tuple(a.arg for a in (*body.args.posonlyargs, *body.args.args))
    if taken != spec.args:
        yield f"{spec.name} takes ({', '.join(taken)}), its command says ({', '.join(spec.args)})"
    if [ast.unparse(d) for d in body.decorator_list] != [spec.decorator("vjp")]:
        yield f"{spec.name} is no jax.custom_vjp function"
    said = " ".join((ast.get_docstring(body) or "").partition("\n\n")[0].split())
    if said != _defined(spec):
        yield f"the docstring of {spec.name} says {said}, its command {_defined(spec)}"


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
