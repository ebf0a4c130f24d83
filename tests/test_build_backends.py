"""A user's package generates its modules when it is built; pre-commit, Make and ninja do as well."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from test_packaging import SHIPPED, environment_variables, fresh_environment, install

pytestmark = [pytest.mark.checkout, pytest.mark.thorough]

TABLES = """
[[tool.vjpgen.function]]
name = "ramp"
expr = "x*exp(-x)"
effort = "low"
output = "src/mine/ramp.py"
tests = "tests"
"""
HATCHLING = """
[build-system]
requires = ["hatchling", "vjpgen"]
build-backend = "hatchling.build"

[project]
name = "mine"
version = "1.0"

[tool.hatch.build.hooks.vjpgen]

[tool.hatch.build.targets.wheel]
packages = ["src/mine"]
"""
SETUPTOOLS = """
[build-system]
requires = ["setuptools", "vjpgen"]
build-backend = "setuptools.build_meta"

[project]
name = "mine"
version = "1.0"

[tool.setuptools]
package-dir = { "" = "src" }
packages = ["mine"]

[tool.setuptools.cmdclass]
build_py = "vjpgen.setuptools_hook.BuildModules"
"""
USE = "import jax, mine.ramp; print(jax.grad(mine.ramp.ramp)(0.0), mine.ramp.__file__)"


@pytest.fixture(scope="module")
def python(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with this vjpgen installed from a copy of the repository."""
    copy = tmp_path_factory.mktemp("copy") / "vjpgen"
    copy.mkdir()
    for name in SHIPPED:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, copy / name)
    found = fresh_environment(tmp_path_factory.mktemp("venv") / "venv")
    install(found, str(copy))
    return found


@pytest.fixture(params=[HATCHLING, SETUPTOOLS], ids=["hatchling", "setuptools"])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A package whose module is generated, and kept out of version control."""
    folder = tmp_path / "package"
    for name in ("src/mine", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "src/mine/__init__.py").touch()
    (folder / ".gitignore").write_text("ramp.py\n")
    (folder / "pyproject.toml").write_text(request.param + TABLES)
    git(folder, "init", "-q")
    return folder


def git(folder: Path, *words: str) -> None:
    told = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    subprocess.run(["git", *told, *words], cwd=folder, check=True, capture_output=True)


def run(*words: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment_variables(**more)
    return subprocess.run([*map(str, words)], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_pip_install_generates_the_module(package: Path, python: Path, tmp_path: Path) -> None:
    install(python, str(package))
    done = run(python, "-c", USE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    slope, place = done.stdout.split()
    assert slope == "1.0"
    assert not Path(place).is_relative_to(package)
    assert (package / "vjpgen.lock").is_file()


def test_an_editable_install_generates_it_in_place(package: Path, python: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "pip", "--python", python, "uninstall", "-y", "mine", cwd=tmp_path)
    install(python, "-e", str(package))
    done = run(python, "-c", USE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.split()[1]) == package / "src/mine/ramp.py"


def test_a_wheel_from_the_source_distribution_holds_it(package: Path, python: Path, tmp_path: Path) -> None:
    done = run(python, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", cwd=package)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = (tmp_path / "dist").glob("*.tar.gz"), (tmp_path / "dist").glob("*.whl")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "vjpgen.lock", "src/mine/ramp.py"} <= held
    with zipfile.ZipFile(wheel) as archive:
        assert "mine/ramp.py" in archive.namelist()
        assert not any("test_" in name for name in archive.namelist())


def test_a_formula_that_is_refused_stops_the_build(package: Path, python: Path) -> None:
    tables = package / "pyproject.toml"
    tables.write_text(tables.read_text().replace("x*exp(-x)", "sgmoid(x)"))
    done = run(python, "-m", "build", "--no-isolation", "--wheel", cwd=package)
    assert done.returncode != 0
    assert "did you mean sigmoid?" in done.stdout + done.stderr
    assert not (package / "src/mine/ramp.py").exists()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src/mine").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "pyproject.toml").write_text(TABLES)
    return folder


def on_path(python: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]])}


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_builds_what_the_tables_ask_for(project: Path, python: Path) -> None:
    rule = "src/mine/ramp.py: pyproject.toml\n\tvjpgen build --depfile vjpgen.d\n\ttouch $@\n"
    (project / "Makefile").write_text(f"{rule}\n-include vjpgen.d\n")
    words = ("make", "src/mine/ramp.py")
    assert "vjpgen build" in run(*words, cwd=project, **on_path(python)).stdout
    assert "up to date" in run(*words, cwd=project, **on_path(python)).stdout
    os.utime(project / "pyproject.toml")
    done = run(*words, cwd=project, **on_path(python))
    assert "the module is up to date" in done.stdout
    assert "is up to date" in run(*words, cwd=project, **on_path(python)).stdout.splitlines()[-1]


@pytest.mark.skipif(shutil.which("ninja") is None, reason="there is no ninja")
def test_ninja_builds_what_the_tables_ask_for(project: Path, python: Path) -> None:
    (project / "vjpgen.toml").write_text("include = ['more/*.toml']\n")
    (project / "more").mkdir()
    tables = TABLES.replace("tool.vjpgen.", "").replace('"src', '"../src').replace('"tests"', '"../tests"')
    (project / "more/a.toml").write_text(tables)
    (project / "build.ninja").write_text(
        "rule vjpgen\n  command = vjpgen build --depfile vjpgen.d\n  depfile = vjpgen.d\n  restat = 1\n"
        "build src/mine/ramp.py tests/test_ramp.py: vjpgen vjpgen.toml\n"
    )

    def ninja() -> str:
        done = run("ninja", cwd=project, **on_path(python))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "src/mine/ramp.py" in ninja()
    assert "no work to do" in ninja()
    (project / "more/a.toml").write_text(tables.replace("x*exp(-x)", "x*exp(-2*x)"))
    assert "1 of 1 modules built" in ninja()
    assert "no work to do" in ninja()
    assert "x*exp(-2*x)" in (project / "src/mine/ramp.py").read_text()


def test_the_pre_commit_hooks(project: Path, python: Path, root: Path) -> None:
    """The hooks as they are defined, run by pre-commit, but for the environment that it would install."""
    hooks = (root / ".pre-commit-hooks.yaml").read_text().replace("language: python", "language: system")
    indented = "\n".join(f"  {line}" for line in hooks.splitlines())
    (project / ".pre-commit-config.yaml").write_text(f"repos:\n- repo: local\n  hooks:\n{indented}\n")
    git(project, "init", "-q")
    git(project, "add", ".")
    words = (sys.executable, "-m", "pre_commit", "run", "--all-files")
    where = {**on_path(python), "PRE_COMMIT_HOME": str(project.parent / "home")}
    first = run(*words, cwd=project, **where)
    assert "1 of 1 modules built" in first.stdout + first.stderr or (project / "src/mine/ramp.py").is_file()
    git(project, "add", ".")
    done = run(*words, cwd=project, **where)
    assert done.returncode == 0, done.stdout + done.stderr
    (project / "src/mine/ramp.py").write_text((project / "src/mine/ramp.py").read_text() + "\n# mine\n")
    git(project, "add", ".")
    done = run(*words, "vjpgen-check", cwd=project, **where)
    assert done.returncode == 1
    assert "src/mine/ramp.py was changed by hand" in done.stdout


def test_the_definition_of_the_hooks_is_one(root: Path) -> None:
    done = run(sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml", cwd=root)
    assert done.returncode == 0, done.stdout
