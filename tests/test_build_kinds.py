"""Equations, inverses and integrals in the tables of a build: what is asked for, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from commanded import run
from vjpgen import build_config, build_worker
from vjpgen.errors import ConfigError

GIVEN = {
    'expr = "y*exp(y) = x"\nsolve = "y"\nguess = "log(1+x)"\nassume = "x > 0"': {
        "assume": ["x > 0"],
        "equation": "y*exp(y) = x",
        "guess": "log(1+x)",
        "solve": "y",
    },
    'expr = "x + y = s, x*y = p"\nsolve = "x,y"\nargs = "s,p"': {
        "args": ["s", "p"],
        "equation": "x + y = s, x*y = p",
        "solve": "x,y",
    },
    'inverse = "x + exp(x)"\nguess = 0\neffort = "low"': {
        "effort": "low",
        "guess": "0",
        "equation": "x + exp(x)",
    },
    'integral = "exp(-t*x)"\nover = "t=0..y"': {"integrand": "exp(-t*x)", "over": "t=0..y"},
}
COMMANDS = {
    'inverse = "2*x + 1"': ("--inverse", "2*x + 1"),
    'expr = "y + y**3 = x"\nsolve = "y"\nassume = "-2 < x < 2"': (
        *("y + y**3 = x", "--solve", "y"),
        *("--assume", "-2 < x < 2"),
    ),
    'integral = "x*t"\nover = "t=0..1"': ("--integral", "x*t", "--over", "t=0..1"),
}


def write(folder: Path, text: str) -> Path:
    place = folder / "vjpgen.toml"
    place.write_text(f'[[function]]\n{text}\noutput = "made.py"\n')
    return place


@pytest.mark.parametrize("text", GIVEN)
def test_what_the_library_is_asked(text: str, tmp_path: Path) -> None:
    ((module,),) = [build_config.read(write(tmp_path, text)).modules]
    (function,) = module.functions
    assert function.asked == GIVEN[text]


def test_shared_defaults_are_for_what_they_go_with(tmp_path: Path) -> None:
    place = write(tmp_path, 'integral = "x*t"\nover = "t=0..1"')
    place.write_text('[defaults]\neffort = "low"\nresiduals = "input"\n' + place.read_text())
    (module,) = build_config.read(place).modules
    assert module.functions[0].asked == {"effort": "low", "integrand": "x*t", "over": "t=0..1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('integral = "x*t"', "integral needs over"),
        ('integral = "x*t"\nover = "t=0..1"\nguess = "1"', "guess does not go with integral"),
        ('expr = "x"\nover = "t=0..1"', "over does not go with expr"),
        ('expr = "x"\nguess = "1"', "guess does not go with expr"),
        ('expr = "y = x"\nsolve = "y"\nresiduals = "input"', "residuals does not go with solve"),
        ('inverse = "2*x"\nsolve = "y"', "solve does not go with inverse"),
        ('inverse = "2*x"\nexpr = "x"', "expr and inverse contradict each other"),
        ('integral = "x*t"\nover = "t=0..1"\ninverse = "2*x"', "inverse and integral contradict each other"),
        ('latex = "x"\nsolve = "y"', "solve does not go with latex"),
        ('inverse = "2*x"\nguess = []', "guess is a formula or a number"),
        ('integral = "x*t"\nover = ["t=0..1"]', "over is text"),
    ],
)
def test_tables_that_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        build_config.read(write(tmp_path, text))


@pytest.mark.parametrize("text", COMMANDS)
def test_the_bytes_are_those_of_the_command(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, text + '\neffort = "low"')
    assert run("build") == 0
    built = [(tmp_path / name).read_bytes() for name in ("made.py", "test_made.py")]
    assert run("build", "--check") == 0
    assert run(*COMMANDS[text], "-o", "made.py", "--effort", "low", "--force") == 0
    assert built == [(tmp_path / name).read_bytes() for name in ("made.py", "test_made.py")]


def test_what_cannot_be_generated_fails_in_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 'expr = "y**2 = x"\nsolve = "y"\nassume = "-2 < x < -1"')
    assert run("build") == 1
    assert "vjpgen.toml, function 1: the equation has no solution at x = -1." in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".py"] == []


@pytest.mark.parametrize(
    ("key", "made_by"),
    [("target", "_external"), ("equation", "_solution"), ("integrand", "_integral"), ("expr", "_formula")],
)
def test_each_kind_has_its_maker(key: str, made_by: str) -> None:
    assert build_worker._kind({key: ""}).__name__ == made_by
