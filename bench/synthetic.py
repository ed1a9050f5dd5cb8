"""Makes tables with planted effects, traps and true nulls: `python -m bench.synthetic --out DIR --cases 60 --seed 11`.

Writes `DIR/cases/<id>/` (task.json and the files) and `DIR/truth/<id>.json` in the planted suite's format, so that the
same scorer reads both. The same seed gives the same bytes. Words, noise, sizes and forms differ from the planted
suite's on purpose: an analyst that was fitted to those tables shows it here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from bench import planting, series, traps
from bench.recipes import Case, Recipe
from bench.worlds import WORLDS, World

MIX = (
    "cross", "ts", "driver", "null", "ab", "cross", "ts", "null", "driver", "cross", "join", "ab", "cross", "ts",
    "driver", "null", "cross", "ab", "ts", "cross", "driver", "null", "join", "cross", "ts", "ab", "cross", "null",
    "driver", "join",
)  # fmt: skip


class Deck:
    """Deals kinds in turn from shuffled rounds, so that every kind comes up as often as any other."""

    def __init__(self, rng: np.random.Generator, kinds: Sequence[str]) -> None:
        self._cards: Iterator[str] = cycle([str(k) for _ in range(7) for k in rng.permutation(list(kinds))])

    def deal(self, many: int) -> list[str]:
        hand: list[str] = []
        while len(hand) < many:
            card = next(self._cards)
            if card not in hand:
                hand.append(card)
        return hand


# Leakage and confounding are what a question about drivers most often falls into, so they are dealt twice as often.
DRIVER_TRAPS = (
    "target_leakage", "target_leakage", "confounding", "confounding", "split_contamination",
    "split_contamination", "inconsistent_categories",
    "censored_values", "redundant_columns", "constant_column", "mixed_units", "sentinel_values",
)  # fmt: skip
HANDS = {
    "cross": ((3, 4), (2, 4)), "driver": ((1, 1), (1, 3)), "ts": ((1, 3), (2, 2)),
    "ab": ((1, 1), (1, 1)), "join": ((1, 1), (1, 1)), "null": ((1, 1), (1, 1)),
}  # fmt: skip
"""How many effects (or forms) and how many traps a case of a kind is dealt, least and most."""


def cases(many: int = 60, seed: int = 11) -> Iterator[Case]:
    """Yield so many cases, in order; each depends on the seed and its place only."""
    rng = np.random.default_rng([seed, 999_331])
    decks = {
        "cross": (Deck(rng, list(planting.EFFECTS)), Deck(rng, list(traps.TRAPS))),
        "ts": (Deck(rng, list(series.EFFECTS)), Deck(rng, list(series.TRAPS))),
        "driver": (Deck(rng, ["numeric", "binary", "rare"]), Deck(rng, DRIVER_TRAPS)),
        "ab": (
            Deck(rng, ["converted", "numeric", "none", "arms"]),
            Deck(rng, ["srm", "users", "again", "users", "srm", ""]),
        ),
        "join": (Deck(rng, ["fanout", "clean", "three", "typed", "fanout"]), Deck(rng, ["group_difference"])),
        "null": (Deck(rng, ["wide", "narrow"]), Deck(rng, [""])),
    }
    worlds = cycle([WORLDS[i] for i in rng.permutation(len(WORLDS))])
    for index in range(many):
        kind, world = MIX[index % len(MIX)], next(worlds)
        effects, snares = (
            deck.deal(int(rng.integers(least, most + 1)))
            for deck, (least, most) in zip(decks[kind], HANDS[kind], strict=True)
        )
        yield _drawn(seed, index, kind, world, effects, snares)


def _drawn(seed: int, index: int, kind: str, world: World, effects: list[str], snares: list[str]) -> Case:
    for attempt in range(40):
        recipe = Recipe(np.random.default_rng([seed, index, attempt]), world, kind)
        if (case := recipe.make(f"syn-{seed}-{index:04d}", effects, snares)) is not None:
            return case
    raise RuntimeError(f"Table {index} of seed {seed}: no draw in 40 showed its effects clearly. Try another seed.")


def write(case: Case, out: Path) -> None:
    """Write one case under `out/cases` and `out/truth`."""
    folder = out / "cases" / case.id
    folder.mkdir(parents=True, exist_ok=True)
    (out / "truth").mkdir(exist_ok=True)
    for name, frame in case.files.items():
        how = case.form
        frame.to_csv(
            folder / name, index=False, sep=how.separator, decimal=how.decimal, na_rep=how.missing,
            encoding=how.encoding, errors="replace", lineterminator="\n",
        )  # fmt: skip
    (folder / "task.json").write_text(json.dumps(case.task, indent=1))
    (out / "truth" / f"{case.id}.json").write_text(json.dumps(case.truth, indent=1, default=float))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    for case in cases(options.cases, options.seed):
        write(case, options.out)
    print(f"{options.cases} tables in {options.out}, seed {options.seed}.")


if __name__ == "__main__":
    main()
