"""What the language means: precedence, exactness, names, definitions, several outputs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vjpgen.expr import Expr, call, const, num, show, var, where
from vjpgen.language import FUNCTIONS, reference
from vjpgen.parse import parse, parse_condition

x, y, z = var("x"), var("y"), var("z")


def one(text: str, **options: object) -> Expr:
    return parse(text, **options).outputs[0]  # type: ignore[arg-type]


def power(a: Expr, b: Expr | int) -> Expr:
    return call("pow", a, b if isinstance(b, Expr) else num(b))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + y*z", x + y * z),
        ("x - y - z", (x - y) - z),
        ("x / y / z", (x / y) / z),
        ("(x + y) - x", (x + y) - x),
        ("-x*y", (-x) * y),
        ("x - -y", x - (-y)),
        ("-x**2", -power(x, 2)),
        ("x**-y", power(x, -y)),
        ("x**-y**2", power(x, -power(y, 2))),
        ("x**y**z", power(x, power(y, z))),
        ("x^2 + 1", power(x, 2) + 1),
        ("x^y^z", power(x, power(y, z))),
        ("2*x^2", 2 * power(x, 2)),
        ("-2*x", num(-2) * x),
        ("+x", x),
        ("x*\ny", x * y),
        ("((x))**(2)", power(x, 2)),
        ("sqrt(x)", call("sqrt", x)),
        ("x**0.5", power(x, num(Fraction(1, 2)))),
        ("e**x", call("exp", x)),
    ],
)
def test_arithmetic_binds_as_a_reader_expects(text: str, expected: Expr) -> None:
    assert one(text) is expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1e+100", Fraction(10) ** 100),
        ("2.328306437e-10", Fraction("2.328306437e-10")),
        ("1_000", Fraction(1000)),
        ("1/3", Fraction(1, 3)),
        ("-2", Fraction(-2)),
        ("2**10", Fraction(1024)),
        ("10**-3", Fraction(1, 1000)),
        ("(1 + 1/2)*4", Fraction(6)),
        ("0**0", Fraction(1)),
    ],
)
def test_constants_are_exact(text: str, value: Fraction) -> None:
    assert one(text, args=["x"]) is num(value)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("x > 0 & y > 0", "(x > 0) and (y > 0)"),
        ("x > 0 | y > 0 & z > 0", "(x > 0) or ((y > 0) and (z > 0))"),
        ("0 < x < 1", "(0 < x) and (x < 1)"),
        ("0 < x <= y < 1", "((0 < x) and (x <= y)) and (y < 1)"),
        ("x > 0, y > 0", "x > 0 and y > 0"),
        ("x > 0, y > 0,", "x > 0 and y > 0"),
        ("not x > 0 and y > 0", "(not (x > 0)) and (y > 0)"),
        ("~(x > 0) & y > 0", "(not (x > 0)) and (y > 0)"),
        ("And(x > 0, y > 0, z > 0)", "(x > 0 and y > 0) and z > 0"),
        ("Ne(x, 0)", "x != 0"),
        ("((710 > x))", "710 > x"),
        ("x > 0 and 1 < 2", "x > 0"),
    ],
)
def test_conditions(text: str, same: str) -> None:
    names = ("x", "y", "z")
    assert parse_condition(text, names) is parse_condition(same, names)


@pytest.mark.parametrize(
    "text",
    [
        "Piecewise((x, x > 0), (y, True))",
        "where(x > 0, x, y)",
        "x if x > 0 else y",
        "Piecewise((x, x > 0), (y, x <= 0))",
        "Piecewise((x, x > 0), (y, 0 >= x))",
        "Piecewise(((x), ((x > 0))), (y, True),)",
        "Piecewise((z, False), (x, x > 0), (y, True), (z, True))",
    ],
)
def test_choices_mean_the_same(text: str) -> None:
    assert one(text, args=["x", "y", "z"]) is where(call("gt", x, num(0)), x, y)


def test_a_piecewise_that_does_not_cover_everything_becomes_an_assumption() -> None:
    spec = parse("Piecewise((x, x > 0), (y, x < -1))", assume=["y > 0"])
    assert spec.assume == (
        parse_condition("x > 0 or x < -1", spec.args),
        parse_condition("y > 0", spec.args),
    )
    assert any("Piecewise" in note for note in spec.notes)


def test_several_outputs() -> None:
    spec = parse("(r*cos(t), r*sin(t))")
    assert spec.several
    assert spec.args == ("r", "t")
    assert [show(e) for e in spec.outputs] == ["r * cos(t)", "r * sin(t)"]
    assert parse("((x, y))").outputs == (x, y)
    single = parse("(x,)")
    assert single.several
    assert single.outputs == (x,)


def test_arguments_come_in_the_order_in_which_they_first_appear() -> None:
    assert parse("(b if a > c else d)").args == ("b", "a", "c", "d")
    assert parse("y - x").args == ("y", "x")
    assert parse("y - x", args=["x", "y"]).args == ("x", "y")
    assert parse("y - x", args="x, y").args == ("x", "y")


def test_names_that_sympy_takes_for_itself_are_arguments() -> None:
    spec = parse("lambda_*beta + gamma - E*I*S*N*re + zeta + im_")
    assert spec.args == ("lambda_", "beta", "gamma", "E", "I", "S", "N", "re", "zeta", "im_")
    assert spec.notes == ()


def test_a_name_in_args_wins_over_a_constant_or_function() -> None:
    assert one("a*(1 - e*e)") is var("a") * (1 - const("e") * const("e"))
    assert one("a*(1 - e*e)", args=["a", "e"]) is var("a") * (1 - var("e") * var("e"))
    assert one("pi*exp", args=["pi", "exp"]) is var("pi") * var("exp")
    assert one("gamma(x)*beta") is call("gamma", x) * var("beta")


def test_an_unused_argument_is_noted() -> None:
    spec = parse("x", args=["x", "y"])
    assert spec.args == ("x", "y")
    assert any("y" in note and "zero" in note for note in spec.notes)


def test_a_constant_formula_needs_arguments_to_have_a_gradient() -> None:
    assert parse("2", args=["x"]).outputs == (num(2),)
    assert one("pi", args=["x"]) is const("pi")


def test_assumptions_are_split_into_conditions_that_all_hold() -> None:
    spec = parse("x*y", assume=["0 < x < 1 & y > 0", " y > 0, x != 1/2"])
    texts = ["0 < x", "x < 1", "y > 0", "x != 1/2"]
    assert spec.assume == tuple(parse_condition(t, ("x", "y")) for t in texts)
    assert spec.assume_text == ("0 < x < 1 & y > 0", "y > 0, x != 1/2")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("sigmoid(x)", "1/(1 + exp(-x))"),
        ("relu(x)", "where(x > 0, x, 0)"),
        ("clip(x, -1, y)", "min(max(x, -1), y)"),
        ("Heaviside(x)", "where(x > 0, 1, where(x < 0, 0, 1/2))"),
        ("heaviside(x, 1)", "where(x > 0, 1, where(x < 0, 0, 1))"),
        ("sinc(x)", "where(x == 0, 1, sin(pi*x)/(pi*x))"),
        ("silu(x)", "x/(1 + exp(-x))"),
        ("swish(x, y)", "x/(1 + exp(-(y*x)))"),
        ("elu(x)", "where(x > 0, x, exp(x) - 1)"),
        ("elu(x, y)", "where(x > 0, x, y*(exp(x) - 1))"),
        ("logsumexp(x, y, z)", "log(exp(x) + exp(y) + exp(z))"),
        ("Max(x, y, z)", "max(max(x, y), z)"),
        ("log(x, 2)", "log(x)/log(2)"),
        ("arcsin(x)", "asin(x)"),
        ("polygamma(0, x)", "digamma(x)"),
        ("besselj(-3, x)", "-besselj(3, x)"),
        ("besseli(-3, x)", "besseli(3, x)"),
        ("i0(x)", "besseli(0, x)"),
        ("mish(softplus(x))", "log(1 + exp(x))*tanh(log(1 + exp(log(1 + exp(x)))))"),
        ("sigmoid(2*x)", "1/(1 + exp(-(2*x)))"),
        ("loggamma(x)", "lgamma(x)"),
        ("sec(x)", "1/cos(x)"),
    ],
)
def test_definitions(text: str, same: str) -> None:
    args = ["x", "y", "z"]
    assert one(text, args=args) is one(same, args=args)


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.names[0])
def test_every_function_of_the_table_can_be_written(row: object) -> None:
    from vjpgen.language import Function

    assert isinstance(row, Function)
    if row.names[0] == "Piecewise":
        return
    operands = ["x", "y", "z"][: len(row.params)]
    if "whole number" in row.remark and row.kind == "special":
        operands[0] = "3"
    if row.takes == "bool":
        operands = [f"{o} > 0" for o in operands]
    if row.takes == "where":
        operands[0] = "x > 0"
    for name in row.names:
        text = f"{name}({', '.join(operands)})"
        if row.takes == "bool" or (row.section.startswith("Choices") and row.takes == "real"):
            parse_condition(text, ("x", "y", "z"))
        else:
            assert parse(text).args
            assert row.most is None or len(operands) <= row.most


def test_the_reference_page_is_the_table(root: object, update: bool) -> None:
    from pathlib import Path

    page = Path(str(root)) / "docs" / "language.md"
    if update:
        page.write_text(reference())
    assert page.read_text() == reference()
