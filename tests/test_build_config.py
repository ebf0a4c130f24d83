"""The tables of a build: what they say, where they are looked for, and how they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from vjpgen import build_config
from vjpgen.build_config import Project
from vjpgen.errors import ConfigError

SOFTPLUS = """
[[function]]
expr = "log(1+exp(x))"
output = "src/softplus.py"
"""


def project(folder: Path, text: str, name: str = "vjpgen.toml") -> Project:
    (folder / name).write_text(text)
    return build_config.read(folder / name)


def test_the_least(tmp_path: Path) -> None:
    (module,) = project(tmp_path, SOFTPLUS).modules
    (function,) = module.functions
    assert module.path == tmp_path / "src/softplus.py"
    assert module.files == (module.path, tmp_path / "src/test_softplus.py")
    assert function.name == "softplus"
    assert function.asked == {"expr": "log(1+exp(x))"}


def test_everything(tmp_path: Path) -> None:
    text = """
[[function]]
name = "f"
expr = "round(x)*y*z*u"
args = "x, y,z"
assume = ["x > 0", "y < 1"]
grad = { x = "y", u = 2 }
surrogate = { z = "boxcar(z, 2)" }
stop = "y,u"
grad-scale = { x = -1.5 }
grad-clip = { x = [-1, 1], y = "0:2", z = [-inf, 3] }
grad-mask = "x > 1"
effort = "high"
prefer = "speed"
output = "f.py"
tests = "checks/test_it.py"
timeout = 3
"""
    (function,) = project(tmp_path, text).modules[0].functions
    assert function.asked == {
        "args": ["x", "y", "z"],
        "assume": ["x > 0", "y < 1"],
        "effort": "high",
        "expr": "round(x)*y*z*u",
        "grad": {"x": "y", "u": "2"},
        "grad_clip": {"x": "-1:1", "y": "0:2", "z": ":3"},
        "grad_mask": ["x > 1"],
        "grad_scale": {"x": "-1.5"},
        "prefer": "speed",
        "stop": ["y", "u"],
        "surrogate": {"z": "boxcar(z, 2)"},
    }
    assert (function.tests, function.timeout) == (tmp_path / "checks/test_it.py", 3.0)


def test_functions_outside_jax(tmp_path: Path) -> None:
    text = """
[defaults]
prefer = "speed"

[[function]]
external = "scipy.special:jv"
args = "v,x"
grad = { x = "(jv(v-1, x) - jv(v+1, x))/2" }
missing = { v = "zero" }
elementwise = false
call-dtype = "float32"
also = { g = "math:gamma" }
output = "bessel.py"
"""
    (function,) = project(tmp_path, text).modules[0].functions
    assert function.asked == {
        "also": {"g": "math:gamma"},
        "args": ["v", "x"],
        "call_dtype": "float32",
        "elementwise": False,
        "grad": {"x": "(jv(v-1, x) - jv(v+1, x))/2"},
        "missing": {"v": "zero"},
        "target": "scipy.special:jv",
    }


def test_what_is_shared_and_what_is_included(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name, own in (("b", ""), ("a", "[defaults]\neffort = 'high'\ntests = '../checks'\n")):
        table = f"{own}[[function]]\nexpr = 'x*{name}'\noutput = '../src/{name}.py'\n"
        (tmp_path / f"more/{name}.toml").write_text(table)
    shared = "include = ['more/*.toml']\n[defaults]\neffort = 'low'\nassume = 'x > 0'\ntests = 'tests'\n"
    found = project(tmp_path, shared + SOFTPLUS)
    functions = [f for m in found.modules for f in m.functions]
    assert [f.name for f in functions] == ["softplus", "a", "b"]
    assert [f.asked["effort"] for f in functions] == ["low", "high", "low"]
    assert all(f.asked["assume"] == ["x > 0"] for f in functions)
    folders = [f.tests.parent for f in functions if f.tests is not None]
    assert folders == [tmp_path / "tests", tmp_path / "checks", tmp_path / "tests"]
    assert [p.name for p in found.sources] == ["vjpgen.toml", "a.toml", "b.toml"]


def test_functions_that_share_a_module(tmp_path: Path) -> None:
    both = SOFTPLUS.replace("softplus.py", "./ops.py")
    found = project(tmp_path, f"{both}name = 'one'\n{both}name = 'two'\n{both}name = 'three'\ntests = false")
    (module,) = found.modules
    assert module.path == tmp_path / "src/ops.py"
    assert [f.name for f in module.functions] == ["one", "two", "three"]
    assert [p.name for p in module.files] == ["ops.py", "test_ops_one.py", "test_ops_two.py"]


def test_the_tables_are_looked_for_upwards(tmp_path: Path) -> None:
    inside = tmp_path / "src/deep"
    inside.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"there is no vjpgen.toml in .* or above it"):
        build_config.find(inside)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    with pytest.raises(ConfigError, match=r"no pyproject\.toml with"):
        build_config.find(inside)
    tables = SOFTPLUS.replace("[[function]]", "[[tool.vjpgen.function]]")
    (tmp_path / "pyproject.toml").write_text(f"[project]\nname = 'other'\n{tables}")
    assert build_config.find(inside) == tmp_path / "pyproject.toml"
    assert build_config.read(tmp_path / "pyproject.toml").modules[0].functions[0].name == "softplus"
    (tmp_path / "vjpgen.toml").write_text(SOFTPLUS)
    assert build_config.find(inside) == tmp_path / "vjpgen.toml"


def one(line: str) -> str:
    """A function's table with one more line."""
    return SOFTPLUS + line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no functions\nwrite a [[function]] table for each"),
        ("functions = 1", "unknown key 'functions'\nthe tables are defaults, function, include"),
        ("[function]\nexpr = 'x'", "vjpgen.toml, function: this is a list of tables\nwrite [[function]]"),
        ("defaults = 1\n" + SOFTPLUS, "defaults: this is a table"),
        ("[[function]]\nexpr = 'x'", "function 1: there is no output\nname the module's file"),
        ("[[function]]\noutput = 'f.py'", "function 1: there is no expr"),
        (one("external = 'm:f'"), "expr and external contradict each other"),
        (one("asume = 'x > 0'"), "unknown key 'asume'\ndid you mean assume?"),
        (one("grad_scale = { x = 1 }"), "unknown key 'grad_scale'\ndid you mean grad-scale?"),
        (one("qqqqq = 1"), "unknown key 'qqqqq'\nthe keys are name, output"),
        (one("missing = { x = 'zero' }"), "missing does not go with expr"),
        (one("expr2 = 1\nname = 'g'"), "function 1 (g): unknown key 'expr2'"),
        (one("assume = 1"), "assume is text, or a list of texts, not 1"),
        (one("assume = ['x > 0', 2]"), "assume is text, or a list of texts"),
        (one("grad = 'x=1'"), "grad is a table from arguments to formulas"),
        (one("grad = { x = true }"), "grad is a formula or a number, not {'x': True}"),
        (one("grad-clip = { x = [1] }"), "grad-clip is bounds as [-1, 1] or '-1:1'"),
        (one("grad-clip = { x = [true, 2] }"), "grad-clip is bounds"),
        (one("effort = 'most'"), "effort is one of low, normal, high, not 'most'"),
        (one("timeout = 0"), "timeout is a positive number of seconds"),
        (one("tests = true"), "tests is text, not True"),
        (one("name = ['a']"), "name is text"),
        (SOFTPLUS.replace("softplus.py", "softplus"), "softplus is no Python file\nname it softplus.py"),
        (SOFTPLUS.replace("softplus.py", "jax.py"), "would hide the module jax"),
        (SOFTPLUS.replace("softplus.py", "test_a.py"), "pytest would take test_a.py for a file of tests"),
        (SOFTPLUS + SOFTPLUS, "function 2: softplus.py would hold two functions softplus"),
        (one("tests = 'src/softplus.py'"), "softplus.py is written for vjpgen.toml, function 1 as well"),
        ("include = ['*.none']", "include: no file fits '*.none'"),
        ("include = ['/etc/*']", "'/etc/*' is no path seen from the folder of vjpgen.toml"),
        ("include = 3", "include: this is a list of paths"),
        ("[[function", "is no TOML"),
        ("[[function]]\nexpr = 'é" + "\udcff" + "'", "is no TOML"),
    ],
)
def test_tables_that_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "vjpgen.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as refused:
        build_config.read(tmp_path / "vjpgen.toml")
    assert message in str(refused.value)
    assert "vjpgen.toml" in str(refused.value)


def test_included_files_include_no_others(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text("include = []\n" + SOFTPLUS)
    with pytest.raises(ConfigError, match=r"more.toml, include: an included file includes no others"):
        project(tmp_path, "include = 'more.toml'")


def test_a_file_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        build_config.read(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot read"):
        build_config.read(tmp_path)
