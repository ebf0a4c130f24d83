"""Rewrite rules: identities of a few operations each, as rows of data.

A row reads `name: left -> right if guards`; `<->` goes both ways. Patterns are over a, b, c, d, which match
anything; functions are operations of `ops.OPS`; `a**2` is the operation square. Guards are facts that the
e-graph knows of a class: nz (nowhere identically 0), pos (> 0), nonneg (>= 0). Facts come from the sampled
domain and from structure. A test samples every row against exact arithmetic, tails included.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from vjpgen.expr import Expr, call, num, var


@dataclass(frozen=True, slots=True)
class Rule:
    """One directed identity.

    Attributes:
        name: unique name.
        left: the pattern.
        right: what it equals.
        guards: (fact, pattern) pairs that have to hold.
        group: number of the block it stands in; the rules of a block are run together.
        source: where the identity comes from.
    """

    name: str
    left: Expr
    right: Expr
    guards: tuple[tuple[str, Expr], ...]
    group: int
    source: str


_FIELD = "ordered field axioms"
_EXPLOG = "laws of exponents and logarithms"
_KAHAN = "Kahan, Branch Cuts for Complex Elementary Functions (1987); Goldberg, What Every Computer Scientist (1991)"
_DLMF4 = "DLMF chapter 4"
_DLMF7 = "DLMF 7.4, 7.7"

_TEXT: tuple[tuple[str, str], ...] = (
    (_FIELD, """
        add-commutes: a + b -> b + a
        mul-commutes: a * b -> b * a
    """),
    (_FIELD, """
        div-of-div: a / (b / c) -> (a * c) / b if nz(c)
        factor-one: a * b + a -> a * (b + 1)
        factor-one-sub: a * b - a -> a * (b - 1)
        factor-sub-one: a - a * b -> a * (1 - b)
        double: a + a -> 2 * a
        sub-neg: a - b <-> a + (-b)
        neg-sub: -(a - b) -> b - a
        sub-swap: a - b -> -(b - a)
        neg-add: -(a + b) -> (-a) - b
        neg-mul: -(a * b) <-> (-a) * b
        neg-div: -(a / b) <-> (-a) / b
        div-neg: a / (-b) -> -(a / b)
        neg-neg: -(-a) -> a
        minus-one: (-1) * a <-> -a
        cancel: a / a -> 1 if nz(a)
        sub-self: a - a -> 0
        mul-one: a * 1 -> a
        div-one: a / 1 -> a
        add-zero: a + 0 -> a
        sub-zero: a - 0 -> a
        zero-sub: 0 - a -> -a
        mul-zero: a * 0 -> 0
        zero-div: 0 / a -> 0 if nz(a)
        one-over-one-over: 1 / (1 / a) -> a
        cancel-mul: (a * b) / a -> b if nz(a)
        cancel-common: (a * b) / (a * c) -> b / c if nz(a)
        share-sum: a / (a + b) -> 1 / (1 + b / a) if nz(a)
        share-sum-sub: a / (a - b) -> 1 / (1 - b / a) if nz(a)
        add-sub-cancel: (a + b) - a -> b
        sub-add-cancel: (a - b) + b -> a
        sub-common: (a + b) - (a + c) -> b - c
        halves: a / 2 + a / 2 -> a
    """),
    ("difference of squares and cubes; " + _KAHAN, """
        square: a * a <-> a**2
        square-diff: a**2 - b**2 <-> (a - b) * (a + b)
        square-minus-one: a**2 - 1 -> (a - 1) * (a + 1)
        one-minus-square: 1 - a**2 -> (1 - a) * (1 + a)
        square-div: a**2 / b**2 <-> (a / b)**2
        square-mul: a**2 * b**2 <-> (a * b)**2
        square-neg: (-a)**2 -> a**2
        square-abs: abs(a)**2 -> a**2
        square-over: a**2 / a -> a if nz(a)
        over-square: a / a**2 -> 1 / a if nz(a)
        square-add: (a + b)**2 -> a**2 + 2 * (a * b) + b**2
        square-sub: (a - b)**2 -> a**2 - 2 * (a * b) + b**2
        square-complete: a**2 + 2 * (a * b) + b**2 -> (a + b)**2
        square-one-plus: (1 + a)**2 - 1 -> a * (2 + a)
        cube: a**3 <-> a * a**2
        cube-over: a**3 / a -> a**2 if nz(a)
        cube-square: a**3 / a**2 -> a if nz(a)
        over-cube: a / a**3 -> 1 / a**2 if nz(a)
        cube-diff: a**3 - b**3 -> (a - b) * (a**2 + a * b + b**2)
        cube-mul: a**3 * b**3 <-> (a * b)**3
        fourth: (a**2)**2 <-> a**4
    """),
    ("absolute value and sign", """
        abs-neg: abs(-a) -> abs(a)
        abs-mul: abs(a * b) <-> abs(a) * abs(b)
        abs-div: abs(a / b) <-> abs(a) / abs(b)
        abs-abs: abs(abs(a)) -> abs(a)
        abs-square: abs(a**2) -> a**2
        abs-positive: abs(a) -> a if nonneg(a)
        sign-positive: sign(a) -> 1 if pos(a)
        sign-abs: sign(a) * abs(a) -> a
        sign-times: a * sign(a) -> abs(a)
        sign-square: sign(a)**2 -> 1 if nz(a)
        sign-neg: sign(-a) -> -sign(a)
        over-abs: a / abs(a) -> sign(a) if nz(a)
        abs-over: abs(a) / a -> sign(a) if nz(a)
        sign-over: sign(a) / abs(a) -> 1 / a if nz(a)
        abs-sqrt: abs(sqrt(a)) -> sqrt(a)
    """),
    ("rationalising roots; " + _KAHAN, """
        sqrt-diff: sqrt(a) - sqrt(b) -> (a - b) / (sqrt(a) + sqrt(b)) if pos(a), nonneg(b)
        sqrt-minus: sqrt(a) - b -> (a - b**2) / (sqrt(a) + b) if pos(b)
        minus-sqrt: b - sqrt(a) -> (b**2 - a) / (sqrt(a) + b) if pos(b)
        sqrt-square-minus: sqrt(b**2 + a) - b -> a / (sqrt(b**2 + a) + b) if pos(b)
        sqrt-square-minus-neg: sqrt(b**2 - a) - b -> (-a) / (sqrt(b**2 - a) + b) if pos(b)
        sqrt-square-plus: sqrt(b**2 + a) + b -> a / (sqrt(b**2 + a) - b) if nz(a)
        sqrt-of-square: sqrt(a**2) -> abs(a)
        square-of-sqrt: sqrt(a)**2 -> a
        sqrt-times-sqrt: sqrt(a) * sqrt(a) -> a
        over-sqrt: a / sqrt(a) -> sqrt(a) if pos(a)
        sqrt-over: sqrt(a) / a -> 1 / sqrt(a) if pos(a)
        sqrt-mul: sqrt(a * b) <-> sqrt(a) * sqrt(b) if nonneg(a), nonneg(b)
        sqrt-div: sqrt(a / b) <-> sqrt(a) / sqrt(b) if nonneg(a), pos(b)
        sqrt-square-factor: sqrt(a**2 * b) -> abs(a) * sqrt(b) if nonneg(b)
        cube-of-sqrt: sqrt(a)**3 -> a * sqrt(a)
    """),
    ("Euclidean norm: Moler and Morrison (1983)", """
        hypot-of: sqrt(a**2 + b**2) <-> hypot(a, b)
        hypot-one: sqrt(1 + a**2) -> hypot(1, a)
        hypot-one-right: sqrt(a**2 + 1) -> hypot(1, a)
        hypot-sqrt: sqrt(a**2 + b) -> hypot(a, sqrt(b)) if nonneg(b)
        hypot-square: hypot(a, b)**2 -> a**2 + b**2
        hypot-minus: hypot(b, a) - b -> a * (a / (hypot(b, a) + b)) if pos(b)
        hypot-commutes: hypot(a, b) -> hypot(b, a)
        hypot-scale: hypot(1, a / b) -> hypot(b, a) / abs(b) if nz(b)
        hypot-unscale: hypot(b, a) -> abs(b) * hypot(1, a / b) if nz(b)
        square-over-sum: a**2 / (a**2 + b**2) -> (a / hypot(a, b))**2
        one-over-hypot-square: 1 / (a**2 + b**2) -> (1 / hypot(a, b))**2
    """),
    (_EXPLOG, """
        exp-add: exp(a + b) <-> exp(a) * exp(b)
        exp-sub: exp(a - b) <-> exp(a) / exp(b)
        exp-neg: exp(-a) <-> 1 / exp(a)
        over-exp: b / exp(a) <-> b * exp(-a)
        square-exp: exp(a)**2 <-> exp(2 * a)
        exp-halves: exp(a) -> exp(a / 2)**2
        sqrt-exp: sqrt(exp(a)) -> exp(a / 2)
        exp-log: exp(log(a)) -> a if pos(a)
        log-exp: log(exp(a)) -> a
        exp-a-log: exp(a * log(b)) -> b ** a if pos(b)
        log-mul: log(a * b) <-> log(a) + log(b) if pos(a), pos(b)
        log-div: log(a / b) <-> log(a) - log(b) if pos(a), pos(b)
        log-inverse: log(1 / a) -> -log(a) if pos(a)
        log-sqrt: log(sqrt(a)) -> log(a) / 2 if pos(a)
        log-root: log(a) -> 2 * log(sqrt(a)) if pos(a)
        log-square: log(a**2) -> 2 * log(abs(a)) if nz(a)
        twice-log: 2 * log(a) -> log(a**2) if pos(a)
        log-sum: log(a + b) -> log(a) + log1p(b / a) if pos(a)
        log-diff: log(a - b) -> log(a) + log1p(-(b / a)) if pos(a)
        log-minus-log: log(a) - log(b) -> log1p((a - b) / b) if pos(a), pos(b)
        log-quotient: log(a / b) -> log1p((a - b) / b) if pos(a), pos(b)
        log1p-minus-log1p: log1p(a) - log1p(b) -> log1p((a - b) / (1 + b))
        log-hypot: log(hypot(a, b)) -> log(a**2 + b**2) / 2
    """),
    (_KAHAN, """
        expm1: exp(a) - 1 <-> expm1(a)
        one-minus-exp: 1 - exp(a) -> -expm1(a)
        expm1-plus-one: expm1(a) + 1 -> exp(a)
        expm1-reflect: expm1(a) -> -(exp(a) * expm1(-a))
        exp-minus-exp: exp(a) - exp(b) -> exp(b) * expm1(a - b)
        expm1-log1p: expm1(log1p(a)) -> a
        expm1-double: expm1(2 * a) -> expm1(a) * (expm1(a) + 2)
        expm1-half: expm1(a) -> expm1(a / 2) * (expm1(a / 2) + 2)
        exp-over-expm1: exp(a) / expm1(a) -> -(1 / expm1(-a))
        over-expm1: b / expm1(a) -> b * exp(-a) / (-expm1(-a))
        square-expm1: exp(a) / expm1(a)**2 -> 1 / (4 * sinh(a / 2)**2)
        log1p: log(1 + a) <-> log1p(a)
        log1p-right: log(a + 1) -> log1p(a)
        log1p-neg: log(1 - a) -> log1p(-a)
        log-of-expm1: log(expm1(a)) -> a + log(-expm1(-a)) if pos(a)
        log1p-neg-exp: log1p(-exp(a)) <-> log(-expm1(a))
        log1p-square: log1p(a * (a + 2)) -> 2 * log1p(a) if pos(1 + a)
        pow-minus-one: a ** b - 1 -> expm1(b * log(a)) if pos(a)
        pow-of-one-plus: (1 + a) ** b -> exp(b * log1p(a)) if pos(1 + a)
        pow-of-one-plus-right: (a + 1) ** b -> exp(b * log1p(a)) if pos(a + 1)
    """),
    (_EXPLOG, """
        pow-mul: a ** b * a ** c -> a ** (b + c) if pos(a)
        pow-split: a ** (b + c) -> a ** b * a ** c if pos(a)
        pow-times-base: a ** b * a <-> a ** (b + 1) if pos(a)
        pow-less-one: a ** (b - 1) <-> a ** b / a if pos(a)
        pow-div: a ** b / c ** b <-> (a / c) ** b if pos(a), pos(c)
        pow-prod: a ** b * c ** b <-> (a * c) ** b if pos(a), pos(c)
        pow-neg: a ** (-b) <-> 1 / a ** b if pos(a)
        pow-inverse: (1 / a) ** b -> a ** (-b) if pos(a)
        pow-pow: (a ** b) ** c -> a ** (b * c) if pos(a)
        pow-square: (a ** b)**2 -> a ** (2 * b) if pos(a)
        pow-of-square: (a**2) ** b <-> abs(a) ** (2 * b) if nz(a)
        pow-exp: exp(a) ** b -> exp(a * b)
        pow-to-exp: a ** b -> exp(b * log(a)) if pos(a)
        log-pow: log(a ** b) -> b * log(a) if pos(a)
        pow-half: a ** (b / 2) <-> sqrt(a) ** b if pos(a)
        sqrt-pow: sqrt(a ** b) -> a ** (b / 2) if pos(a)
    """),
    ("logistic function and softplus: Maechler, Accurately Computing log(1 - exp(-|a|)) (2012)", """
        logistic-neg: 1 / (1 + exp(a)) -> logistic(-a)
        logistic-neg-right: 1 / (exp(a) + 1) -> logistic(-a)
        logistic-ratio: exp(a) / (1 + exp(a)) -> logistic(a)
        logistic-ratio-right: exp(a) / (exp(a) + 1) -> logistic(a)
        logistic-def: logistic(a) -> 1 / (1 + exp(-a))
        logistic-def-ratio: logistic(a) -> exp(a) / (1 + exp(a))
        logistic-complement: 1 - logistic(a) -> logistic(-a)
        logistic-softmax: exp(a) / (exp(a) + exp(b)) -> logistic(a - b)
        logistic-over: a / (1 + exp(b)) -> a * logistic(-b)
        logistic-over-right: a / (exp(b) + 1) -> a * logistic(-b)
        logistic-slope: exp(a) / (1 + exp(a))**2 -> logistic(a) * logistic(-a)
        logistic-slope-neg: exp(-a) / (1 + exp(-a))**2 -> logistic(a) * logistic(-a)
        logistic-exp: logistic(-a) * exp(a) <-> logistic(a)
        logistic-diff: logistic(a) - logistic(b) -> logistic(a) * logistic(-b) * (-expm1(b - a))
        softplus: log1p(exp(a)) -> softplus(a)
        softplus-def: softplus(a) -> max(a, 0) + log1p(exp(-abs(a)))
        softplus-reflect: softplus(a) <-> a + softplus(-a)
        softplus-minus: softplus(a) - a -> softplus(-a)
        softplus-log-logistic: log(logistic(a)) <-> -softplus(-a)
        softplus-exp: exp(-softplus(a)) -> logistic(-a)
        exp-softplus: 1 + exp(a) -> exp(softplus(a))
        expm1-neg-softplus: logistic(a) -> -expm1(-softplus(a))
        logaddexp: log(exp(a) + exp(b)) -> max(a, b) + log1p(exp(-abs(a - b)))
        logaddexp-shift: log(exp(a) + exp(b)) -> a + softplus(b - a)
        logsubexp: log(exp(a) - exp(b)) -> a + log(-expm1(b - a))
        log-shift: log(exp(a) + b) -> a + log1p(b * exp(-a)) if pos(b)
    """),
    (_DLMF4, """
        tanh-expm1: tanh(a) -> expm1(2 * a) / (expm1(2 * a) + 2)
        tanh-of-half: expm1(a) / (exp(a) + 1) -> tanh(a / 2)
        tanh-of-half-expm1: expm1(a) / (expm1(a) + 2) -> tanh(a / 2)
        tanh-ratio: sinh(a) / cosh(a) <-> tanh(a)
        sech-square: 1 - tanh(a)**2 -> 1 / cosh(a)**2
        one-plus-tanh: 1 + tanh(a) -> 2 * logistic(2 * a)
        one-minus-tanh: 1 - tanh(a) -> 2 * logistic((-2) * a)
        sech-logistic: 1 / cosh(a)**2 -> 4 * (logistic(2 * a) * logistic((-2) * a))
        sech-exp: 1 / cosh(a) -> 2 * exp(-abs(a)) / (1 + exp((-2) * abs(a)))
        cosh-sum: exp(a) + exp(-a) <-> 2 * cosh(a)
        sinh-diff: exp(a) - exp(-a) <-> 2 * sinh(a)
        cosh-def: cosh(a) -> (exp(a) + exp(-a)) / 2
        sinh-def: sinh(a) -> (exp(a) - exp(-a)) / 2
        cosh-wide: cosh(a) -> (exp(a / 2) / 2) * exp(a / 2) + (exp(-(a / 2)) / 2) * exp(-(a / 2))
        sinh-wide: sinh(a) -> (exp(a / 2) / 2) * exp(a / 2) - (exp(-(a / 2)) / 2) * exp(-(a / 2))
        sinh-expm1: sinh(a) -> (expm1(a) + expm1(a) / (expm1(a) + 1)) / 2
        sinh-double: sinh(2 * a) -> 2 * (sinh(a) * cosh(a))
        cosh-minus-one: cosh(a) - 1 -> 2 * sinh(a / 2)**2
        sinh-square-plus: 1 + sinh(a)**2 -> cosh(a)**2
        cosh-square-minus: cosh(a)**2 - 1 -> sinh(a)**2
        pythagoras-hyperbolic: cosh(a)**2 - sinh(a)**2 -> 1
        log-cosh: log(cosh(a)) -> abs(a) + log1p(exp(-(2 * abs(a)))) - log(2)
        log-cosh-small: log(cosh(a)) -> log1p(2 * sinh(a / 2)**2)
        log-cosh-sinh: log(cosh(a)) -> log1p(sinh(a)**2) / 2
        sinh-odd: sinh(-a) -> -sinh(a)
        cosh-even: cosh(-a) -> cosh(a)
        tanh-odd: tanh(-a) -> -tanh(a)
        sinh-asinh: sinh(asinh(a)) -> a
        cosh-asinh: cosh(asinh(a)) -> hypot(1, a)
        asinh: log(a + sqrt(a**2 + 1)) -> asinh(a)
        asinh-hypot: log(a + hypot(1, a)) -> asinh(a)
        asinh-odd: asinh(-a) <-> -asinh(a)
        acosh: log(a + sqrt(a**2 - 1)) -> acosh(a)
        acosh-factored: log(a + sqrt((a - 1) * (a + 1))) -> acosh(a)
        atanh: log((1 + a) / (1 - a)) -> 2 * atanh(a)
        atanh-right: log((a + 1) / (1 - a)) -> 2 * atanh(a)
        atanh-log1p: log1p(a) - log1p(-a) <-> 2 * atanh(a)
    """),
    (_DLMF4, """
        one-minus-cos: 1 - cos(a) -> 2 * sin(a / 2)**2
        cos-minus-one: cos(a) - 1 -> (-2) * sin(a / 2)**2
        half-tangent: (1 - cos(a)) / sin(a) -> tan(a / 2)
        half-tangent-sum: sin(a) / (1 + cos(a)) -> tan(a / 2)
        tan: sin(a) / cos(a) <-> tan(a)
        sin-sum: sin(a + b) <-> sin(a) * cos(b) + cos(a) * sin(b)
        cos-sum: cos(a + b) <-> cos(a) * cos(b) - sin(a) * sin(b)
        sin-difference: sin(a - b) <-> sin(a) * cos(b) - cos(a) * sin(b)
        cos-difference: cos(a - b) <-> cos(a) * cos(b) + sin(a) * sin(b)
        cos-square: 1 - sin(a)**2 -> cos(a)**2
        sin-square: 1 - cos(a)**2 -> sin(a)**2
        pythagoras: sin(a)**2 + cos(a)**2 -> 1
        sin-minus-sin: sin(a) - sin(b) -> 2 * (sin((a - b) / 2) * cos((a + b) / 2))
        cos-minus-cos: cos(a) - cos(b) -> (-2) * (sin((a - b) / 2) * sin((a + b) / 2))
        tan-minus-tan: tan(a) - tan(b) -> sin(a - b) / (cos(a) * cos(b))
        sin-double: sin(2 * a) <-> 2 * (sin(a) * cos(a))
        cos-double: cos(2 * a) <-> 1 - 2 * sin(a)**2
        cos-double-diff: cos(a)**2 - sin(a)**2 -> cos(2 * a)
        cos-even: cos(-a) -> cos(a)
        sin-odd: sin(-a) <-> -sin(a)
        tan-odd: tan(-a) -> -tan(a)
        sec-square: tan(a)**2 + 1 -> 1 / cos(a)**2
        atan-minus-atan: atan(a) - atan(b) -> atan2(a - b, 1 + a * b) if pos(a), pos(b)
        atan-odd: atan(-a) -> -atan(a)
        acos-one-minus: acos(1 - a) -> 2 * asin(sqrt(a / 2)) if nonneg(a)
        one-minus-square-root: sqrt(1 - a**2) -> sqrt((1 - a) * (1 + a))
        sin-asin: sin(asin(a)) -> a
        cos-asin: cos(asin(a)) -> sqrt((1 - a) * (1 + a))
        sin-acos: sin(acos(a)) -> sqrt((1 - a) * (1 + a))
        cos-acos: cos(acos(a)) -> a
    """),
    (_DLMF7, """
        erfc: 1 - erf(a) <-> erfc(a)
        erfc-plus: 1 + erf(a) <-> erfc(-a)
        erfc-reflect: erfc(-a) <-> 2 - erfc(a)
        erf-odd: erf(-a) <-> -erf(a)
        erfcx: exp(a**2) * erfc(a) <-> erfcx(a)
        erfc-scaled: erfc(a) -> exp(-(a**2)) * erfcx(a)
        log-erfc: log(erfc(a)) -> log(erfcx(a)) - a**2
        exp-over-erfc: exp(-(a**2)) / erfc(a) -> 1 / erfcx(a)
        erfcx-reflect: erfcx(-a) -> 2 * exp(a**2) - erfcx(a)
    """),
    ("DLMF 5.5", """
        lgamma-step: lgamma(a + 1) -> lgamma(a) + log(a) if pos(a)
        digamma-step: digamma(a + 1) -> digamma(a) + 1 / a if pos(a)
        gamma-step: gamma(a + 1) -> a * gamma(a) if pos(a)
    """),
    ("error-free transformations: Ogita, Rump, Oishi, Accurate Sum and Dot Product (2005)", """
        diff-of-products: a * b - c * d -> diff_of_products(a, b, c, d)
        diff-of-squares: a**2 - c * d -> diff_of_products(a, a, c, d)
        diff-from-square: c * d - a**2 -> diff_of_products(c, d, a, a)
        sum-of-products: a * b + c * d -> diff_of_products(a, b, -c, d)
        sum-of-three: (a + b) + c -> sum3(a, b, c)
        sum-of-three-sub: (a + b) - c -> sum3(a, b, -c)
        exp-of-product: exp(a * b) -> exp_product(a, b)
        exp-of-square: exp(a**2) -> exp_product(a, a)
        exp-of-neg-product: exp(-(a * b)) -> exp_product(-a, b)
        exp-of-neg-square: exp(-(a**2)) -> exp_product(-a, a)
    """),
    (_FIELD, """
        mul-associates: (a * b) * c <-> a * (b * c)
        mul-div: a * (b / c) <-> (a * b) / c
        div-div: (a / b) / c <-> a / (b * c)
    """),
    (_FIELD, """
        add-associates: (a + b) + c <-> a + (b + c)
    """),
    (_FIELD, """
        add-sub: a + (b - c) <-> (a + b) - c
        sub-add: a - (b + c) <-> (a - b) - c
        sub-sub: a - (b - c) <-> (a - b) + c
    """),
    (_FIELD, """
        distribute-add: a * (b + c) <-> a * b + a * c
        distribute-sub: a * (b - c) <-> a * b - a * c
        fraction-add: (a + b) / c <-> a / c + b / c
        fraction-sub: (a - b) / c <-> a / c - b / c
        common-denominator-add: a / b + c / d -> (a * d + c * b) / (b * d)
        common-denominator-sub: a / b - c / d -> (a * d - c * b) / (b * d)
        over-sub: a - b / c -> (a * c - b) / c
        over-add: a + b / c -> (a * c + b) / c
        sub-over: b / c - a -> (b - a * c) / c
    """),
    (_FIELD, """
        flip: a / b -> 1 / (b / a) if nz(a)
        divide-through-add: a / (b + c) -> 1 / (b / a + c / a) if nz(a)
        divide-through-sub: a / (b - c) -> 1 / (b / a - c / a) if nz(a)
    """),
)  # fmt: skip

_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}


def pattern(text: str) -> Expr:
    """The pattern that a row's text means; the text is this module's own, never a user's."""
    return _pattern(ast.parse(text.strip(), mode="eval").body)


def _pattern(node: ast.expr) -> Expr:
    match node:
        case ast.Constant(value=int() as n):
            return num(n)
        case ast.Name(id=name):
            return var(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as n)):
            return num(-n)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_pattern(operand)
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=2)):
            return call("square", _pattern(base))
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return call("pow", _pattern(base), _pattern(exponent))
        case ast.BinOp(left=left, op=op, right=right):
            return call(_BINARY[type(op)], _pattern(left), _pattern(right))
        case ast.Call(func=ast.Name(id=name), args=args):
            return call(name, *map(_pattern, args))
    raise ValueError(ast.dump(node))


def _read(group: int, source: str, text: str) -> list[Rule]:
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, body = line.split(": ", 1)
        body, _, condition = body.partition(" if ")
        guards = tuple(
            (g.partition("(")[0], pattern(g.partition("(")[2][:-1])) for g in condition.split(", ") if g
        )
        arrow = "<->" if "<->" in body else "->"
        left, right = map(pattern, body.split(arrow))
        found.append(Rule(name, left, right, guards, group, source))
        if arrow == "<->":
            found.append(Rule(name + "-back", right, left, guards, group, source))
    return found


RULES: tuple[Rule, ...] = tuple(r for k, (source, text) in enumerate(_TEXT) for r in _read(k, source, text))
GROUPS = len(_TEXT)
