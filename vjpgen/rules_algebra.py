"""Rows of `rules` on sums, products, quotients, powers, roots and magnitudes."""

from __future__ import annotations

FIELD = "ordered field axioms"
KAHAN = (
    "Kahan, Branch Cuts for Complex Elementary Functions (1987);"
    " Goldberg, What Every Computer Scientist (1991)"
)

# (source, rows) of each block, in the order in which the search runs them
SIMPLIFYING: tuple[tuple[str, str], ...] = (
    (FIELD, """
        add-commutes: a + b -> b + a
        mul-commutes: a * b -> b * a
    """),
    (FIELD, """
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
    ("difference of squares and cubes; " + KAHAN, """
        square: a * a <-> a**2
        square-diff: a**2 - b**2 <-> (a - b) * (a + b)
        square-minus-one: a**2 - 1 -> (a - 1) * (a + 1)
        one-minus-square: 1 - a**2 -> (1 - a) * (1 + a)
        square-div: a**2 / b**2 <-> (a / b)**2
        square-mul: a**2 * b**2 <-> (a * b)**2
        square-neg: (-a)**2 -> a**2
        four-square: 4 * a**2 <-> (2 * a)**2
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
    ("means with weights that add up to 1", """
        mean-from-one: a + (1 - a) * b -> 1 + (1 - a) * (b - 1)
        mean-to-one: (1 - a) + a * b -> 1 + a * (b - 1)
        mean-from: a * c + (1 - a) * b -> c + (1 - a) * (b - c)
        mean-to: a * c + (1 - a) * b -> b + a * (c - b)
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
        sign-mul: sign(a * b) <-> sign(a) * sign(b)
        sign-neg: sign(-a) -> -sign(a)
        over-abs: a / abs(a) -> sign(a) if nz(a)
        abs-over: abs(a) / a -> sign(a) if nz(a)
        sign-over: sign(a) / abs(a) -> 1 / a if nz(a)
        abs-sqrt: abs(sqrt(a)) -> sqrt(a)
    """),
    ("rationalising roots; " + KAHAN, """
        sqrt-diff: sqrt(a) - sqrt(b) -> (a - b) / (sqrt(a) + sqrt(b)) if pos(a), nonneg(b)
        sqrt-minus: sqrt(a) - b -> (a - b**2) / (sqrt(a) + b) if pos(b)
        minus-sqrt: b - sqrt(a) -> (b**2 - a) / (sqrt(a) + b) if pos(b)
        sqrt-square-minus: sqrt(b**2 + a) - b -> a / (sqrt(b**2 + a) + b) if pos(b)
        sqrt-square-less: sqrt(b**2 + a) - b -> a / (sqrt(b**2 + a) + b) if nz(a)
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
        sqrt-scale-plus: sqrt(a**2 + b) -> abs(a) * sqrt(1 + (b / a) / a) if nz(a)
        sqrt-scale-minus: sqrt(a**2 - b) -> abs(a) * sqrt(1 - (b / a) / a) if nz(a)
        cube-of-sqrt: sqrt(a)**3 -> a * sqrt(a)
        square-of-roots: (a + b) - 2 * sqrt(a * b) -> (sqrt(a) - sqrt(b))**2 if nonneg(a), nonneg(b)
        half-square-of-roots: (a + b) / 2 - sqrt(a * b) -> (sqrt(a) - sqrt(b))**2 / 2 if nonneg(a), nonneg(b)
        cbrt-diff: cbrt(a) - cbrt(b) -> (a - b) / (cbrt(a)**2 + cbrt(a) * cbrt(b) + cbrt(b)**2) if nz(a)
        cube-of-cbrt: cbrt(a)**3 -> a
        cbrt-of-cube: cbrt(a**3) -> a
        third-power: a**(1/3) -> cbrt(a) if pos(a)
        two-thirds-power: a**(2/3) -> cbrt(a)**2 if pos(a)
        sign-scaled: sign(a**2 - b) -> sign(1 - (b / a) / a) if nz(a)
        over-square-minus: c / (a**2 - b) -> (c / a) / (a - b / a) if nz(a)
        root-over-factor: sqrt(a * b) / a -> sign(a) * sqrt(b / a) if nz(a)
        root-over-factor-of: sqrt(a * b) / a -> sign(b) * sqrt(b / a) if nz(a), nz(b)
    """),
    ("Euclidean norm: Moler and Morrison (1983)", """
        hypot-of: sqrt(a**2 + b**2) <-> hypot(a, b)
        hypot-one: sqrt(1 + a**2) -> hypot(1, a)
        hypot-one-right: sqrt(a**2 + 1) -> hypot(1, a)
        hypot-sqrt: sqrt(a**2 + b) -> hypot(a, sqrt(b)) if nonneg(b)
        hypot-square: hypot(a, b)**2 -> a**2 + b**2
        hypot-plus-sum: hypot(a-b, c) + (a+b) -> (c**2 - 4*a*b) / (hypot(a-b, c) - (a+b)) if nz(c)
        hypot-minus-sum: hypot(a-b, c) - (a+b) -> (c**2 - 4*a*b) / (hypot(a-b, c) + (a+b)) if nz(c)
        hypot-minus: hypot(b, a) - b -> a * (a / (hypot(b, a) + b)) if pos(b)
        hypot-less: hypot(b, a) - b -> a * (a / (hypot(b, a) + b)) if nz(a)
        hypot-more: hypot(b, a) + b -> a * (a / (hypot(b, a) - b)) if nz(a)
        hypot-commutes: hypot(a, b) -> hypot(b, a)
        hypot-scale: hypot(1, a / b) -> hypot(b, a) / abs(b) if nz(b)
        hypot-unscale: hypot(b, a) <-> abs(b) * hypot(1, a / b) if nz(b)
        hypot-scaled: b * hypot(1, a / b) -> hypot(b, a) if pos(b)
        square-over-sum: a**2 / (a**2 + b**2) -> (a / hypot(a, b))**2
        one-over-hypot-square: 1 / (a**2 + b**2) -> (1 / hypot(a, b))**2
    """),
)  # fmt: skip

# what only moves things about, and grows without end: run last
REARRANGING: tuple[tuple[str, str], ...] = (
    (FIELD, """
        mul-associates: (a * b) * c <-> a * (b * c)
        mul-div: a * (b / c) <-> (a * b) / c
        div-div: (a / b) / c <-> a / (b * c)
    """),
    (FIELD, """
        add-associates: (a + b) + c <-> a + (b + c)
    """),
    (FIELD, """
        add-sub: a + (b - c) <-> (a + b) - c
        sub-add: a - (b + c) <-> (a - b) - c
        sub-sub: a - (b - c) <-> (a - b) + c
    """),
    (FIELD, """
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
    (FIELD, """
        flip: a / b -> 1 / (b / a) if nz(a)
        divide-through-add: a / (b + c) -> 1 / (b / a + c / a) if nz(a)
        divide-through-sub: a / (b - c) -> 1 / (b / a - c / a) if nz(a)
    """),
)  # fmt: skip
