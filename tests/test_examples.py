"""Every example runs and prints what stands in the file beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from goldens import differences, same

pytestmark = pytest.mark.checkout

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))


@pytest.mark.thorough
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_prints_what_is_kept(example: Path, update: bool, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kept = example.with_suffix(".out")
    if update:
        kept.write_text(done.stdout)
    assert not differences(done.stdout, kept.read_text())
    assert not list(tmp_path.iterdir()), "an example leaves nothing behind"


def test_every_kept_output_has_its_example() -> None:
    kept = {path.stem for path in EXAMPLES[0].parent.glob("*.out")}
    assert kept == {path.stem for path in EXAMPLES}


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("x 1.0000001", "x 1"),
        ("  a   nan -inf", "a nan -inf"),
        ("loss 0.5 ####", "loss 0.5 #####"),
        ("max 3 ulp", "max 2 ulp"),
        ("at most 2 ulp, 99% within 2, mean 0.21 bits", "at most 3 ulp, 99% within 1, mean 0.2 bits"),
        ("jax 0.10.2", "jax 0.11.0"),
    ],
)
def test_rounding_is_forgiven(printed: str, kept: str) -> None:
    assert same(" ".join(printed.split()), kept)


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("x 1.01", "x 1"),
        ("x nan", "x 1"),
        ("x inf", "x -inf"),
        ("x 1", "y 1"),
        ("0.5 ####", "0.5 ##########"),
        ("max 40 ulp", "max 4 ulp"),
        ("max 4e9 ulp", "max 4 ulp"),
        ("x 1 2", "x 1"),
    ],
)
def test_anything_else_is_not(printed: str, kept: str) -> None:
    assert not same(printed, kept)
