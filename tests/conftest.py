"""What all tests share."""

from __future__ import annotations

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
