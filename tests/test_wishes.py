"""What the gradient is meant to be, as text: what is read, what is refused and how."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from vjpgen.errors import InputError, OptionError, ParseError
from vjpgen.expr import num, show
from vjpgen.parse import parse
from vjpgen.presets import BY_NAME, PRESETS, reference
from vjpgen.spec import Meant, Spec
from vjpgen.wishes import Wishes, pairs


def spec(text: str, args: tuple[str, ...] | None = None, **wishes: object) -> Spec:
    return parse(text, args=args, wishes=Wishes(**wishes))  # type: ignore[arg-type]


def meant(text: str, args: tuple[str, ...] | None = None, **wishes: object) -> Meant:
    found = spec(text, args, **wishes).meant
    assert found is not None
    return found


def test_without_wishes_the_gradient_is_the_derivative() -> None:
    found = spec("round(x)")
    assert found.meant is None
    assert found.linear
    assert found.derived(0, 0)
    assert found.label("", 0, 0) == "d/dx"


def test_a_formula() -> None:
    found = spec("round(x)*y", grad=(("x", "y*exp(x)"),))
    assert found.meant is not None
    assert show(found.meant.formulas[0][0] or num(0)) == "y * exp(x)"
    assert found.meant.formulas[0][1] is None
    assert (found.changed(0, 0), found.changed(0, 1)) == (True, False)
    assert (found.label("", 0, 0), found.label("", 0, 1)) == ("grad x", "d/dy")
    assert found.meant.stated == ("The gradient to x is y*exp(x).",)


def test_one_formula_per_output() -> None:
    found = meant("(round(x), x*y)", grad=(("x", "(1, y)"),))
    assert [show(row[0] or num(0)) for row in found.formulas] == ["1", "y"]


def test_factor_and_mask_go_around_a_formula() -> None:
    found = meant("round(x)", grad=(("x", "x**2"),), scale=(("x", "-1/2"),), mask=("x > 0", "x < 1"))
    formula = found.formula(0, 0)
    assert formula is not None
    assert show(formula) == "where(x > 0 and x < 1, (-1/2) * x**2, 0)"
    assert found.stated == ("The gradient to x is -1/2 times x**2.", "It is 0 except where x > 0 and x < 1.")


def test_a_stopped_argument_is_zero_whatever_the_mask() -> None:
    found = meant("x*y", stop=("y",), mask=("x > 0",))
    assert found.formula(0, 1) is num(0)
    assert found.formula(0, 0) is None
    assert "No gradient flows to y." in found.stated


def test_arguments_are_renamed_in_every_wish() -> None:
    found = spec("abs*x", ("x", "abs"), grad=(("abs", "abs*x"),), mask=("abs > 0",))
    assert found.args == ("x", "abs_")
    assert found.meant is not None
    assert found.meant.words == (("--grad", "abs_=abs_*x"), ("--grad-mask", "abs_ > 0"))


def test_what_a_gradient_alone_uses_has_a_partial_of_zero() -> None:
    found = spec("round(x)", ("x", "k"), grad=(("x", "k"),))
    assert found.notes == ("the formula does not use k: its partial is zero",)
    assert spec("round(x)", ("x", "k"), grad=(("x", "k"), ("k", "0"))).notes == ()


@pytest.mark.parametrize("row", PRESETS, ids=lambda row: row.name)
def test_presets(row: object) -> None:
    name = row.name  # type: ignore[attr-defined]
    found = meant("round(x)", surrogate=(("x", name),))
    assert found.formulas[0][0] is not None
    assert BY_NAME[name].source in found.stated[0]
    assert name in found.stated[0]


def test_a_preset_takes_an_operand_and_parameters() -> None:
    found = meant("Heaviside(u - 1)", surrogate=(("u", "fast-sigmoid(u - 1, 25)"),))
    assert show(found.formulas[0][0] or num(0)) == "1 / (1 + abs(25 * (u - 1)))**2"


def test_an_argument_may_be_called_like_a_preset() -> None:
    found = meant("round(sigmoid)", grad=(("sigmoid", "sigmoid"),))
    assert show(found.formulas[0][0] or num(0)) == "sigmoid"
    found = meant("round(triangle)", surrogate=(("triangle", "triangle"),))
    assert show(found.formulas[0][0] or num(0)) == "max(0, 1 - abs(triangle))"


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("-1:1", (-1.0, 1.0)),
        ("-1/4:0.5", (-0.25, 0.5)),
        ("-pi:", (-math.pi, math.inf)),
        (":2", (-math.inf, 2.0)),
        ("0:1", (0.0, 1.0)),
    ],
)
def test_bounds(text: str, bounds: tuple[float, float]) -> None:
    found = spec("x", clip=(("x", text),))
    assert found.clips == (bounds,)
    assert not found.linear
    assert not found.changed(0, 0)


REFUSED = [
    ({"grad": (("z", "1"),)}, "--grad: 'z' is not among the arguments (x, y)", "add it with --args"),
    ({"stop": ("xx",)}, "--stop: 'xx' is not among", "did you mean x?"),
    ({"stop": ("x", "x")}, "--stop is given twice for 'x'", "once"),
    ({"grad": (("x", "1"), ("x", "2"))}, "--grad is given twice for 'x'", "once"),
    ({"stop": ("x",), "grad": (("x", "1"),)}, "--stop x and --grad x=1 contradict", "leave one of them out"),
    ({"stop": ("x",), "clip": (("x", "-1:1"),)}, "--stop x and --grad-clip x=-1:1 contradict", "leave one"),
    ({"grad": (("x", "1"),), "surrogate": (("x", "sigmoid"),)}, "--grad x=1 and --surrogate", "leave one"),
    ({"grad": (("x", "k*x"),)}, "'k' is not among the arguments (x, y)", "add k to the arguments"),
    ({"grad": (("x", "(1, 2)"),)}, "1 output, and --grad x=... has 2", "write one formula"),
    ({"grad": (("x", "sigmoid"),)}, "'sigmoid' is the name of a preset", "--surrogate x=sigmoid"),
    ({"grad": (("x", "straight-through"),)}, "is the name of a preset", "--surrogate x=straight-through"),
    ({"grad": (("x", "x > 0"),)}, "a number is expected", ""),
    ({"grad": (("x", "__import__('os')"),)}, "never evaluated as Python", ""),
    ({"grad": (("x", "Piecewise((1, x > 0))"),)}, "a value for every case", "(value, True)"),
    ({"surrogate": (("x", "sigmod"),)}, "there is no preset 'sigmod'", "did you mean sigmoid?"),
    ({"surrogate": (("x", "x**2"),)}, "there is no preset 'x**2'", "a formula goes to --grad x"),
    ({"surrogate": (("x", "triangle(x, 1, 2)"),)}, "at most 2 operands, not 3", "triangle(x, height=1)"),
    ({"surrogate": (("x", "boxcar(x, 0)"),)}, "division by zero", "another parameter"),
    ({"scale": (("x", "(1, 2)"),)}, "takes one formula", "--grad-scale x=-1"),
    ({"clip": (("x", "1"),)}, "takes ARGUMENT=LOW:HIGH", "--grad-clip x=-1:1"),
    ({"clip": (("x", "1:-1"),)}, "the lower bound comes first", "--grad-clip x=-1:1"),
    ({"clip": (("x", "1:2"),)}, "have to hold 0", "--grad-scale"),
    ({"clip": (("x", "0:0"),)}, "leaves no gradient", "--stop x"),
    ({"clip": (("x", ":"),)}, "has no bound", "-1:1"),
    ({"clip": (("x", "-y:y"),)}, "a constant, not -y", "-1:1"),
    ({"mask": ("1 > 0",)}, "'1 > 0' is true everywhere", "leave it out"),
    ({"mask": ("x",)}, "a condition is expected", ""),
]


@pytest.mark.parametrize(("wishes", "message", "hint"), REFUSED, ids=lambda v: str(v)[:40])
def test_refused(wishes: dict[str, object], message: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        spec("x*y", ("x", "y"), **wishes)
    assert refused.value.exit_status == 2
    assert message in str(refused.value)
    assert hint in refused.value.hint


def test_several_outputs_take_several_formulas() -> None:
    with pytest.raises(OptionError, match=r"2 outputs, and --grad x=\.\.\. has 1"):
        spec("(x, y)", grad=(("x", "1"),))
    with pytest.raises(OptionError, match="one output"):
        spec("(x, y)", surrogate=(("x", "sigmoid"),))


def test_the_caret_stands_in_the_formula_of_the_gradient() -> None:
    with pytest.raises(ParseError) as refused:
        spec("x", grad=(("x", "1 + )"),))
    assert (refused.value.text, refused.value.position) == ("1 + )", 4)


def test_words_of_the_command() -> None:
    assert pairs("grad", ["x=1", "y = x == 1"]) == (("x", "1"), ("y", "x == 1"))
    with pytest.raises(OptionError, match="given twice for 'x'"):
        pairs("clip", ["x=-1:1", "x=-2:2"])
    with pytest.raises(OptionError, match="takes ARGUMENT=FORMULA, not '1'") as refused:
        pairs("grad", ["1"])
    assert refused.value.hint == "write --grad x=1"


def test_the_page_is_the_table(root: Path, update: bool) -> None:
    page = root / "docs" / "gradients.md"
    if update:
        page.write_text(reference())
    assert page.read_text() == reference()
