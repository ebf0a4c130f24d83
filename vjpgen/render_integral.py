"""An integral as the text of a Python module: a quadrature with fixed nodes, and Leibniz' rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vjpgen.doc import heading
from vjpgen.double_word import lower_words
from vjpgen.expr import Expr, rebuild, single_words, variables
from vjpgen.integral_doc import ZERO, Quadrature, documentation
from vjpgen.lowering import lower
from vjpgen.module_names import module_names
from vjpgen.naming import Names
from vjpgen.quadrature import KINDS, Rule, steps
from vjpgen.render import body, decorators_first, helpers_in, standard_imports, with_callees
from vjpgen.rule_text import RuleText
from vjpgen.statements import returned, unpack, without_unused
from vjpgen.templating import Templates


@dataclass(frozen=True, slots=True)
class Function:
    """One private function: what follows the name, header and body."""

    suffix: str
    signature: str
    returns: str
    documentation: str
    lines: tuple[str, ...]


def render_integral(found: Quadrature, command: str, folder: Path | None = None) -> str:
    """The module's source, formatted.

    Args:
        found: what is computed.
        command: the command that generates the module again.
        folder: a user's templates.

    Raises:
        TemplateRefused: they cannot be used.
    """
    templates = Templates(folder, body=body)
    spec, builder = found.spec, _Builder(found)
    statements = {
        "fwd": builder.fwd(), "bwd": builder.bwd(), "rule": builder.rule(), "value": builder.value(),
        "partials": builder.partials(),
    }  # fmt: skip
    integrands, places = builder.functions(), builder.places()
    quadrature = (*places, "_dw_sub( _dw_add( _dw_mul(" if found.words == 2 else "_two_sum(")
    used = [line for lines in statements.values() for line in lines]
    used += [line for function in integrands for line in function.lines]
    code = "\n".join((*used, *quadrature))
    helpers = decorators_first(with_callees(templates, helpers_in(code), "Array"))
    finite = len(spec.limits) == 2
    return templates.lay_out(
        templates.render(
            "integral.py.j2",
            header=heading(f"{spec.title}, with its derivative rules.", command),
            standard=list(dict.fromkeys(("functools", *standard_imports("\n".join((code, *helpers)))))),
            **builder.variables(documentation(found)),
            parameters=", ".join(f"{a}: Array" for a in spec.args),
            words=found.words,
            word="Pair" if found.words == 2 else "Array",
            integrands=integrands,
            places=places,
            finite=finite,
            low_moves=spec.low is not None and bool(variables(spec.low)),
            high_moves=spec.high is not None and bool(variables(spec.high)),
            share=" as shares of the range" if finite else "",
            rule_words=found.rule.words,
            nodes=_nodes(found.rule),
            helpers=helpers,
            **statements,
        )
    )


def _nodes(rule: Rule) -> tuple[str, ...]:
    if rule.kind == "legendre":
        return (
            f"x, w = np.polynomial.legendre.leggauss({rule.size})",
            f"distance, weight = (1 - x[{rule.size // 2} :]) / 2, w[{rule.size // 2} :] / 2",
        )
    first, last = steps(rule)
    q, distance, weight = KINDS[rule.kind].sources
    return (
        f"s = (np.arange({first}, {last}) + 0.5) / {rule.size}",
        f"q = {q}",
        f"distance, weight = {distance}, {weight} / {rule.size}",
    )


class _Builder(RuleText):
    """The functions of one module, statement by statement."""

    def __init__(self, found: Quadrature) -> None:
        self.found, self.spec = found, found.spec
        self.name, self.words = self.spec.name, found.words
        self.args = self.parameters = self.spec.args
        suffixes = (
            "value", "partials", "nodes", "integral", "integral_rule", "change", "linear", "linear_rule",
            "limits", "integrand", *(f"integrand_{a}" for a in self.args),
        )  # fmt: skip
        own = (f"_{self.spec.name}_{s}" for s in suffixes)
        self.names = Names((*module_names(self.spec.name), *own, "np", *self.spec.variables))
        pairs = list(zip(found.slopes, found.ends, strict=True))
        self.inner = [j for j, (slope, _) in enumerate(pairs) if slope is not ZERO]
        self.varying = [j for j, (slope, end) in enumerate(pairs) if slope is not ZERO or end is not ZERO]
        self.slots = [self.names.new(f"partial_{self.args[j]}") for j in self.varying]
        self.output = self.names.copy().new("value")
        self.word = "Pair" if self.words == 2 else "Array"
        self.summed = f"_{self.spec.name}_integral"

    def residuals_type(self) -> str:
        return f"tuple[{', '.join(self.kinds(len(self.args)))}]"

    def fwd(self) -> tuple[str, ...]:
        return (
            f"return {self.name}_jvp({', '.join(self.args)}), {unpack(self.kept(self.args), always=True)}",
        )

    def bwd(self) -> tuple[str, ...]:
        return self.pulled_back(self.args)

    def rule(self) -> tuple[str, ...]:
        return self.pushed_forward()

    def value(self) -> tuple[str, ...]:
        names, args = self.names.copy(), ", ".join(self.args)
        dtype = names.new("dtype")
        result = f"{self.summed}(_{self.spec.name}_integrand, *limits, *given)"
        return (
            f"{dtype} = jnp.result_type({args}, float)",
            f"{unpack(self.args)} = jnp.broadcast_arrays(*_widen({dtype}, {args}))",
            *self._given(),
            f"return _cast({result}{'[0]' if self.words == 2 else ''}, {dtype})",
        )

    def _given(self) -> list[str]:
        items = [f"({a}, jnp.zeros_like({a}))" for a in self.args] if self.words == 2 else list(self.args)
        return [f"given = {unpack(items, always=True)}", f"limits = _{self.spec.name}_limits(*given)"]

    def partials(self) -> tuple[str, ...]:
        if not self.slots:
            return ("return ()",)
        names, lines, results = self.names.copy(), list[str](), list[str]()
        closed = [self.found.ends[j] for j in self.varying if self._closed(j)]
        anchors = [dict(zip(self.args, a[1:], strict=True)) for a in self.found.anchors]
        block = lower(closed, names, anchors)
        texts = iter(block.results)
        for j in self.varying:
            text = ""
            if j in self.inner:
                text = f"{self.summed}(_{self.spec.name}_integrand_{self.args[j]}, *limits, *given)"
                text += "[0]" if self.words == 2 and self._closed_or_none(j) else ""
            if self._closed(j):
                shaped = self._shaped(self.found.ends[j], next(texts))
                text = f"{text} + {shaped}" if text else shaped
            elif self.found.ends[j] is not ZERO:
                name = f"_{self.spec.name}_ends_{self.args[j]}(*given)"
                text = f"_dw_add({text}, {name})[0]"
            results.append(text)
        needed = self.inner or any(not self._closed_or_none(j) for j in self.varying)
        lines = [f"{unpack(self.args)} = jnp.broadcast_arrays({', '.join(self.args)})"]
        return (*lines, *(self._given() if needed else ()), *block.lines, *returned(results, self.slots))

    def _closed(self, j: int) -> bool:
        """Whether what the limits contribute is computed in one word."""
        return self.found.ends[j] is not ZERO and (self.words == 1 or j not in self.inner)

    def _closed_or_none(self, j: int) -> bool:
        return self._closed(j) or self.found.ends[j] is ZERO

    def _shaped(self, e: Expr, text: str) -> str:
        if variables(e):
            return f"({text})" if " " in text else text
        return f"jnp.full_like({self.args[0]}, {text})"

    def places(self) -> tuple[str, ...]:
        """Where the integrand is looked at for one node."""
        low, high = (e is not None for e in (self.spec.low, self.spec.high))
        finite = low and high
        found = []
        if self.words == 2:
            step = "_dw_mul(width, distance)" if finite else "distance"
            if low or not high:
                found.append(f"_dw_add(low, {step})")
            if high or not low:
                found.append(f"_dw_sub(high, {step})")
        else:
            step = "(high - low) * distance[0]" if finite else "distance[0]"
            found += [f"low + {step}"] if low or not high else []
            found += [f"high - {step}"] if high or not low else []
        return tuple(found)

    def functions(self) -> list[Function]:
        """The limits, the integrand and its partials."""
        found = [self._limits()]
        found.append(self._integrand("integrand", self.found.integrand, "What is integrated."))
        for j in self.inner:
            about = f"Its partial by {self.args[j]}."
            found.append(self._integrand(f"integrand_{self.args[j]}", self.found.slopes[j], about))
        for j in self.varying:
            if not self._closed_or_none(j):
                lines, results = lower_words([_plain(self.found.ends[j])], self.names.copy(), self.args[0])
                about = f"What the limits contribute to the partial by {self.args[j]}."
                signature = ", ".join(f"{a}: Pair" for a in self.args)
                found.append(
                    Function(
                        f"ends_{self.args[j]}", signature, "Pair", about, (*lines, f"return {results[0]}")
                    )
                )
        return found

    def _limits(self) -> Function:
        signature = ", ".join(f"{a}: {self.word}" for a in self.args)
        ends = [ZERO if e is None else e for e in (self.spec.low, self.spec.high)]
        names, like = self.names.copy(), self.args[0]
        lines: tuple[str, ...]
        results: Sequence[str]
        if self.words == 2:
            lines, results = lower_words(ends, names, like)
        else:
            block = lower(ends, names, None)
            lines = block.lines
            results = [
                text if variables(e) else f"jnp.full_like({like}, {text})"
                for e, text in zip(ends, block.results, strict=True)
            ]
        about = "The limits of integration" + (
            "." if len(self.spec.limits) == 2 else "; 0 for an infinite one."
        )
        last = f"return {', '.join(results)}"
        return Function("limits", signature, f"tuple[{self.word}, {self.word}]", about, (*lines, last))

    def _integrand(self, suffix: str, e: Expr, about: str) -> Function:
        names, like = self.names.copy(), self.spec.variable
        signature = ", ".join(f"{v}: {self.word}" for v in self.spec.variables)
        if self.words == 2:
            lines, results = lower_words([_plain(e)], names, like)
            text = results[0]
        else:
            anchors = [dict(zip(self.spec.variables, a, strict=True)) for a in self.found.anchors]
            block = lower([e], names, anchors)
            lines, text = block.lines, block.results[0]
            text = text if variables(e) else f"jnp.full_like({like}, {text})"
        tail = self._guarded(text, names, lines)
        return Function(suffix, signature, self.word, about, tail)

    def _guarded(self, text: str, names: Names, lines: Sequence[str]) -> tuple[str, ...]:
        """With nothing where a node falls on a limit at which the integrand is infinite."""
        if not any(self.found.singular):
            return (*lines, f"return {text}")
        value, t = names.new("value"), self.spec.variable
        high, first = ("[0]", f"{value}[0]") if self.words == 2 else ("", value)
        ends = [
            f"{limit}{high}"
            for limit, sharp in zip(("low", "high"), self.found.singular, strict=True)
            if sharp
        ]
        limits = f"low, high = _{self.spec.name}_limits({', '.join(self.args)})"
        there = " | ".join(f"({t}{high} == {e})" for e in ends)
        kept = f"jnp.where(({there}) & ~jnp.isfinite({first}), 0.0, {{}})"
        if self.words == 2:
            last = f"return {kept.format(f'{value}[0]')}, {kept.format(f'{value}[1]')}"
        else:
            last = f"return {kept.format(value)}"
        return without_unused(names, (*lines, f"{value} = {text}", limits, last))


def _plain(e: Expr) -> Expr:
    """A form without words of its own choice, all of which will be double."""
    return rebuild(e, single_words)
