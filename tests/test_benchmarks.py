"""The benchmarks, on two small formulas with few elements: what they measure, not how fast it is."""

from __future__ import annotations

import ast
import json
import statistics
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import digits
import memory
import prepare
import prepared
import speed
import vjpgen
from vjpgen import points
from vjpgen.parse import parse
from vjpgen.render import render_plain

pytestmark = pytest.mark.checkout

ROUNDS, ELEMENTS = 3, 512
SMALL = ("--rounds", str(ROUNDS), "--elements", str(ELEMENTS), "--turn", "0.0005")
EVERYTHING = prepared.names("")


def run(module: ModuleType, *words: object) -> int:
    """The exit status of a script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module.__name__, *map(str, words)])
        return int(module.main())


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What scripts/sweep.py leaves: two modules, and a formula that was refused."""
    folder = tmp_path_factory.mktemp("modules")
    vjpgen.generate("x/(1 + abs(x))", name="f_sign").write(folder / "f_sign.py")
    vjpgen.generate("(x*x + y, y - x)", name="f_pair", assume="y > 1").write(folder / "f_pair.py")
    rows = [
        {"name": "sign", "stem": "f_sign", "failed": "", "reason": ""},
        {"name": "pair", "stem": "f_pair", "failed": "tests", "reason": "FAILED"},
        {"name": "odd", "stem": "f_odd", "failed": "generate", "reason": "unknown function"},
    ]
    (folder / "results.json").write_text(json.dumps(rows))
    return folder


@pytest.fixture(scope="module")
def folder(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the benchmarks read."""
    found = tmp_path_factory.mktemp("prepared")
    assert run(prepare, modules, "--out", found) == 0
    return found


@pytest.fixture(scope="module")
def measured(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The page of a run, and the same as data."""
    out = tmp_path_factory.mktemp("measured")
    assert run(speed, folder, *SMALL, "--write", out / "page.md", "--json", out / "page.json") == 0
    return (out / "page.md").read_text(), json.loads((out / "page.json").read_text())


# What is prepared


def test_cases_say_what_competes(folder: Path) -> None:
    found = prepared.read(folder, EVERYTHING)
    sign, pair = found.cases
    assert (sign.name, sign.stem, sign.formula, sign.jax) == (
        "sign", "f_sign", "x/(1 + abs(x))", "jax.nn.soft_sign",
    )  # fmt: skip
    assert sign.contenders == ("generated", "plain", "jax")
    assert (pair.arguments, pair.outputs, pair.jax, pair.contenders) == (2, 2, "", ("generated", "plain"))
    assert found.left_out == {"odd": "not generated: unknown function"}


def test_accuracy_is_that_of_each_contender(folder: Path) -> None:
    """JAX's gradient of this function loses bits in the tails, the generated one does not."""
    sign, _ = prepared.read(folder, EVERYTHING).cases
    accuracy = sign.accuracy
    assert accuracy["generated"].gradient < 0.5 < accuracy["jax"].gradient
    assert accuracy["generated"].residual_bytes == 4 < accuracy["plain"].residual_bytes


def test_points_lie_in_the_domain(folder: Path) -> None:
    found = prepared.read(folder, EVERYTHING)
    pair = found.cases[1]
    x, y = found.points(pair, ordinary=False)
    assert x.dtype == y.dtype == np.float32
    assert (y > 1).all()
    assert np.isfinite(x).all()
    assert len(found.points(pair, ordinary=True)[0]) == pair.ordinary < len(x)
    assert max(np.abs(found.points(pair, ordinary=True)).max(axis=1)) < 1e6 < np.abs(x).max()


def test_contenders_are_the_module_and_the_formula_as_it_stands(modules: Path, folder: Path) -> None:
    assert (folder / "f_sign_generated.py").read_text() == (modules / "f_sign.py").read_text()
    plain = (folder / "f_pair_plain.py").read_text()
    assert plain == render_plain(parse("(x*x + y, y - x)", name="f_pair", assume=("y > 1",)))


@pytest.mark.parametrize(
    ("formula", "jax_name"),
    [
        ("exp(x)/(exp(x) + 1)", "jax.nn.sigmoid"),
        ("log1p(u)", "jnp.log1p"),
        ("x*log(y/z)", ""),
        ("2*exp(x)/(exp(x) + 1)", ""),
        ("(log1p(u), u)", ""),
    ],
)
def test_jax_has_a_function_in_whatever_shape_it_is_written(formula: str, jax_name: str) -> None:
    spec = parse(formula, assume=("u > -1",) if "u" in formula else ())
    found = prepare.own(spec, points.sample(spec, 64, 0), prepare.library())
    assert (found.name if found else "") == jax_name


# Speed


def test_the_program_gives_values_and_cotangents(folder: Path) -> None:
    found = prepared.read(folder, EVERYTHING)
    for who in found.cases[1].contenders:
        program = jax.jit(speed.gradient(found.function(found.cases[1], who)))
        x, y, u, v = (jnp.array(c, jnp.float32) for c in ([2.0, 3.0], [5.0, 7.0], [1.0, 2.0], [3.0, 4.0]))
        values, cotangents = program((u, v), x, y)
        np.testing.assert_array_equal(values, [[9, 16], [3, 4]])
        np.testing.assert_array_equal(cotangents, [[4 - 3, 12 - 4], [1 + 3, 2 + 4]])


def test_every_round_times_every_contender(measured: tuple[str, dict[str, Any]]) -> None:
    _, data = measured
    sign, pair = data["cases"]
    assert list(sign["seconds"]) == ["generated", "plain", "jax", "copy"]
    assert list(pair["seconds"]) == ["generated", "plain", "copy"]
    assert all(len(s) == ROUNDS and min(s) > 0 for case in (sign, pair) for s in case["seconds"].values())
    ratios = [a / b for a, b in zip(sign["seconds"]["generated"], sign["seconds"]["plain"], strict=True)]
    assert sign["ratios"]["plain"] == statistics.median(ratios)
    assert pair["ratios"]["jax"] is None


def test_a_copy_moves_the_bytes_of_the_rule(measured: tuple[str, dict[str, Any]]) -> None:
    """Two arrays in and out for one argument and one output, four for two and two."""
    for case, arrays in zip(measured[1]["cases"], (2, 4), strict=True):
        assert case["bytes"] == 2 * arrays * 4 * ELEMENTS
        assert case["costs"]["copy"]["bytes"] == pytest.approx(2 * arrays * 4, rel=0.1)
        assert case["costs"]["copy"]["flops"] == pytest.approx(arrays, abs=0.1)


def test_costs_are_those_of_one_element(measured: tuple[str, dict[str, Any]]) -> None:
    """x*x + y and y - x, and 2*u*x - v and u + v: at least six operations, none of them transcendental."""
    _, pair = measured[1]["cases"]
    assert 6 <= pair["costs"]["plain"]["flops"] <= 12
    assert pair["costs"]["plain"]["transcendentals"] == 0


def test_the_page_lists_all(measured: tuple[str, dict[str, Any]]) -> None:
    page, data = measured
    assert [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")] == [
        "| formula", "| ---", "| sign", "| pair",
    ]  # fmt: skip
    assert f"generated / jax: {data['cases'][0]['ratios']['jax']:.3f} over 1 formulas" in page
    assert "- odd: not generated: unknown function" in page


def test_a_call_leaves_its_inputs_and_writes_into_the_last_result() -> None:
    bars, at = (jnp.array([1.0, 2.0]),), [jnp.array([3.0, 4.0])]
    call, run = speed.compiled(speed.copied, bars, at)
    assert call.memory_analysis().alias_size_in_bytes == 2 * 8
    for _ in range(3):
        (y,), (x,) = run()
        np.testing.assert_array_equal([y, x], [[-1, -2], [-3, -4]])
    np.testing.assert_array_equal([*bars, *at], [[1, 2], [3, 4]])


def test_contenders_take_turns() -> None:
    order: list[str] = []
    options = speed.Options(elements=1, ordinary=True, rounds=3, turn=1e-9)
    found = speed.take_turns({w: lambda w=w: order.append(w) for w in "abc"}, options)
    assert "".join(order[-9:]) == "abcbcacab"
    assert [len(s) for s in found.values()] == [3, 3, 3]


def timed(generated: list[float], plain: list[float]) -> speed.Timed:
    accuracy = {
        "generated": prepared.Accuracy(0.25, 0.5, 0, 4.0),
        "plain": prepared.Accuracy(7.5, 9.0, 12, 16.0),
    }
    case = prepared.Case("slow", "f_slow", "x**x", 1, 1, 64, "", accuracy)
    costs = dict.fromkeys(("generated", "plain", "copy"), speed.Cost(1.0, 1.0, 8.0))
    seconds = {"generated": generated, "plain": plain, "copy": [1e-3] * len(plain)}
    return speed.Timed(case, seconds, costs, 1_000_000)


def test_ratios_are_taken_within_rounds() -> None:
    """A round in which the machine was slow slows both."""
    assert timed([3.0, 1.0, 9.0], [3.0, 1.0, 3.0]).ratio("generated", "plain") == 1.0


def test_a_slow_rule_says_what_its_time_buys() -> None:
    options = speed.Options(elements=1, ordinary=True, rounds=1, turn=1.0)
    slow = speed.report([timed([2.5e-3], [1e-3])], {}, 1e9, options)
    assert (
        "- slow, `x**x`: 2.50 times plain autodiff. Generated: value 0.25 bits off, gradient 0.50 bits,"
        " 0 results not finite, 4 bytes kept;"
        " plain: value 7.50 bits off, gradient 9.00 bits, 12 results not finite, 16 bytes kept." in slow
    )
    fast = speed.report([timed([2e-3], [1e-3])], {}, 1e9, options)
    assert "Over 2.0 times plain autodiff: none." in fast


def test_bandwidth_is_held_against_a_copy() -> None:
    """1 MB in 2.5 ms is 0.4 GB/s, 40 % of a copy at 1 GB/s."""
    options = speed.Options(elements=1, ordinary=True, rounds=1, turn=1.0)
    page = speed.report([timed([2.5e-3], [1e-3])], {}, 1e9, options)
    assert "moves 1.0 GB/s" in page
    assert "| 0.4 | 40 % |" in page


def test_one_broken_case_spoils_no_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = folder / "f_sign_plain.py"
    text = broken.read_text()
    try:
        broken.write_text(f"{text}\nraise RuntimeError('no such operation here')\n")
        assert run(speed, folder, *SMALL) == 1
    finally:
        broken.write_text(text)
    printed = capsys.readouterr().out
    assert "- sign: RuntimeError: no such operation here" in printed
    assert "| pair |" in printed


# Memory


def test_memory_is_that_of_the_residuals(folder: Path, tmp_path: Path) -> None:
    """In a scan the plain formula keeps more arrays per layer than the generated rule, which keeps one."""
    layers, width, batch = 3, 16, 512
    sizes = ("--layers", layers, "--width", width, "--batch", batch)
    assert run(memory, folder, *sizes, "--write", tmp_path / "m.md", "--json", tmp_path / "m.json") == 0
    data = json.loads((tmp_path / "m.json").read_text())
    assert list(data["temporary_bytes"]) == ["sign"]  # one argument and one output
    found = data["temporary_bytes"]["sign"]["scanned"]
    activation = 4 * width * batch
    assert list(found) == ["generated", "plain", "jax"]
    assert found["generated"] >= layers * activation
    assert found["plain"] - found["generated"] >= layers * activation
    assert "| sign | scanned |" in (tmp_path / "m.md").read_text()


# Digits


def test_digits_are_those_that_were_measured_where_the_folder_was_made(folder: Path) -> None:
    cases = prepared.read(folder, EVERYTHING)
    for case in cases.cases:
        for who in case.contenders:
            got = digits.found(digits.results(cases, case, who), cases.exact(case), case.outputs)
            then = case.accuracy[who]
            assert (got.value, got.gradient) == pytest.approx((then.value, then.gradient), abs=0.01)
            assert got.bad == then.bad


def test_digits_that_are_lost_are_seen(folder: Path) -> None:
    cases = prepared.read(folder, EVERYTHING)
    case = next(c for c in cases.cases if c.name == "pair")
    exact, got = cases.exact(case), digits.results(cases, case, prepared.GENERATED)
    right = digits.found(got, exact, case.outputs)
    wrong = got.copy()
    wrong[:, 0] *= np.float32(1.001)
    wrong[:5, 2] = np.nan
    found = digits.found(wrong, exact, case.outputs)
    assert found.value > right.value + 5
    assert found.gradient > right.gradient
    assert found.bad == right.bad + 5


def test_the_page_of_digits(folder: Path, tmp_path: Path) -> None:
    assert run(digits, folder, "--write", tmp_path / "page.md") == 0
    page = (tmp_path / "page.md").read_text()
    (line,) = (x for x in page.splitlines() if x.startswith("| sign |"))
    assert len(line.split("|")) == 15
    assert "- value: where made " in page
    assert "- where JAX has the function (1): value " in page


# What they need, and what they refuse


@pytest.mark.parametrize("name", ["prepared", "speed", "memory", "digits"])
def test_timing_needs_jax_and_numpy_alone(root: Path, name: str) -> None:
    tree = ast.parse((root / "benchmarks" / f"{name}.py").read_text())
    found = {a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    found |= {(n.module or "").partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert found - sys.stdlib_module_names <= {"jax", "numpy", "prepared"}


@pytest.mark.parametrize(
    ("script", "words", "message"),
    [
        (speed, ("{nothing}",), "holds no cases.json: write it with prepare.py"),
        (memory, ("{nothing}",), "holds no cases.json: write it with prepare.py"),
        (digits, ("{nothing}",), "holds no cases.json: write it with prepare.py"),
        (prepare, ("{nothing}", "--out", "{nothing}/x"), "holds no results.json"),
        (speed, ("{folder}", "--only", "zzz"), "no formula in"),
        (memory, ("{folder}", "--only", "pair"), "no function of one argument"),
        (speed, ("{folder}", "--only", "("), "is no regular expression"),
        (speed, ("{folder}", "--elements", "0"), "is no whole number above zero"),
    ],
)
def test_what_cannot_be_used_is_said(
    script: ModuleType,
    words: tuple[str, ...],
    message: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(script, *(w.format(nothing=tmp_path, folder=folder) for w in words))
    assert ended.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())
