"""The commands in headers of generated files: what they ask for, read by the command's own grammars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vjpgen import external, implicit, integral
from vjpgen.external import External
from vjpgen.implicit import Implicit
from vjpgen.integral import Integral
from vjpgen.names import split_names
from vjpgen.parse import parse
from vjpgen.passing import worded as passed
from vjpgen.spec import Spec
from vjpgen.system import System, read_system
from vjpgen.wishes import worded

_HEADS = ("--external", "--inverse", "--integral")
_EXTERNAL, _INVERSE, _INTEGRAL, _EQUATION, _FORMULA = "external", "inverse", "integral", "equation", "formula"
_ONCE = ("--name", "--args", "--effort", "--templates", "-o", "--tests")
_OWN = {  # of each kind: options that stand once, and options that may stand several times
    _FORMULA: (
        ("--prefer", "--residuals", "--order", "--mode"),
        ("--grad", "--surrogate", "--stop", "--grad-scale", "--grad-clip", "--grad-mask",
         "--nondiff", "--static", "--param", "--outputs"),
    ),
    _EQUATION: (("--solve", "--guess"), ()),
    _INVERSE: (("--inverse", "--guess"), ()),
    _INTEGRAL: (("--integral", "--over"), ()),
    _EXTERNAL: (("--external", "--call-dtype"), ("--grad", "--stop", "--missing", "--also")),
}  # fmt: skip
Anything = Spec | Implicit | System | Integral | External


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a command by their names, in order.

    Attributes:
        text: the formula or the equation; empty where an option gives it.
        kind: what is asked for, as `_OWN` calls it.
        pairs: every option with its value.
        flags: options without one.
    """

    text: str
    kind: str
    pairs: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]

    def all(self, option: str) -> tuple[str, ...]:
        """Every value of an option."""
        return tuple(value for name, value in self.pairs if name == option)

    def get(self, option: str) -> str | None:
        """The value of an option; None without it."""
        return next(iter(self.all(option)), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command asks for.

    Attributes:
        spec: the function.
        what: what it computes, in words.
        title: what the header of its module begins with.
        said: what its docstring begins with.
        tested: the title of its tests.
    """

    spec: Anything
    what: str
    title: str
    said: str
    tested: str


def options(command: Sequence[str]) -> Options | None:
    """The options of a command; None where it is none that vjpgen writes."""
    if len(command) < 2 or command[0] != "vjpgen":
        return None
    headed = command[1] in _HEADS
    text, rest = ("", command[1:]) if headed else (command[1], command[2:])
    kind = command[1].lstrip("-") if headed else _EQUATION if rest[:1] == ("--solve",) else _FORMULA
    flags = [w for w in rest if w == "--elementwise" and kind == _EXTERNAL]
    words = [w for w in rest if w not in flags]
    once, several = _OWN[kind]
    names = words[::2]
    if len(words) % 2 or not all(n in (*_ONCE, *once, *several, "--assume") for n in names):
        return None
    if any(names.count(n) > 1 for n in (*_ONCE, *once)):
        return None
    return Options(text, kind, tuple(zip(names, words[1::2], strict=True)), tuple(flags))


def name(command: Sequence[str]) -> str:
    """The function that a command generates."""
    default = command[2].rpartition(":")[2] if command[1] == "--external" else "f"
    return dict(pairwise(command)).get("--name", default)


def asked(given: Options) -> Asked:
    """What the options ask for.

    Raises:
        InputError: they are refused.
    """
    return _KINDS[given.kind](given)


def call(spec: Anything) -> str:
    """How the function is called."""
    return f"{spec.name}({', '.join(spec.args)})"


def of_formula(spec: Spec) -> Asked:
    """What the module of a formula says."""
    what = " ".join(spec.text.split())
    defined = f"{call(spec)} = {what}"
    return Asked(spec, what, defined, defined, f"Tests of {defined}")


def domain(spec: Anything) -> str:
    """Where the points lie, in words."""
    return " & ".join(spec.assume_text) or (
        "ordinary size" if isinstance(spec, External) else "all of float32"
    )


def _common(given: Options) -> dict[str, object]:
    args = given.get("--args")
    return {
        "name": given.get("--name"),
        "args": None if args is None else split_names(args),
        "assume": given.all("--assume"),
    }


def _formula(given: Options) -> Asked:
    wishes = worded(
        grad=given.all("--grad"),
        surrogate=given.all("--surrogate"),
        scale=given.all("--grad-scale"),
        clip=given.all("--grad-clip"),
        stop=given.all("--stop"),
        mask=given.all("--grad-mask"),
    )
    passing = passed(
        nondiff=given.all("--nondiff"),
        static=given.all("--static"),
        param=given.all("--param"),
        outputs=given.all("--outputs"),
    )
    spec = parse(given.text, wishes=wishes, passing=passing, **_common(given))  # type: ignore[arg-type]
    return of_formula(spec)


def _defined(spec: Implicit | System | Integral) -> Asked:
    what = spec.title.partition(" = ")[2]
    return Asked(spec, what, spec.title, spec.title, f"Tests of {spec.title}.")


def _equation(given: Options) -> Asked:
    unknown, common = given.get("--solve") or "", {**_common(given), "guess": given.get("--guess")}
    if "," in unknown:
        return _defined(read_system(given.text, unknown, **common))  # type: ignore[arg-type]
    return _defined(implicit.read_equation(given.text, unknown, **common))  # type: ignore[arg-type]


def _inverse(given: Options) -> Asked:
    text, common = given.get("--inverse") or "", _common(given)
    return _defined(implicit.read_inverse(text, guess=given.get("--guess"), **common))  # type: ignore[arg-type]


def _integral(given: Options) -> Asked:
    text, over = given.get("--integral") or "", given.get("--over") or ""
    return _defined(integral.read_integral(text, over, **_common(given)))  # type: ignore[arg-type]


def _external(given: Options) -> Asked:
    def divided(option: str) -> list[tuple[str, str]]:
        parts = (value.partition("=") for value in given.all(option))
        return [(before.strip(), after.strip()) for before, _, after in parts]

    spec = external.read(
        given.get("--external") or "",
        grad=divided("--grad"),
        also=divided("--also"),
        missing=divided("--missing"),
        stop=given.all("--stop"),
        elementwise=bool(given.flags),
        call_dtype=given.get("--call-dtype") or "float64",
        **_common(given),  # type: ignore[arg-type]
    )
    title = f"{call(spec)} = {spec.target}, a function outside JAX"
    said = f"{call(spec)} = {spec.target}({', '.join(spec.args)}), called on the host"
    return Asked(spec, str(spec.target), title, said, f"Tests of {title}.")


_KINDS: dict[str, Callable[[Options], Asked]] = {
    _FORMULA: _formula,
    _EQUATION: _equation,
    _INVERSE: _inverse,
    _INTEGRAL: _integral,
    _EXTERNAL: _external,
}
