"""vjpgen works the same from a wheel, an sdist, an editable install and a bare checkout.

Each way gets a virtual environment of its own that sees this one's dependencies and not its vjpgen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.checkout, pytest.mark.thorough]

SHIPPED = (
    "CHANGELOG.md",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "benchmarks",
    "docs",
    "examples",
    "mkdocs.yml",
    "pyproject.toml",
    "scripts",
    "templates",
    "tests",
    "vjpgen",
)
GENERATE = ("-m", "vjpgen", "x*exp(-x)", "-o", "ramp.py")
PROBE = """
import json, vjpgen
from importlib.metadata import version
from vjpgen.template_files import templates_root
from vjpgen.templating import Templates
names = ["module.py.j2", "test_module.py.j2"]
print(json.dumps({
    "version": vjpgen.__version__,
    "package": vjpgen.__path__[0],
    "templates": str(templates_root()),
    "names": [name for name in names if Templates(body=str).jinja.get_template(name)],
}))
"""


@dataclass(frozen=True)
class Installed:
    """One way of having vjpgen: the interpreter, its environment, and where the package should lie."""

    python: Path
    env: dict[str, str]
    home: Path

    def run(self, *args: str, cwd: Path) -> str:
        done = subprocess.run([*args], cwd=cwd, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def environment_variables(**more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "VJPGEN_CACHE"))
    }
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def fresh_environment(folder: Path) -> Path:
    """A new virtual environment that sees the packages of this one: the interpreter's path."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def install(python: Path, *what: str) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
    done = subprocess.run(
        [*command, *offline, *what], capture_output=True, text=True, check=False, env=environment_variables()
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's files, as a fresh clone has them."""
    target = tmp_path_factory.mktemp("checkout") / "vjpgen-checkout"
    target.mkdir()
    for name in SHIPPED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        elif source.exists():
            shutil.copy(source, target / name)
    return target


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist; the wheel is built from the sdist, as `python -m build` does by itself."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment_variables())
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = target.glob("*.whl")
    (sdist,) = target.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module", params=["wheel", "sdist", "editable", "checkout"])
def installed(
    request: pytest.FixtureRequest,
    checkout: Path,
    built: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Installed:
    folder = tmp_path_factory.mktemp(request.param) / "venv"
    python = fresh_environment(folder)
    if request.param == "checkout":
        return Installed(python, environment_variables(PYTHONPATH=str(checkout)), checkout)
    wheel, sdist = built
    what = {"wheel": [str(wheel)], "sdist": [str(sdist)], "editable": ["-e", str(checkout)]}[request.param]
    install(python, *what)
    return Installed(python, environment_variables(), checkout if request.param == "editable" else folder)


def test_templates_load_from_the_copy_that_runs(installed: Installed, tmp_path: Path) -> None:
    found = json.loads(installed.run(str(installed.python), "-c", PROBE, cwd=tmp_path))
    assert found["names"] == ["module.py.j2", "test_module.py.j2"]
    for place in ("package", "templates"):
        assert Path(found[place]).is_relative_to(installed.home), found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the vjpgen under test writes for the formula below."""
    folder = tmp_path_factory.mktemp("expected")
    subprocess.run([sys.executable, *GENERATE], cwd=folder, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in folder.glob("*.py")}


def test_the_command_generates(installed: Installed, expected: dict[str, bytes], tmp_path: Path) -> None:
    """The module and its tests are written, and the same bytes whichever way vjpgen was installed."""
    installed.run(str(installed.python), *GENERATE, cwd=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.py")} == expected
    assert sorted(expected) == ["ramp.py", "test_ramp.py"]


def test_the_console_script_is_installed(installed: Installed, tmp_path: Path) -> None:
    script = installed.python.parent / "vjpgen"
    if "PYTHONPATH" in installed.env:
        pytest.skip("a bare checkout has no console script")
    assert "0." in installed.run(str(script), "--version", cwd=tmp_path)


def test_the_wheel_holds_the_package_and_nothing_else(built: tuple[Path, Path], root: Path) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        names = set(archive.namelist())
    outside = {name for name in names if not name.startswith("vjpgen")}
    assert not outside
    templates = {
        f"vjpgen/templates/{p.relative_to(root / 'templates')}" for p in (root / "templates").rglob("*.j2")
    }
    assert templates <= names
    assert "vjpgen/py.typed" in names


def test_the_sdist_holds_what_a_reader_needs(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in (
        "LICENSE", "README.md", "CHANGELOG.md", "benchmarks/speed.py", "tests/conftest.py",
        "templates/module.py.j2",
    ):  # fmt: skip
        assert name in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("build/")]
