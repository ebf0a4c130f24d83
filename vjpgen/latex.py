r"""LaTeX to formulas of the language.

sympy can read LaTeX too, with the library lark (antlr4, its other way, was not tried). As of sympy 1.14 that
grammar reads neither `cases` nor `\operatorname{erf}`, finds five meanings of `\tanh\left(x\right)`, loses
the place of a mistake, and sympy rewrites what it read. What has two readings here is refused, not guessed.
"""

from __future__ import annotations

from fractions import Fraction

from vjpgen.expr import Expr, num, variables
from vjpgen.formula import Formula, compose
from vjpgen.functions import fold
from vjpgen.latex_choices import Choices
from vjpgen.latex_tokens import Token
from vjpgen.latex_words import (
    AND,
    ENDS,
    FENCED,
    FENCES,
    FUNCTIONS,
    INVERSES,
    OR,
    OVER,
    RELATIONS,
    TIMES,
    UNCLEAR,
    function,
)
from vjpgen.parse import short


def from_latex(text: str) -> Formula:
    r"""The formula of a text in LaTeX, for `generate`.

    Args:
        text: such as `\log(1+e^x)`, with or without dollar signs; an equation such as `f(x, y) = x^y` names
            the function and the order of its arguments.

    Raises:
        InputError: something in it is not read, or has two readings; says where.
    """
    short(text, "formula")
    return _Latex(text).formula()


class _Latex(Choices):
    """One text being read, by `formula`, once."""

    def formula(self) -> Formula:
        name, order = self.head()
        outputs, several = self.outputs()
        self.skip(".", ",")
        if not self.at("end"):
            self.misplaced()
        found = variables(*outputs) if order is None else order
        missing = [v for v in variables(*outputs) if v not in found]
        if missing:
            self.refuse(f"{missing[0]} is not among the arguments of {name}", self.first[missing[0]])
        notes = ("read from LaTeX",)
        return compose(outputs, found, several=several, assume=self.implied, name=name, notes=notes,
                       spelled=self.spelled)  # fmt: skip

    def head(self) -> tuple[str | None, tuple[str, ...] | None]:
        """The name and the arguments on the left of an equals sign, where there is one."""
        depth = 0
        for token in self.tokens:
            depth += (token.text in ("(", "{")) - (token.text in (")", "}"))
            if token.text == "begin":
                return None, None
            if token.text == "=" and token.kind == "sign" and depth == 0:
                break
        else:
            return None, None
        name = self.symbol(self.next())
        order: list[str] | None = None
        if self.skip("("):
            order = [self.symbol(self.next())]
            while self.skip(","):
                order.append(self.symbol(self.next()))
            self.expect(")")
        if not self.at("="):
            hint = "write f(x) = ... or the right-hand side alone"
            self.refuse(
                "on the left of an equals sign a name is expected, with its arguments", self.peek(), hint
            )
        self.next()
        self.first.clear()
        self.given = tuple(order or ())
        return name, self.given or None

    def outputs(self) -> tuple[tuple[Expr, ...], bool]:
        """The formula, or those of a tuple in parentheses."""
        start = self.index
        if self.skip("("):
            items = self.items(")")
            if len(items) > 1 and self.skip(")") and (self.at("end", ".")):
                return tuple(items), True
            self.rewind(start)
        return (self.sum(),), False

    def items(self, *closing: str) -> list[Expr]:
        found = [self.sum()]
        while self.skip(","):
            found.append(self.sum())
        if not self.at(*closing):
            self.misplaced()
        return found

    # sums, products, powers

    def sum(self) -> Expr:
        negative = self.at("-")
        self.skip("+", "-")
        at = self.peek()
        total = self.product()
        total = self.build("neg", at, total) if negative else total
        while self.at("+", "-"):
            at = self.next()
            total = self.build("add" if at.text == "+" else "sub", at, total, self.product())
        return total

    def product(self) -> Expr:
        total = self.signed()
        divided: Token | None = None
        while not self.ends_product():
            at = self.peek()
            if self.skip(*TIMES):
                total, divided = self.build("mul", at, total, self.signed()), None
            elif self.skip(*OVER):
                total, divided = self.build("div", at, total, self.signed()), at
            else:
                if divided is not None:
                    self.refuse(
                        "this can be meant in two ways", divided, r"write \frac{...}{...} or parentheses"
                    )
                total = self.build("mul", at, total, self.juxtaposed())
        return total

    def juxtaposed(self) -> Expr:
        """A factor without a sign before it."""
        if self.peek().kind == "number":
            self.refuse(
                "a number after a factor needs a sign", self.peek(), r"write \cdot, or _{...} for a subscript"
            )
        return self.power()

    def ends_product(self) -> bool:
        """Whether what follows is no factor; a bar closes what a bar opened, or opens a factor."""
        if self.at("|"):
            return "|" in self.bars[-1:]
        return self.at("+", "-", *ENDS, *RELATIONS, *AND, *OR)

    def signed(self) -> Expr:
        """A factor, which after an operator may begin with a minus sign."""
        at = self.peek()
        return self.build("neg", at, self.signed_again()) if self.skip("-") else self.power()

    def signed_again(self) -> Expr:
        if self.at("-"):
            self.refuse("two signs follow each other", self.peek())
        return self.power()

    def power(self) -> Expr:
        at = self.peek()
        base = self.base()
        raised = False
        while self.at("^", "!"):
            sign = self.next()
            if sign.text == "!":
                base = self.build_text("factorial(x)", sign, base)
                continue
            if raised:
                self.refuse("a second power needs parentheses", sign, "write {(x^a)}^b or x^{a^b}")
            base, raised = self.build("pow", at, base, self.argument(sign)), True
        return base

    def thing(self, token: Token) -> Expr:
        if token.kind == "number":
            return self.number(token)
        if token.text in FENCES and token.kind != "word":
            return self.fenced(token)
        if token.text == "{" and token.kind == "sign":
            value = self.sum()
            self.expect("}")
            return value
        if token.kind == "command" and token.text in ("frac", "dfrac", "tfrac", "cfrac"):
            top = self.argument(token)
            return self.build("div", token, top, self.argument(token))
        if token.text == "sqrt" and token.kind == "command":
            return self.root(token)
        if token.text == "binom" and token.kind == "command":
            top = self.argument(token)
            return self.build_text("binomial(x, y)", token, top, self.argument(token))
        if token.text == "begin" and token.kind == "command":
            return self.cases(token)
        if named := self.function_named(token):
            return self.function(token, named)
        name = self.symbol(token)
        if self.at("(") and name.partition("_")[0] in UNCLEAR:
            hint = r"write \operatorname{...}(...), or \cdot for a product"
            self.refuse(f"'{name}' before a parenthesis may be a function or a factor", token, hint)
        return self.known(name, token)

    def fenced(self, opened: Token) -> Expr:
        closing = FENCES[opened.text]
        self.bars.append(closing)
        value = self.sum()
        self.bars.pop()
        if not self.skip(closing):
            if self.at("end"):
                self.refuse("this is never closed", opened)
            self.misplaced()
        op = FENCED.get(opened.text)
        return self.build(op, opened, value) if op else value

    def root(self, token: Token) -> Expr:
        if not self.skip("["):
            return self.build("sqrt", token, self.argument(token))
        degree = self.sum()
        self.expect("]")
        x = self.argument(token)
        if degree is num(2):
            return self.build("sqrt", token, x)
        if degree is num(3):
            return self.build("cbrt", token, x)
        return self.build("pow", token, x, self.build("div", token, num(1), degree))

    # functions

    def function_named(self, token: Token) -> str:
        if token.kind == "command":
            called = token.text == "Gamma" and (self.at("(") or self.at("{"))
            return "gamma" if called else FUNCTIONS.get(token.text, "")
        return function(token.text) if token.kind == "word" else ""

    def function(self, token: Token, name: str) -> Expr:
        power: Expr | None = None
        base: Expr | None = None
        while self.at("^", "_"):
            sign = self.next()
            if sign.text == "^":
                power = self.argument(sign)
            elif name == "log":
                base = self.argument(sign)
            else:
                self.refuse(f"a subscript of {name} is not read", sign)
        if power is num(-1):
            if name not in INVERSES:
                self.refuse(
                    "this can be meant in two ways", token, r"write \frac{1}{...} or the inverse's name"
                )
            name, power = INVERSES[name], None
        operands = self.operands(token)
        names = ", ".join(("x", "y", "z")[: len(operands)])
        order = (
            operands[0].value if name in ("polygamma", "besselj", "besseli") and len(operands) == 2 else None
        )
        if isinstance(order, Fraction):
            return self.build_text(f"{name}({order}, x)", token, operands[1])
        if base is not None and len(operands) == 1:
            value = self.build_text(self.based(base), token, operands[0], base)
        elif name in ("max", "min") and len(operands) > 1:
            value = fold(name, tuple(operands))
        elif len(operands) > 3:
            self.refuse(f"{name} does not take {len(operands)} arguments", token)
        else:
            value = self.build_text(f"{name}({names})", token, *operands)
        return value if power is None else self.build("pow", token, value, power)

    @staticmethod
    def based(base: Expr) -> str:
        return {num(2): "log2(x)", num(10): "log10(x)"}.get(base, "log(x)/log(y)")

    def operands(self, token: Token) -> list[Expr]:
        """What a function is applied to: what stands in parentheses, or the product that follows."""
        braced = self.skip("{")
        if self.at("(", "["):
            closing = FENCES[self.next().text]
            found = self.items(closing)
            self.next()
        elif braced:
            found = self.items("}")
        else:
            return [self.bare(token)]
        if braced:
            self.expect("}")
        return found

    def bare(self, token: Token) -> Expr:
        """The argument of a function without parentheses: a product, up to the next function."""
        at = self.peek()
        negative = self.skip("-")
        total = self.power()
        while not self.ends_product() and not self.at(*TIMES) and not self.ahead_function():
            following = self.peek()
            if following.kind != "letter" and following.text in (*OVER, *FENCES):
                hint = f"write \\{token.text}(...) with parentheses"
                self.refuse("this can be meant in two ways", token, hint)
            total = self.build("mul", following, total, self.juxtaposed())
        return self.build("neg", at, total) if negative else total

    def ahead_function(self) -> bool:
        token = self.peek()
        return bool(self.function_named(token)) or token.text == "begin"
