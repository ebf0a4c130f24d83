"""An external function as the text of a Python module; `templates/` lays out what is made here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vjpgen.doc import closing, heading, table, wrapped
from vjpgen.dotted import Dotted, bindings
from vjpgen.expr import Expr, substitute, var, variables
from vjpgen.external import COMPLEX_STEP, DIFFERENCE, FORMULA, ZERO, Call, External
from vjpgen.lowering import lower
from vjpgen.module_names import module_names
from vjpgen.naming import Names
from vjpgen.printer import is_constant
from vjpgen.render import body, helpers_in, standard_imports, with_callees
from vjpgen.rule_text import RuleText
from vjpgen.statements import constant, returned, unpack, words
from vjpgen.templating import Templates

_HOST = ("push", "on_host", "difference", "complex_step", "called")
_CONVERT = {"float64": "np.float64", "float32": "np.float32", "same": ""}
_SLOPES = {DIFFERENCE: "_difference", COMPLEX_STEP: "_complex_step"}
_IN_WORDS = {
    ZERO: "none flows",
    DIFFERENCE: "central differences, extrapolated",
    COMPLEX_STEP: "a complex step",
}
_TAKES = {"float64": "float64", "float32": "float32", "same": "the dtype of the arguments"}


@dataclass(frozen=True, slots=True)
class Outside:
    """One function outside JAX as the module calls it.

    Attributes:
        alias: what gradients call it.
        name: its function in the module, on the host.
        text: its dotted name.
        source: the same as Python, after the module's imports.
    """

    alias: str
    name: str
    text: str
    source: str


def render_external(spec: External, command: str, folder: Path | None = None) -> str:
    """The module's source, formatted.

    Args:
        spec: what is wrapped.
        command: the command that generates the module again.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder, body=body)
    builder = _Builder(spec)
    functions = (builder.fwd(), builder.bwd(), builder.rule(), builder.partials())
    code = "\n".join(line for lines in functions for line in lines)
    like = "_Like" if builder.like else "Array"
    host = [name for name in _HOST if name in ("push", "on_host", "called") or f"_{name}(" in code]
    helpers = with_callees(templates, helpers_in(f"{code} _cast _widen _tangent"), like)
    helpers += [
        templates.render(
            f"external/{name}.py.j2", convert=_CONVERT[spec.call_dtype], elementwise=spec.elementwise
        ).strip()
        for name in host
    ]
    called = f"{spec.name}({', '.join(spec.args)})"
    return templates.lay_out(
        templates.render(
            "external.py.j2",
            header=heading(f"{called} = {spec.target}, a function outside JAX, with its gradient.", command),
            standard=standard_imports("\n".join((code, *helpers))),
            outside=builder.imports,
            **builder.variables(documentation(spec)),
            fwd=functions[0],
            bwd=functions[1],
            rule=functions[2],
            partials=functions[3],
            parameters=", ".join(f"{p}: Array" for p in builder.parameters),
            towards=words([spec.args[j] for j in builder.varying]) if builder.varying else "",
            target=builder.callees[0].name,
            callees=builder.callees,
            helpers=helpers,
        )
    )


def imported(spec: External, extra: Sequence[str] = ()) -> tuple[tuple[str, ...], dict[Dotted, str]]:
    """Import statements for the functions outside, and the source of each after them.

    Args:
        spec: what is wrapped.
        extra: further names that the file defines.
    """
    functions = list(dict.fromkeys((spec.target, *(name for _, name in spec.also))))
    return bindings(functions, (*module_names(spec.name), *spec.args, spec.output, "np", *extra))


class _Builder(RuleText):
    """The functions of one module, statement by statement."""

    def __init__(self, spec: External) -> None:
        self.spec, self.name, self.args, self.output = spec, spec.name, spec.args, spec.output
        self.imports, sources = imported(spec)
        own = (f"{spec.name}_jvp", f"_{spec.name}_value", f"_{spec.name}_partials")
        bound = {line.split()[-1].partition(".")[0] for line in self.imports}
        self.names = Names((*module_names(spec.name), *own, *spec.args, spec.output, "np", *bound))
        self.callees = tuple(
            Outside(alias, self.names.new(f"_outside_{alias}"), str(name), sources[name])
            for alias, name in ((spec.target.last, spec.target), *spec.also)
        )
        used = spec.used
        self.parameters = [a for a in (*spec.args, spec.output) if a in used] or [spec.args[0]]
        self.varying = [j for j, p in enumerate(spec.partials) if not is_constant(p.expr)]
        if not self.varying:
            self.parameters = []
        self.inputs = [a for a in spec.args if a in self.parameters]
        self.like = len(spec.args) > 1 and len(self.inputs) < len(spec.args)
        self.slots = [self.names.new(f"partial_{spec.args[j]}") for j in self.varying]

    def factors(self) -> list[str]:
        held = iter(self.slots)
        return [constant(p.expr) if is_constant(p.expr) else next(held) for p in self.spec.partials]

    def residuals_type(self) -> str:
        kinds = self.kinds(len(self.inputs))
        kinds += ["Array"] * (self.spec.output in self.parameters)
        kinds += ["_Like"] * (len(self.args) if self.like else 0)
        return f"tuple[{', '.join(kinds) or '()'}]"

    def fwd(self) -> tuple[str, ...]:
        out = self.spec.output
        items = self.kept(self.inputs)
        items += [out] * (out in self.parameters)
        items += [f"_Like.of({a})" for a in self.args if self.like]
        call = f"{out} = {self.spec.name}_jvp({', '.join(self.args)})"
        return (call, f"return {out}, {unpack(items, always=True)}")

    def bwd(self) -> tuple[str, ...]:
        names = self.names.copy()
        likes = {a: names.new(f"{a}_like") for a in self.args} if self.like else {a: a for a in self.args}
        held = [*self.parameters, *(likes.values() if self.like else ())]
        return self.pulled_back(held, names, likes)

    def rule(self) -> tuple[str, ...]:
        return self.pushed_forward("_push")

    def partials(self) -> tuple[str, ...]:
        """The body of the function that computes the partials that vary."""
        names, table, lines = self.names.copy(), dict[Expr, Expr](), list[str]()
        for c in self.spec.calls:
            block = lower([substitute(o, table) for o in c.operands], names, None)
            lines += block.lines
            slope = f"slope_{self.args[c.along]}"
            result = names.numbered(f"{c.callee}_") if c.way == FORMULA else names.new(slope)
            lines.append(f"{result} = {self._call(c, block.results)}")
            table[var(c.result)] = var(result)
        results: dict[int, str] = {}
        for some, anchors in self._apart():
            block = lower([substitute(self.spec.partials[j].expr, table) for j in some], names, anchors)
            lines += block.lines
            results.update(zip(some, block.results, strict=True))
        return (*lines, *returned([results[j] for j in self.varying], self.slots)) if self.varying else ()

    def _apart(self) -> Iterator[tuple[list[int], Sequence[Mapping[str, float]] | None]]:
        """Partials that were searched, whose choices are guarded, and those that stand as they were typed."""
        searched = [j for j in self.varying if j in self.spec.searched]
        if searched:
            yield searched, [dict(zip(self.args, a, strict=True)) for a in self.spec.anchors]
        typed = [j for j in self.varying if j not in self.spec.searched]
        if typed:
            yield typed, None

    def _call(self, c: Call, operands: Sequence[str]) -> str:
        callee = next(x for x in self.callees if x.alias == c.callee)
        given = list(operands)
        if not variables(*c.operands):
            given[0] = f"jnp.full_like({self.parameters[0]}, {given[0]})"
        if c.way != FORMULA:
            return f"_on_host({_SLOPES[c.way]}({callee.name}, {c.along}), {', '.join(given)})"
        if callee is self.callees[0]:
            return f"{self.spec.name}_jvp({', '.join(given)})"
        return f"_on_host({callee.name}, {', '.join(given)})"


def gradients(spec: External) -> Iterator[tuple[str, str]]:
    """(argument, where its gradient comes from), in words."""
    for a, p in zip(spec.args, spec.partials, strict=True):
        yield a, p.text or _IN_WORDS[p.way]


def kept(spec: External) -> str:
    """What is kept between the passes, in words."""
    builder = _Builder(spec)
    found = []
    if builder.inputs:
        found.append(f"the input{'s' if len(builder.inputs) > 1 else ''} {words(builder.inputs)}")
    if spec.output in builder.parameters:
        found.append(f"the output {spec.output}")
    return " and ".join(found) or "nothing"


def documentation(spec: External) -> str:
    """The function's docstring, without quotes and unindented."""
    top = f"{spec.name}({', '.join(spec.args)}) = {spec.target}({', '.join(spec.args)}), called on the host"
    where = [f"{spec.output} is the value"] if spec.output in spec.used else []
    where += [f"{alias} is {name}" for alias, name in ((spec.target.last, spec.target), *spec.also)
              if any(c.callee == alias and c.way == FORMULA for c in spec.calls)]  # fmt: skip
    parts = [wrapped(top, "    "), table("Gradient", list(gradients(spec)))]
    parts += [wrapped(f"In it {' and '.join(where)}.", "")] if where else []
    parts.append(
        wrapped(
            f"The function gets {takes(spec)}. Its results are rounded to the dtype of the arguments.", ""
        )
    )
    return "\n\n".join([*parts, *closing((), kept(spec), spec.assume_text)])


def takes(spec: External) -> str:
    """What the function outside is called with, in words."""
    if spec.elementwise:
        return "one Python float for each argument, point after point"
    return f"one-dimensional arrays of one length, in {_TAKES[spec.call_dtype]}, once for a whole batch"
