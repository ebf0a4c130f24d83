"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vjpgen.pipeline import Generated

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite the outputs kept in examples/ and README.md"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """One cache for all workers of this run and the commands that they start: a formula is searched once.

    It begins empty, so that a run tests the code as it stands even where the key of the cache is wrong.
    """
    if not hasattr(config, "workerinput"):  # the workers inherit the environment
        folder = tempfile.TemporaryDirectory(prefix="vjpgen-tests-")
        os.environ["VJPGEN_CACHE"] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every search is done, here and in the commands that the test starts."""
    monkeypatch.delenv("VJPGEN_CACHE")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the repository's root needs the repository."""
    for item in items:
        if "root" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.checkout)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Whether kept outputs are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def decay() -> Generated:
    """A module of two outputs with assumptions, generated once for all tests that look at one."""
    from vjpgen.pipeline import generate

    return generate(
        "(r*exp(-r*t), log(1+r) - t)", name="decay", args=["r", "t"], assume="r > 0", effort="low"
    )


@pytest.fixture
def exact_arithmetic() -> Iterator[None]:
    """Balls of 250 bits."""
    from flint import ctx

    before, ctx.prec = ctx.prec, 250
    yield
    ctx.prec = before
