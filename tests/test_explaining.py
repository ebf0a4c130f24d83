"""`--residuals` and `vjpgen explain`: the module keeps what was asked for, the table says what there is."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from commanded import run
from vjpgen import settings
from vjpgen.errors import OptionError
from vjpgen.explaining import explain
from vjpgen.parse import parse
from vjpgen.pipeline import generate
from vjpgen.verify import load

X = np.linspace(-3.0, 3.0, 7, dtype=np.float32)


@pytest.fixture(scope="module")
def softplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module that keeps the partial, in a file."""
    path = tmp_path_factory.mktemp("made") / "softplus.py"
    generate("log(1+exp(x))", name="softplus", effort="low", residuals="speed", output=path).write(path)
    return path


def test_the_module_keeps_what_was_asked_for(softplus: Path) -> None:
    assert "--effort low --residuals speed -o softplus.py" in softplus.read_text()
    module = load(softplus.read_text(), "softplus")
    y, saved = module.softplus_fwd(X)
    (slope,) = jax.tree.leaves(saved)
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(-X)), rtol=1e-6)
    (cotangent,) = module.softplus_bwd(saved, np.ones_like(X))
    np.testing.assert_array_equal(cotangent, slope)
    np.testing.assert_allclose(y, np.log1p(np.exp(X)), rtol=1e-6)


def test_the_table(softplus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", str(softplus)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "softplus: what its passes can keep"
    assert lines[1].split() == ["kept", "bytes", "operations", "bits", "--residuals"]
    assert sum("auto" in line and "recompute" in line for line in lines) == 1


def test_every_choice_has_a_row(softplus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", str(softplus), "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    kept = {c: row for row in rows for c in row["choices"]}
    assert set(kept) >= {"auto", "input", "recompute", "speed"}
    assert kept["input"]["arrays"] == ["input x"]
    assert kept["speed"]["operations"] == 0
    assert all(row["bytes"] == 4 and row["bits"] < 1 for row in rows)


def test_the_output_alone() -> None:
    found = explain(parse("sqrt(x)", name="f", assume=("x > 0",)), settings.How(effort="low"))
    assert {c for k in found for c in k.choices} == set(settings.RESIDUALS)
    (row,) = (k for k in found if "output" in k.choices)
    assert row.arrays == ("output y",)
    assert "auto" in row.choices


def test_a_choice_that_there_is_not_has_no_row() -> None:
    found = explain(parse("x*y", name="f"), settings.How(effort="low"))
    assert not any("output" in k.choices for k in found)
    assert found[0].arrays == ("input x", "input y")
    assert found[0].bytes == 8


def test_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OptionError, match="residuals is one of auto, input, output, recompute, speed"):
        generate("x**2", residuals="none")
    assert run("explain", "missing.py") != 0
    assert "there is no file missing.py" in capsys.readouterr().err
    assert run("x*y", "--residuals", "output", "--effort", "low") == 2
    assert "leave --residuals out" in capsys.readouterr().err
