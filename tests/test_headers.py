"""The commands in headers: what each kind of function writes there is read back as the same function."""

from __future__ import annotations

import pytest

from vjpgen import external, headers
from vjpgen.errors import InputError
from vjpgen.implicit import read_equation, read_inverse
from vjpgen.integral import read_integral

FUNCTIONS = {
    "equation": read_equation(
        "y**3 + a*y = x", "y", name="cubic", args="x,a", assume=["a > 0", "y < 1e9"], guess="x/a"
    ),
    "inverse": read_inverse("x + exp(x)", assume=["abs(x) < 9"]),
    "integral": read_integral("exp(-t*x)", "t=0..oo", name="g", assume=["x > 0"]),
    "external": external.read(
        "scipy.special:jv", args="v,x", grad=[("x", "(jv(v - 1, x) - j(v + 1, x))/2")], stop=("v",),
        also=[("j", "scipy.special:jv")], elementwise=True, call_dtype="same", assume=["x > 0"],
    ),
}  # fmt: skip
PLACES = ("--effort", "high", "-o", "f.py", "--tests", "tests/test_f.py")


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_what_was_asked_for_is_read_back(kind: str) -> None:
    spec = FUNCTIONS[kind]
    command = ("vjpgen", *spec.words, *PLACES)
    given = headers.options(command)
    assert given is not None
    assert (given.kind, given.get("--tests")) == (kind, "tests/test_f.py")
    found = headers.asked(given)
    assert found.spec == spec
    assert headers.name(command) == spec.name
    assert found.title.startswith(f"{headers.call(spec)} = ")


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("rm", "x"),
        ("vjpgen",),
        ("vjpgen", "x", "--over", "t=0..1"),
        ("vjpgen", "y = x", "--solve", "y", "--grad", "x=1"),
        ("vjpgen", "--integral", "t*x", "--over", "t=0..1", "--over", "t=0..2"),
        ("vjpgen", "--inverse", "x", "--elementwise"),
        ("vjpgen", "--external", "os:getpid", "--exec", "x"),
    ],
    ids=str,
)
def test_other_commands_are_none_of_ours(command: tuple[str, ...]) -> None:
    assert headers.options(command) is None


@pytest.mark.parametrize("words", ["--inverse=y y", "--integral=t --over=0", "--external=os --args=x"])
def test_refused_commands_raise(words: str) -> None:
    pairs = [w.partition("=") for w in words.split(" --")]
    command = ["vjpgen", *(part for name, _, value in pairs for part in (f"--{name.lstrip('-')}", value))]
    given = headers.options(command)
    assert given is not None
    with pytest.raises(InputError):
        headers.asked(given)
