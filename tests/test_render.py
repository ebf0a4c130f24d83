"""The text of a generated module: its shape, its documentation, its cleanliness."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from plain_forms import build, module, plain_forms
from rarely import rarely
from vjpgen.doc import Doc, draft, readable
from vjpgen.expr import call, num, var, where
from vjpgen.forms import Forms, Plan, Residual
from vjpgen.module_names import _INSIDE_SUPPORT, SUPPORT
from vjpgen.render import render_module, render_plain
from vjpgen.residuals import plan
from vjpgen.spec import Spec
from vjpgen.templating import tidy

FORMULAS = {
    "softplus": "log(1+exp(x))",
    "logaddexp": "log(exp(x)+exp(y))",
    "polar": "(r*cos(t), r*sin(t))",
    "constant": "0*x + 3",
    "affine": "(x + 2*y, x, 5)",
    "one_output": "(x**2,)",
    "steps": "where(x < -5, exp(x), where(x < 3, log(7 + x), x**3))",
    "huber": "where(abs(r) <= d, r**2/2, d*(abs(r) - d/2))",
    "gaussian": "exp(-(x - m)**2/(2*s**2))/(s*sqrt(2*pi))",
    "shifted": "sin(x - y)",
    "special": "besselj(2, x)*besseli(0, x)*lambertw(y)",
    "troublesome": "lambda_*E + beta**2 - dtype*cotangent + y*partial_E + x_dot",
}


def text(name: str) -> str:
    p = plan(plain_forms(FORMULAS[name], name))
    return render_module(
        p, draft(p, command=f"vjpgen '{FORMULAS[name]}'", accuracy=("value: at most 1 ulp",))
    )


@pytest.fixture(scope="module", params=FORMULAS)
def generated(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The function's name and the module's text."""
    return request.param, text(request.param)


def functions(source: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def test_the_names_are_there(generated: tuple[str, str]) -> None:
    name, source = generated
    found = functions(source)
    assert {name, f"{name}_fwd", f"{name}_bwd", f"{name}_jvp", f"_{name}"} <= found.keys()
    assert [ast.unparse(d) for d in found[name].decorator_list] == ["jax.custom_vjp"]
    assert [ast.unparse(d) for d in found[f"{name}_jvp"].decorator_list] == ["jax.custom_jvp"]
    assert f"{name}.defvjp({name}_fwd, {name}_bwd)" in source
    assert f"@{name}_jvp.defjvp" in source


def test_fwd_calls_the_plain_implementation(generated: tuple[str, str]) -> None:
    """fwd that called the custom_vjp function itself would have no Hessian."""
    name, source = generated
    called = {
        ast.unparse(c.func) for c in ast.walk(functions(source)[f"{name}_fwd"]) if isinstance(c, ast.Call)
    }
    assert f"_{name}" in called
    assert name not in called


def test_it_depends_on_jax_alone(generated: tuple[str, str]) -> None:
    imported = set()
    for node in ast.walk(ast.parse(generated[1])):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported <= {"__future__", "dataclasses", "functools", "math", "jax"}


def test_everything_is_documented_and_annotated(generated: tuple[str, str]) -> None:
    for node in functions(generated[1]).values():
        assert ast.get_docstring(node), node.name
        assert node.returns is not None, node.name
        every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        assert all(a.annotation is not None or a.arg == "cls" for a in every), node.name


def test_nothing_is_defined_twice_or_unused(generated: tuple[str, str]) -> None:
    source = generated[1]
    tree = ast.parse(source).body
    names = [n.name for n in tree if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    assert len(set(names)) == len(names)
    for name in names:
        if name.startswith("_") and not name.endswith("_rule"):
            assert len(re.findall(rf"(?<!\w){name}\b", source)) > 1, name


def test_formatted(generated: tuple[str, str]) -> None:
    assert tidy(generated[1]) == generated[1]


def test_lint_clean_under_ruffs_defaults(tmp_path: Path) -> None:
    for name in FORMULAS:
        (tmp_path / f"{name}.py").write_text(text(name))
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.thorough
def test_typed(tmp_path: Path) -> None:
    for name in FORMULAS:
        (tmp_path / f"{name}.py").write_text(text(name))
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(tmp_path / "cache"),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_same_bytes_under_every_hash_seed(root: Path) -> None:
    program = "import test_render as t; print(*(t.text(name) for name in t.FORMULAS), sep='\\n')"
    found = set()
    for seed in ("0", "1", "2718"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_the_docstring_says_what_a_user_needs() -> None:
    m = module("log(1+exp(x))", name="softplus")
    told = inspect.getdoc(m.softplus) or ""
    assert told.startswith("softplus(x) = log(1+exp(x))")
    assert "value  log(1 + exp(x))" in told
    assert "d/dx " in told
    assert "Kept for the backward pass: the input x." in told
    source = text("softplus")
    assert source.startswith(
        '"""softplus(x) = log(1+exp(x)), with its derivative rules.\n\nGenerated by vjpgen'
    )
    assert "    vjpgen 'log(1+exp(x))'\n" in source
    assert "Measured:\n        value: at most 1 ulp" in source


def test_assumptions_are_told() -> None:
    m = module("log(x)", assume=["x > 0", "x < 9"])
    assert "Assumes x > 0, x < 9." in (inspect.getdoc(m.f) or "")


@pytest.mark.parametrize(
    "hostile", ['"""; import os; """', "\\", '\\"""', "x\n\n'''", '"', "\\N{DASH}", "{{ 7*7 }}{% raw %}"]
)
def test_no_text_escapes_from_a_docstring(hostile: str) -> None:
    p = plan(plain_forms("x**2"))
    doc = Doc(hostile, (("value", hostile),), (hostile,), hostile, hostile, (hostile,))
    source = render_module(p, doc)
    tree = ast.parse(source)
    assert functions(source).keys() == functions(render_module(p, draft(p))).keys()
    assert " ".join(hostile.split()) in " ".join((ast.get_docstring(tree) or "").split())
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import) and n.names[0].name == "os"]


def test_thresholds_are_read_as_decimals() -> None:
    x = var("x")
    e = where(call("lt", x, num(Fraction(737, 1000))), x / num(3), x * num(Fraction(1, 3)) + num(16 * 10**37))
    assert readable(e) == "where(x < 0.737, x / 3, x * (1/3) + 1.6e+38)"


def test_long_formulas_are_wrapped() -> None:
    p = plan(plain_forms(" + ".join(f"sin({k}*x)" for k in range(1, 60))))
    source = render_module(p, draft(p))
    assert max(map(len, source.splitlines())) <= 88


def test_a_residual_form_of_its_own() -> None:
    """Where bwd takes the partial from the output, forward mode does too: both modes are equally right."""
    x, y = var("x"), var("y")
    spec = Spec("tanh", ("x",), (call("tanh", x),), False, (), "tanh(x)")
    forms = Forms(spec, spec.outputs, ((num(1) / call("square", call("cosh", x)),),), ((0.5,),))
    p = Plan(forms, (Residual("y", call("tanh", x), "output"),), (((1 - y) * (1 + y),),))
    m = build(p)
    source = render_module(p, draft(p))
    assert source.count("_tanh_partials(*_widen(") == 2
    assert "cosh" not in source.split('"""', 2)[2]
    import jax

    for at in (0.0, 1.0, -3.0, 20.0):
        assert jax.grad(m.tanh)(at) == jax.grad(m.tanh_jvp)(at)
    second = jax.grad(jax.grad(m.tanh_jvp))(1.0)
    assert abs(second - jax.hessian(m.tanh)(1.0)) < 1e-6


def test_the_plain_formula_is_rendered_as_written() -> None:
    x = var("x")
    e = where(call("gt", x, num(0)), call("sqrt", x), call("poly", x, *map(num, range(5))))
    source = render_plain(Spec("f", ("x",), (e,), False, (), ""))
    assert "jnp.where(x > 0.0, jnp.sqrt(x), _horner(x, 0.0, 1.0, 2.0, 3.0, 4.0))" in source


@pytest.mark.parametrize(
    "name", [s if s in ("unbroadcast", "sum3") else rarely(s) for s in (*SUPPORT, "bessel_miller")]
)
def test_a_function_may_be_called_like_a_helper(name: str) -> None:
    import jax

    m = module("besselj(2, x)*besseli(0, x)*lambertw(y) + x*y", name=name)
    f, twin = getattr(m, name), getattr(m, f"{name}_jvp")
    assert abs(jax.grad(f)(0.5, 0.7) - jax.grad(twin)(0.5, 0.7)) < 1e-6


def test_every_name_inside_the_helpers_is_known(root: Path) -> None:
    """So that no function's own name can take it."""
    found = set()
    for path in (root / "templates" / "support").glob("*.j2"):
        found |= set(re.findall(r"^(?:def |class )?_(\w+)(?:\(| = |:)", path.read_text(), re.MULTILINE))
    assert found == {*SUPPORT, *_INSIDE_SUPPORT}


def test_an_unused_argument_is_allowed() -> None:
    import jax
    import jax.numpy as jnp

    m = module("x**2", args=("x", "y"))
    x, y = jnp.arange(3.0), jnp.ones((2, 1), jnp.bfloat16)
    assert m.f(x, y).shape == (2, 3)
    gx, gy = jax.grad(lambda *a: m.f(*a).sum(), (0, 1))(x, y)
    assert (gx == 4 * x).all()
    assert gy.shape == (2, 1)
    assert gy.dtype == jnp.bfloat16
    assert not gy.any()
    assert jax.jvp(m.f_jvp, (x, y), (x, y))[1].shape == (2, 3)
