"""Rows of `rules` on exponentials, logarithms, powers, circular, hyperbolic and special functions."""

from __future__ import annotations

from vjpgen.rules_algebra import KAHAN

_EXPLOG = "laws of exponents and logarithms"
_DLMF4 = "DLMF chapter 4"
_DLMF7 = "DLMF 7.4, 7.7"

# (source, rows) of each block, in the order in which the search runs them
FUNCTIONS: tuple[tuple[str, str], ...] = (
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
        log-ratio: log(a) - log(b) -> log_ratio(a, b) if pos(a), pos(b)
        log-ratio-quotient: log(a / b) -> log_ratio(a, b) if pos(a), pos(b)
        log-ratio-minus: -log_ratio(a, b) -> log_ratio(b, a)
        log1p-minus-log1p: log1p(a) - log1p(b) -> log1p((a - b) / (1 + b))
        log-hypot: log(hypot(a, b)) -> log(a**2 + b**2) / 2
    """),
    (KAHAN, """
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
        log1p-product: log1p(a * b) -> log(abs(a)) + log(abs(b + 1 / a)) if nz(a)
        log1p-quotient: log1p(a / b) -> log(abs(a + b)) - log(abs(b)) if nz(b)
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
        pow-sum: a ** c + b ** c -> a ** c * (1 + (b / a) ** c) if pos(a), pos(b)
        pow-root: (a ** b * c) ** (1 / b) -> a * c ** (1 / b) if pos(a), pos(c), nz(b)
        pow-half: a ** (b / 2) <-> sqrt(a) ** b if pos(a)
        sqrt-pow: sqrt(a ** b) -> a ** (b / 2) if pos(a)
    """),
    ("logistic function and softplus: Maechler, Accurately Computing log(1 - exp(-|a|)) (2012)", """
        logistic-neg: 1 / (1 + exp(a)) -> logistic(-a)
        logistic-neg-right: 1 / (exp(a) + 1) -> logistic(-a)
        logistic-ratio: exp(a) / (1 + exp(a)) -> logistic(a)
        logistic-ratio-right: exp(a) / (exp(a) + 1) -> logistic(a)
        logistic-complement: 1 - logistic(a) -> logistic(-a)
        logistic-softmax: exp(a) / (exp(a) + exp(b)) -> logistic(a - b)
        logistic-slope: exp(a) / (1 + exp(a))**2 -> logistic(a) * logistic(-a)
        logistic-slope-neg: exp(-a) / (1 + exp(-a))**2 -> logistic(a) * logistic(-a)
        softplus: log1p(exp(a)) -> softplus(a)
        softplus-minus: softplus(a) - a -> softplus(-a)
        softplus-log-logistic: log(logistic(a)) <-> -softplus(-a)
        softplus-log1p-logistic: log1p(-logistic(a)) -> -softplus(a)
        softplus-exp: exp(-softplus(a)) -> logistic(-a)
    """),
    ("logistic function and softplus, written out: Maechler (2012)", """
        logistic-def: logistic(a) -> 1 / (1 + exp(-a))
        logistic-def-ratio: logistic(a) -> exp(a) / (1 + exp(a))
        logistic-over: a / (1 + exp(b)) -> a * logistic(-b)
        logistic-over-right: a / (exp(b) + 1) -> a * logistic(-b)
        logistic-exp: logistic(-a) * exp(a) <-> logistic(a)
        logistic-diff: logistic(a) - logistic(b) -> logistic(a) * logistic(-b) * (-expm1(b - a))
        softplus-def: softplus(a) -> max(a, 0) + log1p(exp(-abs(a)))
        softplus-reflect: softplus(a) <-> a + softplus(-a)
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
        asinh-product: asinh(a * b) -> sign(a * b) * (log(abs(a)) + log(abs(b) + hypot(b, 1 / a))) if nz(a)
        acosh: log(a + sqrt(a**2 - 1)) -> acosh(a)
        acosh-factored: log(a + sqrt((a - 1) * (a + 1))) -> acosh(a)
        acosh-one-plus: acosh(1 + a) -> 2 * asinh(sqrt(a / 2))
        acosh-half: acosh(a) -> 2 * asinh(sqrt((a - 1) / 2))
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
        sinpi: sin(pi * a) <-> sinpi(a)
        sinpi-of-product: sin((pi * a) * b) -> sinpi(a * b)
        sinpi-of-quotient: sin((pi * a) / b) -> sinpi(a / b)
        cospi: cos(pi * a) <-> cospi(a)
        cospi-of-product: cos((pi * a) * b) -> cospi(a * b)
        cospi-of-quotient: cos((pi * a) / b) -> cospi(a / b)
        tan-quarter: tan(a + pi / 4) -> (1 + tan(a)) / (1 - tan(a))
        tan-quarter-minus: tan(a - pi / 4) -> (tan(a) - 1) / (tan(a) + 1)
        quarter-minus-tan: tan(pi / 4 - a) -> (1 - tan(a)) / (1 + tan(a))
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
        atan-minus-atan: atan(a) - atan(b) -> atan2(a - b, 1 + a * b)
        atan-plus-atan: atan(a) + atan(b) -> atan2(a + b, 1 - a * b)
        atan-minus-eighth: atan(a) - pi / 4 -> atan2(a - 1, a + 1)
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
        half-one-plus-erf: (1 + erf(a)) / 2 -> 1 - erfc(a) / 2
        erf-odd: erf(-a) <-> -erf(a)
        erfcx: exp(a**2) * erfc(a) <-> erfcx(a)
        erfc-scaled: erfc(a) -> exp(-(a**2)) * erfcx(a)
        log-erfc: log(erfc(a)) -> log(erfcx(a)) - a**2
        exp-over-erfc: exp(-(a**2)) / erfc(a) -> 1 / erfcx(a)
        ierfcx: 1 / sqrt(pi) - a * erfcx(a) <-> ierfcx(a)
        erfinv-odd: erfinv(-a) <-> -erfinv(a)
        erfinv-double: erfinv(2 * a - 1) -> ndtri(a) / sqrt(2)
        erfinv-double-left: erfinv(1 - 2 * a) -> -ndtri(a) / sqrt(2)
        erfinv-minus-one: erfinv(a - 1) -> ndtri(a / 2) / sqrt(2)
        erfinv-one-minus: erfinv(1 - a) -> -ndtri(a / 2) / sqrt(2)
        ndtri-scaled: sqrt(2) * (ndtri(a) / sqrt(2)) -> ndtri(a)
        exp-erfinv: exp(erfinv(a)**2) -> erfcx(erfinv(a)) / (1 - a)
        exp-ndtri: exp(ndtri(a)**2 / 2) -> erfcx(-(ndtri(a) / sqrt(2))) / (2 * a)
        exp-ndtri-root: exp((ndtri(a) / sqrt(2))**2) -> erfcx(-(ndtri(a) / sqrt(2))) / (2 * a)
        ndtri-reflect: ndtri(1 - a) <-> -ndtri(a)
        erfcx-reflect: erfcx(-a) -> 2 * exp(a**2) - erfcx(a)
    """),
    ("DLMF 5.5", """
        stirling: lgamma(a) -> (a - 1 / 2) * log(a) - a + log(2 * pi) / 2 + stirling(a) if pos(a)
        kl-div: a * log(a / b) - a + b -> kl_div(a, b) if pos(a), pos(b)
        kl-div-right: a * log(a / b) - (a - b) -> kl_div(a, b) if pos(a), pos(b)
        kl-div-ratio: a * log_ratio(a, b) - a + b -> kl_div(a, b) if pos(a), pos(b)
        lgamma1p: lgamma(a + 1) -> lgamma1p(a)
        lgamma1p-right: lgamma(1 + a) -> lgamma1p(a)
        lgamma-reflected: lgamma(1 - a) -> log(pi / abs(sinpi(a))) - lgamma(a)
        lgamma1p-reflected: lgamma1p(a - b) -> log(pi / abs(sinpi(b - a))) - lgamma(b - a)
        digamma-excess: digamma(1 + a) -> log(a) + digamma_excess(a) if pos(a)
        digamma-excess-right: digamma(a + 1) -> log(a) + digamma_excess(a) if pos(a)
        digamma-excess-below: digamma(a) -> log(a) + (digamma_excess(a) - 1 / a) if pos(a)
        digamma-reflected: digamma(1 - a) -> digamma(a) + pi * cospi(a) / sinpi(a)
        digamma-reflected-sub: digamma(1 + (a - b)) -> digamma(b - a) + pi * cospi(b - a) / sinpi(b - a)
        digamma-reflected-add: digamma(a + (1 - b)) -> digamma(b - a) + pi * cospi(b - a) / sinpi(b - a)
        gamma-reflected: gamma(1 - a) -> pi / (sinpi(a) * gamma(a))
        sinpi-difference: sinpi(a - b) -> sinpi(a) * cospi(b) - cospi(a) * sinpi(b)
        cospi-difference: cospi(a - b) -> cospi(a) * cospi(b) + sinpi(a) * sinpi(b)
        lgamma-step: lgamma(a + 1) -> lgamma(a) + log(a) if pos(a)
        digamma-step: digamma(a + 1) -> digamma(a) + 1 / a if pos(a)
        gamma-step: gamma(a + 1) -> a * gamma(a) if pos(a)
    """),
    ("error-free transformations: Ogita, Rump, Oishi, Accurate Sum and Dot Product (2005)", """
        diff-of-products: a * b - c * d -> diff_of_products(a, b, c, d)
        diff-of-squares: a**2 - c * d -> diff_of_products(a, a, c, d)
        diff-from-square: c * d - a**2 -> diff_of_products(c, d, a, a)
        sum-of-products: a * b + c * d -> diff_of_products(a, b, -c, d)
        root-of-products: sqrt(diff_of_products(a, b, c, d)) -> sqrt_diff_of_products(a, b, c, d)
        sum-of-three: (a + b) + c -> sum3(a, b, c)
        sum-of-three-sub: (a + b) - c -> sum3(a, b, -c)
        exp-of-sum: exp(a + b) -> exp_sum(a, b)
        exp-of-difference: exp(a - b) -> exp_sum(a, -b)
        exp-of-product: exp(a * b) -> exp_product(a, b)
        exp-of-square: exp(a**2) -> exp_product(a, a)
        exp-of-neg-product: exp(-(a * b)) -> exp_product(-a, b)
        exp-of-neg-square: exp(-(a**2)) -> exp_product(-a, a)
        exp-of-square-over: exp(a**2 / b) -> exp_product(a / b, a)
        exp-of-neg-square-over: exp(-(a**2 / b)) -> exp_product(-(a / b), a)
    """),
)  # fmt: skip
