"""Choices in LaTeX: the environment `cases`, and conditions."""

from __future__ import annotations

from vjpgen.expr import Expr
from vjpgen.functions import build, choose, fold, implied_by
from vjpgen.latex_reader import LatexReader
from vjpgen.latex_tokens import Token
from vjpgen.latex_words import AND, ELSE, IF, NOT, OR, RELATIONS


class Choices(LatexReader):
    """The part of the grammar that is about conditions."""

    def cases(self, begun: Token) -> Expr:
        r"""`\begin{cases} a & x > 0 \\ b & \text{otherwise} \end{cases}`."""
        name = self.environment(begun)
        if name not in ("cases", "dcases"):
            self.refuse(f"the environment {name} is not read", begun, "cases is")
        rows: list[tuple[Expr, Expr]] = []
        self.nested += 1
        while not self.at("end") or self.peek().kind == "command":
            if self.peek().kind == "command" and self.skip("end"):
                break
            rows.append(self.case())
            if not self.skip("\\") and not self.at("end"):
                self.misplaced()
        else:
            self.refuse("this environment never ends", begun)
        self.environment(begun)
        self.nested -= 1
        if not rows:
            self.refuse("there are no cases here", begun)
        gap = implied_by(tuple(condition for _, condition in rows))
        if gap is not None and self.nested:
            self.refuse(
                "cases within others need a value for every case", begun, r"end with \text{otherwise}"
            )
        self.implied += [gap] if gap is not None else []
        result = rows[-1][0]
        for value, condition in reversed(rows[:-1]):
            result = choose(condition, value, result)
        return result

    def case(self) -> tuple[Expr, Expr]:
        value = self.sum()
        self.skip(",")
        self.expect("&")
        self.skip(*IF)
        if self.skip(*ELSE):
            self.skip(".")
            return value, build("true")
        condition = self.condition()
        self.skip(".", ",")
        return value, condition

    def condition(self) -> Expr:
        total = self.conjunction()
        while self.skip(*OR):
            total = build("or", total, self.conjunction())
        return total

    def conjunction(self) -> Expr:
        total = self.relation()
        while self.skip(*AND):
            total = build("and", total, self.relation())
        return total

    def relation(self) -> Expr:
        if self.at(*NOT):
            self.deeper(self.next())
            negated = build("not", self.relation())
            self.depth -= 1
            return negated
        start = self.index
        if self.skip("(") and self.looks_like_condition():
            self.deeper(self.peek())
            inner = self.condition()
            self.depth -= 1
            self.expect(")")
            return inner
        self.rewind(start)
        left = self.sum()
        found: list[Expr] = []
        while self.at(*RELATIONS):
            op = RELATIONS[self.next().text]
            right = self.sum()
            found.append(build(op, left, right))
            left = right
        if not found:
            self.refuse("a condition is expected here, such as x > 0", self.peek())
        return fold("and", tuple(found))

    def looks_like_condition(self) -> bool:
        """Whether a relation stands before the parenthesis that was opened closes."""
        depth = 1
        for token in self.tokens[self.index :]:
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                return False
            if token.text in RELATIONS and depth == 1:
                return True
        return False
