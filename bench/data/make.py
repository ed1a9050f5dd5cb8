"""Writes the small real tables from published counts and from what statsmodels carries: `python -m bench.data.make`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent

# Bickel, Hammel and O'Connell (1975): department, then admitted and rejected men, admitted and rejected women.
BERKELEY = (
    ("A", 512, 313, 89, 19), ("B", 353, 207, 17, 8), ("C", 120, 205, 202, 391),
    ("D", 138, 279, 131, 244), ("E", 53, 138, 94, 299), ("F", 22, 351, 24, 317),
)  # fmt: skip

# Charig and others (1986), divided as by Julious and Mullee (1994): treatment, stones, successes, patients.
STONES = (("A", "small", 81, 87), ("A", "large", 192, 263), ("B", "small", 234, 270), ("B", "large", 55, 80))

# The passengers of the Titanic (without the crew): class, sex, survivors, aboard.
TITANIC = (
    (1, "female", 139, 144), (1, "male", 61, 179), (2, "female", 94, 106),
    (2, "male", 25, 171), (3, "female", 106, 216), (3, "male", 75, 493),
)  # fmt: skip

# Motor Trend (1974), as Henderson and Velleman (1981) print it.
MTCARS = """model,mpg,cyl,disp,hp,drat,wt,qsec,vs,am,gear,carb
Mazda RX4,21.0,6,160.0,110,3.90,2.620,16.46,0,1,4,4
Mazda RX4 Wag,21.0,6,160.0,110,3.90,2.875,17.02,0,1,4,4
Datsun 710,22.8,4,108.0,93,3.85,2.320,18.61,1,1,4,1
Hornet 4 Drive,21.4,6,258.0,110,3.08,3.215,19.44,1,0,3,1
Hornet Sportabout,18.7,8,360.0,175,3.15,3.440,17.02,0,0,3,2
Valiant,18.1,6,225.0,105,2.76,3.460,20.22,1,0,3,1
Duster 360,14.3,8,360.0,245,3.21,3.570,15.84,0,0,3,4
Merc 240D,24.4,4,146.7,62,3.69,3.190,20.00,1,0,4,2
Merc 230,22.8,4,140.8,95,3.92,3.150,22.90,1,0,4,2
Merc 280,19.2,6,167.6,123,3.92,3.440,18.30,1,0,4,4
Merc 280C,17.8,6,167.6,123,3.92,3.440,18.90,1,0,4,4
Merc 450SE,16.4,8,275.8,180,3.07,4.070,17.40,0,0,3,3
Merc 450SL,17.3,8,275.8,180,3.07,3.730,17.60,0,0,3,3
Merc 450SLC,15.2,8,275.8,180,3.07,3.780,18.00,0,0,3,3
Cadillac Fleetwood,10.4,8,472.0,205,2.93,5.250,17.98,0,0,3,4
Lincoln Continental,10.4,8,460.0,215,3.00,5.424,17.82,0,0,3,4
Chrysler Imperial,14.7,8,440.0,230,3.23,5.345,17.42,0,0,3,4
Fiat 128,32.4,4,78.7,66,4.08,2.200,19.47,1,1,4,1
Honda Civic,30.4,4,75.7,52,4.93,1.615,18.52,1,1,4,2
Toyota Corolla,33.9,4,71.1,65,4.22,1.835,19.90,1,1,4,1
Toyota Corona,21.5,4,120.1,97,3.70,2.465,20.01,1,0,3,1
Dodge Challenger,15.5,8,318.0,150,2.76,3.520,16.87,0,0,3,2
AMC Javelin,15.2,8,304.0,150,3.15,3.435,17.30,0,0,3,2
Camaro Z28,13.3,8,350.0,245,3.73,3.840,15.41,0,0,3,4
Pontiac Firebird,19.2,8,400.0,175,3.08,3.845,17.05,0,0,3,2
Fiat X1-9,27.3,4,79.0,66,4.08,1.935,18.90,1,1,4,1
Porsche 914-2,26.0,4,120.3,91,4.43,2.140,16.70,0,1,5,2
Lotus Europa,30.4,4,95.1,113,3.77,1.513,16.90,1,1,5,2
Ford Pantera L,15.8,8,351.0,264,4.22,3.170,14.50,0,1,5,4
Ferrari Dino,19.7,6,145.0,175,3.62,2.770,15.50,0,1,5,6
Maserati Bora,15.0,8,301.0,335,3.54,3.570,14.60,0,1,5,8
Volvo 142E,21.4,4,121.0,109,4.11,2.780,18.60,1,1,4,2
"""

# Anscombe (1973).
X123 = (10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5)
ANSCOMBE = {
    "I": (X123, (8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68)),
    "II": (X123, (9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74)),
    "III": (X123, (7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73)),
    "IV": ((8,) * 7 + (19,) + (8,) * 3, (6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89)),
}


def berkeley() -> pd.DataFrame:
    rows = []
    for dept, *counts in BERKELEY:
        cells = (("Male", "Admitted"), ("Male", "Rejected"), ("Female", "Admitted"), ("Female", "Rejected"))
        rows += [(admit, gender, dept, n) for (gender, admit), n in zip(cells, counts, strict=True)]
    return pd.DataFrame(rows, columns=["Admit", "Gender", "Dept", "Freq"])


def _dealt(rows: list[tuple[object, ...]], columns: list[str], name: str) -> pd.DataFrame:
    """One row for a person, in an order that says nothing, with a running number first."""
    frame = pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=0).reset_index(drop=True)
    frame.insert(0, name, frame.index + 1)
    return frame


def stones() -> pd.DataFrame:
    rows = [(t, s, int(i < ok)) for t, s, ok, n in STONES for i in range(n)]
    return _dealt(list(rows), ["treatment", "stone_size", "success"], "patient")


def titanic() -> pd.DataFrame:
    rows = [(c, s, int(i < ok), "yes" if i < ok else "no") for c, s, ok, n in TITANIC for i in range(n)]
    return _dealt(list(rows), ["pclass", "sex", "survived", "alive"], "passenger")


def anscombe() -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"dataset": k, "x": x, "y": y}) for k, (x, y) in ANSCOMBE.items()])


def same_moments(points: int = 142) -> pd.DataFrame:
    """Six clouds of different shape with the same means, spreads and correlation, made so by a linear map of each."""
    rng = np.random.default_rng(5)
    t = np.linspace(0, 2 * np.pi, points, endpoint=False)
    u = np.linspace(-1, 1, points)
    half = np.arange(points) % 2 * 2 - 1
    clouds = {
        "cloud": rng.normal(size=(points, 2)),
        "ring": np.c_[np.cos(t), np.sin(t)],
        "parabola": np.c_[u, u * u],
        "two_lines": np.c_[u, half + 0.02 * rng.normal(size=points)],
        "cross": np.c_[u * (half > 0) + 0.02 * rng.normal(size=points), u * (half < 0)],
        "four_dots": np.c_[half, rng.choice([-1, 1], points)] + 0.05 * rng.normal(size=(points, 2)),
    }
    centre, spread, r = np.array([54.3, 47.8]), np.array([16.8, 26.9]), -0.06
    target = np.linalg.cholesky(np.outer(spread, spread) * np.array([[1, r], [r, 1]]))
    parts = []
    for name, cloud in clouds.items():
        white = (cloud - cloud.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(cloud.T))).T
        x, y = (white @ target.T + centre).T
        parts.append(pd.DataFrame({"dataset": name, "x": x.round(4), "y": y.round(4)}))
    return pd.concat(parts)


def nile() -> pd.DataFrame:
    from statsmodels.datasets import nile as source

    return source.load_pandas().data.astype(int)  # type: ignore[no-any-return]


def co2() -> pd.DataFrame:
    from statsmodels.datasets import co2 as source

    return source.load_pandas().data.rename_axis("date").reset_index()  # type: ignore[no-any-return]


def main() -> None:
    (HERE / "mtcars.csv").write_text(MTCARS)
    for make in (berkeley, stones, titanic, anscombe, same_moments, nile, co2):
        make().to_csv(HERE / f"{make.__name__}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
