"""Where a module and its tests may go."""

from __future__ import annotations

from pathlib import Path

from vjpgen.errors import OptionError

_HIDING = ("jax", "jaxlib", "numpy", "pytest", "math", "typing", "dataclasses")


def python_file(text: str, option: str) -> Path:
    """The file that an option names.

    Raises:
        OptionError: no module, or no tests, should be written to a file of that name.
    """
    path = Path(text)
    if path.is_dir():
        raise OptionError(f"{option} {text} is a folder", hint=f"name a file: {option} {path / 'NAME.py'}")
    if path.suffix != ".py":
        raise OptionError(f"{option} {text} is no Python file", hint=f"name it {path.name or 'NAME'}.py")
    if option != "--tests" and path.stem in _HIDING:
        hint = "choose another name for the file; --name names the function"
        raise OptionError(f"a file {path.name} would hide the module {path.stem} that it imports", hint=hint)
    if option != "--tests" and path.stem.startswith("test_"):
        raise OptionError(
            f"pytest would take {path.name} for a file of tests", hint=f"name it {path.name[5:]}"
        )
    return path


def suite_of(module: Path, name: str = "") -> Path:
    """Where the tests of a module, or of one function in it, go by default."""
    return module.with_name(f"test_{module.stem}{f'_{name}' if name else ''}.py")
