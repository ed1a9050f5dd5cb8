"""Small tables that every statistics course knows, from their first publication: facts, typed in once."""

from __future__ import annotations

from itertools import product

import pandas as pd

# Snee (1974), students of the University of Delaware: sex, hair, then eyes brown, blue, hazel, green.
HAIR = (
    ("Male", "Black", 32, 11, 10, 3), ("Male", "Brown", 53, 50, 25, 15), ("Male", "Red", 10, 10, 7, 7),
    ("Male", "Blond", 3, 30, 5, 8), ("Female", "Black", 36, 9, 5, 2), ("Female", "Brown", 66, 34, 29, 14),
    ("Female", "Red", 16, 7, 7, 7), ("Female", "Blond", 4, 64, 5, 8),
)  # fmt: skip

# Dawson (1995): everyone aboard the Titanic. Survived, age, sex, then first, second and third class and crew.
ABOARD = (
    ("No", "Child", "Male", 0, 0, 35, 0), ("No", "Child", "Female", 0, 0, 17, 0),
    ("No", "Adult", "Male", 118, 154, 387, 670), ("No", "Adult", "Female", 4, 13, 89, 3),
    ("Yes", "Child", "Male", 5, 11, 13, 0), ("Yes", "Child", "Female", 1, 13, 14, 0),
    ("Yes", "Adult", "Male", 57, 14, 75, 192), ("Yes", "Adult", "Female", 140, 80, 76, 20),
)  # fmt: skip

# Student (1908): hours of sleep gained by ten patients with each of two drugs.
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)

# Dobson (1983): dried weight of plants under a control and two treatments.
PLANTS = {
    "ctrl": (4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14),
    "trt1": (4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69),
    "trt2": (6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26),
}

# Crampton (1947): length of odontoblasts of guinea pigs by source (VC, OJ) and dose of vitamin C in mg a day.
TEETH = {
    ("VC", 0.5): (4.2, 11.5, 7.3, 5.8, 6.4, 10.0, 11.2, 11.2, 5.2, 7.0),
    ("VC", 1.0): (16.5, 16.5, 15.2, 17.3, 22.5, 17.3, 13.6, 14.5, 18.8, 15.5),
    ("VC", 2.0): (23.6, 18.5, 33.9, 25.5, 26.4, 32.5, 26.7, 21.5, 23.3, 29.5),
    ("OJ", 0.5): (15.2, 21.5, 17.6, 9.7, 14.5, 10.0, 8.2, 9.4, 16.5, 9.7),
    ("OJ", 1.0): (19.7, 23.3, 23.6, 26.4, 20.0, 25.2, 25.8, 21.2, 14.5, 27.3),
    ("OJ", 2.0): (25.5, 26.4, 22.4, 24.5, 24.8, 30.9, 26.4, 27.3, 29.4, 23.0),
}

# Snedecor, Cochran and Cox as printed by McNeil (1977): weight in grams of six-week-old chicks by feed.
CHICKS = {
    "horsebean": (179, 160, 136, 227, 217, 168, 108, 124, 143, 140),
    "linseed": (309, 229, 181, 141, 260, 203, 148, 169, 213, 257, 244, 271),
    "soybean": (243, 230, 248, 327, 329, 250, 193, 271, 316, 267, 199, 171, 158, 248),
    "sunflower": (423, 340, 392, 339, 341, 226, 320, 295, 334, 322, 297, 318),
    "meatmeal": (325, 257, 303, 315, 380, 153, 263, 242, 206, 344, 258),
    "casein": (368, 390, 379, 260, 404, 318, 352, 359, 216, 222, 283, 332),
}

# Beall (1942): insects counted after six sprays.
SPRAYS = {
    "A": (10, 7, 20, 14, 14, 12, 10, 23, 17, 20, 14, 13),
    "B": (11, 17, 21, 11, 16, 14, 17, 17, 19, 21, 7, 13),
    "C": (0, 1, 7, 2, 3, 1, 2, 1, 3, 0, 1, 4),
    "D": (3, 5, 12, 6, 4, 3, 5, 5, 5, 5, 2, 4),
    "E": (3, 5, 3, 5, 3, 6, 1, 1, 3, 2, 6, 4),
    "F": (11, 9, 15, 22, 15, 16, 13, 10, 26, 26, 24, 13),
}

# Box and Jenkins (1976): passengers of international airlines, in thousands, by month from January 1949.
AIR = """112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140
145 150 178 163 172 178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194
196 196 236 235 229 243 264 272 237 211 180 201 204 188 235 227 234 264 302 293 259 229 203 229
242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432"""

# Ezekiel (1930): speed of cars (miles an hour) and the distance that they took to stop (feet).
SPEEDS = (
    4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15,
    15, 16, 16, 17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25,
)  # fmt: skip
STOPS = (
    2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20, 26,
    54, 32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85,
)  # fmt: skip


def hair() -> pd.DataFrame:
    eyes = ("Brown", "Blue", "Hazel", "Green")
    rows = [(h, e, s, n) for s, h, *counts in HAIR for e, n in zip(eyes, counts, strict=True)]
    return pd.DataFrame(rows, columns=["Hair", "Eye", "Sex", "Freq"])


def aboard() -> pd.DataFrame:
    classes = ("1st", "2nd", "3rd", "Crew")
    rows = [(c, s, a, ok, n) for ok, a, s, *counts in ABOARD for c, n in zip(classes, counts, strict=True)]
    return pd.DataFrame(rows, columns=["class", "sex", "age", "survived", "n"])


def sleep() -> pd.DataFrame:
    rows = [(gain, drug, i) for drug, gains in enumerate(SLEEP, 1) for i, gain in enumerate(gains, 1)]
    return pd.DataFrame(rows, columns=["extra", "group", "ID"])


def plants() -> pd.DataFrame:
    return pd.DataFrame([(w, g) for g, ws in PLANTS.items() for w in ws], columns=["weight", "group"])


def teeth() -> pd.DataFrame:
    return pd.DataFrame([(x, s, d) for (s, d), xs in TEETH.items() for x in xs], columns=["len", "supp", "dose"])


def chicks() -> pd.DataFrame:
    return pd.DataFrame([(w, f) for f, ws in CHICKS.items() for w in ws], columns=["weight", "feed"])


def sprays() -> pd.DataFrame:
    return pd.DataFrame([(n, s) for s, ns in SPRAYS.items() for n in ns], columns=["count", "spray"])


def air() -> pd.DataFrame:
    months = [f"{year}-{month:02d}" for year, month in product(range(1949, 1961), range(1, 13))]
    return pd.DataFrame({"month": months, "passengers": [int(n) for n in AIR.split()]})


def stops() -> pd.DataFrame:
    return pd.DataFrame({"speed": SPEEDS, "dist": STOPS})


CLASSICS = (hair, aboard, sleep, plants, teeth, chicks, sprays, air, stops)
