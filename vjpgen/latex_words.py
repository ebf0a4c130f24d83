"""What LaTeX's commands mean."""

from __future__ import annotations

from vjpgen.language import BY_NAME

_GREEK = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi omicron rho
    varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi
    Psi Omega ell hbar
"""
GREEK = tuple(_GREEK.split())
ACCENTS = ("hat", "bar", "tilde", "dot", "ddot", "check", "breve", "widehat", "widetilde", "overline")
FONTS = ("mathbf", "boldsymbol", "bm", "mathcal", "mathbb", "mathfrak", "vec")

FUNCTIONS = {
    **{name: name for name in ("sin", "cos", "tan", "sec", "csc", "cot", "sinh", "cosh", "tanh", "coth",
                               "exp", "arcsin", "arccos", "arctan", "max", "min")},
    "ln": "log", "log": "log", "lg": "log10", "arccot": "acot", "arcsec": "asec", "arccsc": "acsc",
    "sech": "sech", "csch": "csch",
}  # fmt: skip
"""Commands that are functions, by the language's name."""

OTHER_WORDS = {"cosec": "csc", "arsinh": "asinh", "arcosh": "acosh", "artanh": "atanh", "sgn": "sign",
               "ctg": "cot", "tg": "tan", "erf": "erf", "Erf": "erf", "logit": "logit", "atan_2": "atan2",
               "atan2": "atan2", "lb": "log2", "ld": "log2"}  # fmt: skip
"""Names in \\operatorname{...} beside those of the language."""

INVERSES = {"sin": "asin", "cos": "acos", "tan": "atan", "cot": "acot", "sec": "asec", "csc": "acsc",
            "sinh": "asinh", "cosh": "acosh", "tanh": "atanh", "coth": "acoth", "sech": "asech",
            "csch": "acsch", "erf": "erfinv"}  # fmt: skip
"""What a function with the power -1 is."""

RELATIONS = {"<": "lt", ">": "gt", "=": "eq", "le": "le", "leq": "le", "leqslant": "le", "ge": "ge",
             "geq": "ge", "geqslant": "ge", "ne": "ne", "neq": "ne", "lt": "lt", "gt": "gt"}  # fmt: skip
AND, OR, NOT = ("land", "wedge", "and"), ("lor", "vee", "or"), ("lnot", "neg", "not")
TIMES, OVER = ("cdot", "times", "ast", "*"), ("div", "/")
FENCES = {"(": ")", "[": "]", "left|": "right|", "|": "|", "lfloor": "rfloor", "lceil": "rceil"}
FENCED = {"left|": "abs", "|": "abs", "lfloor": "floor", "lceil": "ceil"}
ENDS = (*FENCES.values(), "}", ",", "&", "\\", "=", "<", ">", ".", "end")
IF, ELSE = ("if", "for", "when", "where"), ("otherwise", "else", "elsewhere")
SIGNS = (*RELATIONS, *AND, *OR, *NOT, *TIMES, *OVER, *FENCES, *ENDS)

_CALCULUS = ("belongs to calculus", "give the formula itself; vjpgen differentiates it")
_TERMS = ("has no fixed number of terms here", "write the terms out")
REFUSED = {
    **dict.fromkeys(("int", "iint", "oint", "partial", "nabla", "lim", "prime"), _CALCULUS),
    **dict.fromkeys(("sum", "prod", "bigcup", "bigcap"), _TERMS),
    **dict.fromkeys(("pm", "mp"), ("stands for two formulas", "write one of them")),
    **dict.fromkeys(("Vert", "lVert", "rVert"), ("is a norm of a vector", r"write \sqrt{x^2 + y^2}")),
    "infty": ("is no real number", ""),
    "dots": _TERMS, "ldots": _TERMS, "cdots": _TERMS,
}  # fmt: skip
"""What is not read: why, and what to write instead."""

UNCLEAR = ("f", "g", "h", "F", "G", "H", "sigma", "phi", "varphi", "psi", "Phi", "Psi", "W", "B", "J", "I")
"""Names that before a parenthesis are as often a function as a factor."""


def function(word: str) -> str:
    r"""The language's name of a function that is named by `\operatorname`; empty where there is none."""
    name = OTHER_WORDS.get(word, word)
    row = BY_NAME.get(name)
    return name if row is not None and row.takes == "real" and name != "Piecewise" else ""
