"""Writes tables as strangers would send them: `python -m bench.strangers --out DIR --seed 1 --rounds 3`.

What is true of each story's table (`stories.py`, `tales.py`) is written in the planted suite's format, so the same
scorer reads it. A round draws every story once; the same seed gives the same bytes. At first sight, before anything was
mended for what they showed, the analyst scored 96.0 on seed 1 of the first stories (recall .97, traps .95, intervals
.91), and 88.2 on seed 1 of the tales (recall .88, traps .83, false discoveries .11, intervals .94).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import measures
from bench.late_tales import LATE
from bench.stories import STORIES, Columns, Rng, Story
from bench.tales import TALES

SEASONS = {"strangers": STORIES, "tales": TALES, "late": LATE}
MANY = 120_000
"""Rows on which an effect's value in the population is taken."""
FAINT = 5.2
"""A draw in which a planted effect stands out by fewer standard errors is drawn again."""


def _figures(effect: dict[str, Any], columns: Columns) -> dict[str, float]:
    measure, values = effect["measure"], [np.asarray(columns[c]) for c in effect["columns"]]
    return dict(effect["known"]) if measure is None else measure(*values)


def draw(make: Callable[[Rng], Story], rng: Rng) -> tuple[Story, dict[str, pd.DataFrame], dict[str, Any]]:
    """A story's files and its truth; drawn again until what is planted stands out, and what is absent does not."""
    while True:
        story = make(rng)
        clean = pd.DataFrame(story.grow(rng, story.rows))
        if all(_stands_out(e, clean) for e in story.effects):
            break
    over_time = story.kind == "ts"
    big = {} if over_time else story.grow(rng, MANY)
    told = []
    for e in story.effects:
        sample = _figures(e, {str(c): clean[c] for c in clean})
        population = (
            {} if e["kind"] == "no_effect" else dict(e["known"]) if over_time or e["known"] else _figures(e, big)
        )
        told.append({k: e[k] for k in ("kind", "columns", "params")} | {"sample": sample, "population": population})
    files = story.spoil(rng, clean.copy()) if story.spoil else {"data.csv": clean}
    truth = {
        "case_kind": story.kind, "tier": "standard", "rows": len(next(iter(files.values()))),
        "natural_duplicates": False, "effects": told, "traps": story.traps,
        "plain": story.plain, "flat": story.flat, "ids": story.ids,
        "parents": story.parents,
    }  # fmt: skip
    return story, files, truth


def _stands_out(effect: dict[str, Any], frame: pd.DataFrame) -> bool:
    """Whether a planted effect is clear in a draw, or an absent one not to be seen."""
    kind, names = effect["kind"], list(effect["columns"])
    if kind == "missing_pattern":  # it is made later
        return True
    coded = frame.assign(**{names[1]: frame[names[1]].astype(str)}) if names[-1].endswith("_code") else frame
    if kind in ("nonlinear_association", "interaction"):
        names[:2] = names[1::-1]
    z = measures.standing_out("ab_effect" if kind == "no_effect" else kind, names, coded)
    return z is None or (z < 2 if kind == "no_effect" else z >= FAINT)


def write(seed: int, rounds: int, out: Path, season: str = "strangers") -> list[str]:
    """Write `out/cases/<id>/` and `out/truth/<id>.json` for each story of each round; returns the ids."""
    stories = SEASONS[season]
    made = []
    (out / "truth").mkdir(parents=True, exist_ok=True)
    for number in range(rounds * len(stories)):
        make = stories[number % len(stories)]
        case_id = f"{season[:3]}-{seed}-{number:03d}-{make.__name__}"
        story, files, truth = draw(make, np.random.default_rng([seed, number]))
        folder = out / "cases" / case_id
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in files.items():
            frame.to_csv(folder / name, index=False, **story.csv)
        task = {"case_id": case_id, "question": story.question, "files": list(files)} | story.task
        (folder / "task.json").write_text(json.dumps(task, indent=1, ensure_ascii=False))
        full = {"case_id": case_id, "version": "1"} | truth
        (out / "truth" / f"{case_id}.json").write_text(json.dumps(full, indent=1, ensure_ascii=False, default=float))
        made.append(case_id)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="each of 20 tables, or of 35 tales (3)")
    parser.add_argument("--season", default="strangers", choices=SEASONS, help="which stories (strangers)")
    options = parser.parse_args()
    print(f"{len(write(options.seed, options.rounds, options.out, options.season))} tables in {options.out}")


if __name__ == "__main__":
    main()
