"""Faults put into a generated module, one at a time, on its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SWAPPED_CALLS = {
    "exp": "expm1", "expm1": "exp", "log1p": "log", "log": "log1p", "sin": "cos", "cos": "sin",
    "sinh": "cosh", "cosh": "sinh", "tanh": "sinh", "sqrt": "square", "maximum": "minimum",
    "minimum": "maximum",
}  # fmt: skip
_JNP_ASARRAY = ast.Attribute(ast.Name("jnp", ast.Load()), "asarray", ast.Load())
_ONE = ast.Constant(1)
LIMITED = (
    "_bracketed",
    "_settled",
    "_integral",
    "_linear",
)  # helpers whose second and third arguments are limits
STRIPPED = {"_cast": 0, "_unbroadcast": 0}  # helper: which argument is left when its work is removed


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one fault.

    Attributes:
        kind: what was done.
        where: function and line of the original.
        source: the text of the module.
    """

    kind: str
    where: str
    source: str


Change = Callable[[ast.AST], ast.AST | None]


def mutants(source: str, name: str) -> list[Mutant]:
    """Every mutant of a generated module for the function `name`, in a fixed order, each text once."""
    tree = ast.parse(source)
    seen, found = {ast.unparse(tree)}, []
    for function in [f for f in tree.body if isinstance(f, ast.FunctionDef)]:
        for node in ast.walk(function):
            if isinstance(node, ast.expr | ast.Return | ast.Assign):
                for kind, replacement in _changes(node, function, name):
                    text = ast.unparse(ast.fix_missing_locations(_replaced(tree, node, replacement)))
                    if text not in seen:
                        seen.add(text)
                        found.append(Mutant(kind, f"{function.name}:{node.lineno}", text))
    return found


def _replaced(tree: ast.Module, target: ast.AST, replacement: ast.AST) -> ast.Module:
    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return replacement if node is target else self.generic_visit_copy(node)

        def generic_visit_copy(self, node: ast.AST) -> ast.AST:
            fresh = copy.copy(node)
            for field, value in ast.iter_fields(node):
                if isinstance(value, list):
                    setattr(fresh, field, [self.visit(v) if isinstance(v, ast.AST) else v for v in value])
                elif isinstance(value, ast.AST):
                    setattr(fresh, field, self.visit(value))
            return fresh

    found = Swap().visit(tree)
    assert isinstance(found, ast.Module)
    return found


def _changes(node: ast.AST, function: ast.FunctionDef, name: str) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.BinOp):
        yield from _arithmetic(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign flipped", node.operand
    elif isinstance(node, ast.Constant) and type(node.value) is float:
        yield from _constants(node)
    elif isinstance(node, ast.Compare) and not _about_shapes(function):
        yield from _comparisons(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield from _returns(node.value, function, name)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
        yield from _unpackings(node, function, name)


def _arithmetic(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    left, op, right = node.left, node.op, node.right
    if _counts(node):
        return
    if isinstance(op, ast.BitAnd | ast.BitOr):
        yield "condition dropped", left
        yield "condition dropped", right
    elif isinstance(op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
        yield "sign flipped", ast.BinOp(left, other, right)
        yield "term dropped", left
        yield "term dropped", right
    elif isinstance(op, ast.Mult):
        yield "factor dropped", left
        yield "factor dropped", right
    elif isinstance(op, ast.Div):
        yield "factor dropped", left
        yield "factor dropped", ast.BinOp(ast.Constant(1.0), op, right)
        yield "quotient inverted", ast.BinOp(right, op, left)
    elif isinstance(op, ast.Pow):
        yield "power dropped", left


def _counts(node: ast.BinOp) -> bool:
    """Whether the steps of a loop are counted here: without that it may have no end."""
    counted = ast.unparse(node.left) in ("count", "state[0]")
    return counted and isinstance(node.op, ast.Add) and isinstance(node.right, ast.Constant)


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    yield "constant changed", ast.Constant(value * 1.25 if value else 0.5)
    yield "sign flipped", ast.UnaryOp(ast.USub(), ast.Constant(value))


def _comparisons(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    turned = {ast.Lt: ast.Gt(), ast.Gt: ast.Lt(), ast.LtE: ast.GtE(), ast.GtE: ast.LtE()}
    kind = type(node.ops[0])
    if kind in turned:
        yield "branch inverted", ast.Compare(node.left, [turned[kind]], node.comparators)
    bound = node.comparators[0]
    if _number(bound) is not None:
        for factor in (4.0, 0.25, -1.0):
            moved = ast.BinOp(bound, ast.Mult(), ast.Constant(factor))
            yield "threshold moved far", ast.Compare(node.left, node.ops, [moved])


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    called = node.func
    if isinstance(called, ast.Name) and called.id in STRIPPED:
        yield "cast removed", node.args[STRIPPED[called.id]]
    if isinstance(called, ast.Name) and called.id == "_clip_cotangent":
        yield "clip removed", node.args[0]
    if isinstance(called, ast.Name) and called.id == "_widen":
        kept = ast.Tuple([ast.Call(_JNP_ASARRAY, [a], []) for a in node.args[1:]], ast.Load())
        yield "cast removed", kept
    limited = isinstance(called, ast.Name) and called.id.endswith(LIMITED) and len(node.args) >= 3
    if limited and not any(isinstance(a, ast.Starred) for a in node.args[:3]):
        first, low, high, *rest = node.args
        yield "limits exchanged", ast.Call(called, [first, high, low, *rest], node.keywords)
    if isinstance(called, ast.Attribute):
        yield from _iterations(called, node)
        if called.attr == "where" and len(node.args) == 3:
            yield "branch inverted", ast.Call(called, [node.args[0], node.args[2], node.args[1]], [])
            yield "branch lost", node.args[1]
            yield "branch lost", node.args[2]
        if called.attr in SWAPPED_CALLS:
            other = ast.Attribute(called.value, SWAPPED_CALLS[called.attr], ast.Load())
            if called.attr != "sqrt" or len(node.args) == 1:
                yield "function exchanged", ast.Call(other, node.args, node.keywords)
        if called.attr == "abs":
            yield "magnitude dropped", node.args[0]
        if called.attr == "astype":
            yield "cast removed", called.value
        if called.attr == "sum":
            yield "sum removed", called.value


def _iterations(called: ast.Attribute, node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    if called.attr == "while_loop":
        yield "stopped early", ast.Call(node.args[1], [node.args[2]], [])
    if called.attr == "fori_loop":
        low, _, *rest = node.args
        yield "stopped early", ast.Call(called, [low, ast.Constant(1), *rest], [])
        yield "stopped early", node.args[-1]
    if called.attr == "clip":
        yield "safeguard dropped", node.args[0]


def _returns(value: ast.expr, function: ast.FunctionDef, name: str) -> Iterator[tuple[str, ast.AST]]:
    what = _role(function, name)
    if what == "other":
        return
    if what == "fwd" and isinstance(value, ast.Tuple):
        output, residuals = value.elts
        for kind, changed in _exchanged(residuals, "residual swapped"):
            yield kind, ast.Return(ast.Tuple([output, changed], ast.Load()))
        for kind, changed in (*_exchanged(output, "outputs exchanged"), *_zeroed(output)):
            yield kind, ast.Return(ast.Tuple([changed, residuals], ast.Load()))
    elif what == "rule" and isinstance(value, ast.Tuple):
        output, tangents = value.elts
        for kind, changed in (*_exchanged(tangents, "tangents exchanged"), *_zeroed(tangents)):
            yield kind, ast.Return(ast.Tuple([output, changed], ast.Load()))
        for kind, changed in (*_exchanged(output, "outputs exchanged"), *_zeroed(output)):
            yield kind, ast.Return(ast.Tuple([changed, tangents], ast.Load()))
    else:
        kind = {"bwd": "cotangents exchanged", "partials": "partials exchanged"}.get(
            what, "outputs exchanged"
        )
        for what_kind, changed in (*_exchanged(value, kind), *_zeroed(value)):
            yield what_kind, ast.Return(changed)


def _exchanged(value: ast.expr, kind: str) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(value, ast.Tuple):
        for i in range(len(value.elts) - 1):
            elts = [*value.elts]
            elts[i], elts[i + 1] = elts[i + 1], elts[i]
            yield kind, ast.Tuple(elts, ast.Load())


def _zeroed(value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    elts = value.elts if isinstance(value, ast.Tuple) else [value]
    for i, e in enumerate(elts):
        for kind, changed in (
            ("result replaced by zero", ast.BinOp(e, ast.Mult(), ast.Constant(0))),
            ("sign flipped", ast.UnaryOp(ast.USub(), e)),
            ("result replaced by one", ast.BinOp(ast.BinOp(e, ast.Mult(), ast.Constant(0)), ast.Add(), _ONE)),
        ):
            new = [*elts[:i], changed, *elts[i + 1 :]]
            yield kind, ast.Tuple(new, ast.Load()) if isinstance(value, ast.Tuple) else changed


def _unpackings(node: ast.Assign, function: ast.FunctionDef, name: str) -> Iterator[tuple[str, ast.AST]]:
    if _role(function, name) in ("bwd", "rule"):
        for _, changed in _exchanged(node.targets[0], ""):
            names = ast.Tuple(changed.elts, ast.Store())  # type: ignore[attr-defined]
            yield "residual swapped", ast.Assign([names], node.value)


def _role(function: ast.FunctionDef, name: str) -> str:
    roles = {
        f"{name}_fwd": "fwd", f"{name}_bwd": "bwd", f"{name}_jvp_rule": "rule", f"_{name}": "plain",
        name: "plain", f"{name}_jvp": "plain",
        f"_{name}_partials": "partials", f"_{name}_partials_at": "partials",
    }  # fmt: skip
    return roles.get(function.name, "other")


def _about_shapes(function: ast.FunctionDef) -> bool:
    return function.name in ("_cast", "_unbroadcast", "_widen", "_tangent")


def _number(node: ast.AST) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and type(node.value) is float else None
