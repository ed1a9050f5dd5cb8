"""The recipes of made-up tables: cross-sections, targets with drivers, time series, experiments, joins, and nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench import measures, planting, series, traps
from bench.planting import Columns, Draft, Effect, noise
from bench.worlds import NAME_STYLES, Scale, World

OPEN_QUESTIONS = ("What matters in this data?", "What stands out here?", "What should I know about this table?")
LEAST_STANDING_OUT = 5.2
"""A drawn table in which a planted effect stands out by fewer standard errors is drawn again (absent: over 2)."""
_ARMS = (("control", "treatment"), ("A", "B"), ("baseline", "redesign"), ("control", "variant"), ("old", "new"))


@dataclass(frozen=True)
class Form:
    """How a case's files are written."""

    separator: str = ","
    decimal: str = "."
    missing: str = ""
    encoding: str = "utf-8"


FORMS = (
    *[Form()] * 12, Form(";", ","), Form(";", ",", "-"), Form("\t"), Form(";"), Form("|"), Form(missing="NA"),
    Form(missing="n/a"), Form(encoding="utf-8-sig"), Form(";", ",", encoding="cp1252"), Form(encoding="utf-16"),
)  # fmt: skip


@dataclass
class Case:
    """A finished table: its files (name to table), task and truth, and the table before any trap was sprung."""

    id: str
    files: dict[str, pd.DataFrame]
    task: dict[str, Any]
    truth: dict[str, Any]
    clean: pd.DataFrame
    form: Form


class Recipe:
    """Makes one case of a kind: plants, sets traps, draws the table, measures it, and springs the traps."""

    def __init__(self, rng: np.random.Generator, world: World, kind: str) -> None:
        self.rng, self.world, self.kind = rng, world, kind
        self.task: dict[str, Any] = {}
        self.spoilers: list[traps.Spoiler] = []
        self.clock: series.Clock | None = None
        self.planted = 0  # makers that plant effects; they come before those of traps and of idle columns

    def make(self, case_id: str, effects: list[str], snares: list[str]) -> Case | None:
        """The case, or None when this draw left an effect too faint or a column short."""
        files: dict[str, pd.DataFrame] = {}
        getattr(self, "_" + self.kind)(effects, snares)
        d = self.d
        clean = self._frame(d.grow(self.rng, d.rows))
        faint = [
            e for e in d.effects if (z := measures.standing_out(e.kind, e.columns, clean)) and z < LEAST_STANDING_OUT
        ]
        if [e for e in faint if e.kind != "no_effect"] or any(
            (measures.standing_out("ab_effect", e.columns, clean) or 0) > 2 for e in d.effects if e.kind == "no_effect"
        ):
            return None
        self._measure(clean)
        frame = clean.copy()
        for spoil in self.spoilers:
            frame = spoil(self.rng, frame)
        if self.clock is not None:
            frame = self._unevenly(frame)
        if self.clock is not None and self.rng.random() < 0.25:
            frame = frame.iloc[self.rng.permutation(len(frame))].reset_index(drop=True)
        files |= {"data.csv": frame} | getattr(self, "lookups", {})
        return self._case(case_id, files, clean)

    def _unevenly(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A table over time as it comes: whole, with steps that are missing, or with several places at each step."""
        form = str(self.rng.choice(["whole", "whole", "whole", "gaps", "panel"]))
        if form == "gaps":
            lost = self.rng.random(len(frame)) < 0.03
            lost[[0, -1]] = False
            return frame[~lost].reset_index(drop=True)
        if form == "panel" and (place := self.d.label(3)) is not None:
            self.d.parents[place] = []
            parts = []
            for level in self.d.levels[place]:
                moved = {
                    c: (
                        frame[c] + self.d.scales[c].spread * (self.rng.normal() + 0.5 * noise(self.rng, len(frame)))
                    ).round(self.d.scales[c].decimals)
                    for c in frame
                    if c in self.d.scales and not any(c in t["columns"] for t in self.d.traps)
                }
                parts.append(frame.assign(**{place: level}, **moved))
            for name in moved:
                self.d.parents[name] = [*self.d.parents[name], place]
            return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
        return frame

    def _start(self, rows: int) -> Draft:
        self.d = Draft(self.rng, self.world, rows)
        return self.d

    def _decorate(self, least: tuple[int, int, int], below: tuple[int, int, int], odd: bool = True) -> None:
        """Numbers, labels and counts with which nothing is the matter; some numbers are skewed by nature if `odd`."""
        d = self.d
        numbers, labels, counts = (int(v) for v in self.rng.integers(least, below))
        for i in range(numbers):
            name, skewed = d.number(), odd and i % 3 == 2
            d.add(d.simple_number(name, str(self.rng.choice(["gamma", "t"])) if skewed else "normal"))
            if not skewed:
                d.plain.append(name)
        for _ in range(labels):
            if (label := d.label()) is not None:
                d.add(d.levels_drawn(label))
                d.plain.append(label)
        for _ in range(counts):
            if (count := d.count()) is not None:
                d.add(_counting(count, self.rng.uniform(1.5, 6)))
                d.plain.append(count)

    def _cross(self, effects: list[str], snares: list[str]) -> None:
        d = self._start(int(np.exp(self.rng.uniform(np.log(250), np.log(12_000)))))
        self.task["question"] = str(self.rng.choice(OPEN_QUESTIONS))
        for kind in effects:
            planting.EFFECTS[kind](d)
        self.planted = len(d.makers)
        for kind in sorted(snares, key="duplicate_rows".__eq__):
            if (spoil := traps.TRAPS[kind](d)) is not None:
                self.spoilers.append(spoil)
        self._decorate((1, 0, 0), (7, 3, 3))
        if self.rng.random() < 0.3:
            self._lose_at_random()

    def _lose_at_random(self) -> None:
        """Missing values that follow nothing, in a plain column."""
        names = [c for c in self.d.plain if c in self.d.scales]
        if not names:
            return
        name, share = str(self.rng.choice(names)), self.rng.uniform(0.02, 0.1)

        def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
            frame.loc[rng.random(len(frame)) < share, name] = np.nan
            return frame

        self.spoilers.insert(0, spoil)

    def _driver(self, effects: list[str], snares: list[str]) -> None:
        form = effects[0]
        d = self._start(int(self.rng.integers(8000, 13000) if form == "rare" else self.rng.integers(900, 4200)))
        x1, x2, g = d.number(), d.number(), d.label()
        assert g is not None
        y = d.number([x1, x2, g])
        if form != "numeric":
            d.scales[y] = Scale(0, 1, 0)
        signs = (1, -1) if self.rng.random() < 0.5 else (-1, 1)
        weights = [s * self.rng.uniform(0.5, 0.8) for s in signs]
        lifts = np.append(self.rng.uniform(-0.25, 0.25, len(d.levels[g]) - 1), 0.95)[
            self.rng.permutation(len(d.levels[g]))
        ]
        top, draw = d.levels[g][int(np.argmax(lifts))], d.levels_drawn(g)
        base = {"numeric": 0.0, "binary": self.rng.uniform(-1.2, 0.6), "rare": self.rng.uniform(-4.9, -4.6)}[form]
        residual = self.rng.uniform(1.0, 1.5)

        def make(rng: np.random.Generator, n: int, out: Columns) -> None:
            draw(rng, n, out)
            z = [noise(rng, n), noise(rng, n)]
            out[x1], out[x2] = d.scaled(x1, z[0]), d.scaled(x2, z[1])
            told = (
                weights[0] * z[0]
                + weights[1] * z[1]
                + pd.Series(out[g]).map(dict(zip(d.levels[g], lifts, strict=True))).to_numpy(float)
            )
            if form == "numeric":
                out[y] = d.scaled(y, (told + residual * noise(rng, n)) / np.hypot(1, residual))
            else:
                out[y] = (rng.random(n) < 1 / (1 + np.exp(-(base + told)))).astype(int)

        d.add(make)
        measure = measures.numeric_pair if form == "numeric" else measures.binary_target
        for x, sign in zip((x1, x2), signs, strict=True):
            d.effects.append(_driver_effect(x, y, {"direction": "+" if sign > 0 else "-"}, measure))
        d.effects.append(
            Effect("driver", (g, y), {"top": top}, lambda c: {"eta2": measures.groups(c[y], c[g])["eta2"]})
        )
        self.planted = len(d.makers)
        if form == "rare":
            traps.trap(d, "class_imbalance", [y])
        for kind in sorted(snares, key="split_contamination".__eq__):
            if kind == "target_leakage":
                spoil: traps.Spoiler | None = traps.target_leakage(d, y)
            elif kind == "confounding":
                spoil = traps.confounding(d, y, x1)
            elif kind == "split_contamination":
                spoil = traps.split_contamination(d)
            else:
                spoil = traps.TRAPS[kind](d)
            if spoil is not None:
                self.spoilers.append(spoil)
        self._decorate((2, 1, 0), (6, 4, 3))
        self.task |= {
            "question": str(self.rng.choice(["What drives {}?", "What moves {}?", "Which columns explain {}?"])),
            "target": y,
        }

    def _ts(self, effects: list[str], snares: list[str]) -> None:
        self.clock = clock = series.Clock(self.rng, seasonal="seasonality" in effects)
        d = self._start(clock.rows)
        d.parents[self.world.time] = []
        for kind in effects:
            series.EFFECTS[kind](d, clock)
        for kind in snares[: int(self.rng.integers(0, 3))]:
            series.TRAPS[kind](d, clock)
        for _ in range(int(self.rng.integers(1, 4))):
            series.idle(d, clock)
        self.task |= {
            "question": str(self.rng.choice(["What happened over time?", "What changed, and when?"])),
            "time": self.world.time,
        }

    def _ab(self, effects: list[str], snares: list[str]) -> None:
        form, snare = effects[0], snares[0]
        users = 0
        if snare == "users":
            users, form = int(self.rng.integers(60, 140)), "none"
        d = self._start(users * int(self.rng.integers(12, 24)) if users else int(self.rng.integers(5200, 17000)))
        arms = _ARMS[int(self.rng.integers(len(_ARMS)))]
        share = 0.5 if snare == "users" else float(self.rng.choice([0.5, 0.5, 0.7, 0.3]))
        third = form == "arms"  # a third arm, which does nothing, is taken from the first
        arm, y = str(self.rng.choice(["arm", "variant", "bucket", "cohort"])), d.number(["_arm"])
        d.parents |= {arm: [], y: [arm] if form != "none" else []}
        rate, z, unit = self.rng.uniform(0.08, 0.3), self.rng.uniform(7, 10) * d.sign(), self.world.key
        binary = form == "converted" or (form == "none" and snare != "users" and self.rng.random() < 0.5)
        lift = 0.0 if form == "none" else z / np.sqrt(d.rows * share * (1 - share))
        got = share - (0 if snare != "srm" else d.sign() * max(0.03, 7 / np.sqrt(d.rows)))
        spread = self.rng.uniform(0.6, 0.85)
        if binary:
            d.scales[y] = Scale(0, 1, 0)
        rate = max(rate, abs(lift) * 0.7)

        def make(rng: np.random.Generator, n: int, out: Columns) -> None:
            treated = rng.random(n) < got
            told = noise(rng, n)
            if users:
                who, lasting = rng.integers(0, users, n), noise(rng, users)
                home = _unlucky_arms(rng, lasting)
                treated, told = home[who], spread * lasting[who] + np.sqrt(1 - spread**2) * told
                out[unit] = 4000 + who
            out[arm] = np.where(treated, arms[1], arms[0]).astype(object)
            if third:
                out[arm][~treated & (rng.random(n) < 0.5)] = "C"
            if binary:
                out[y] = (rng.random(n) < rate + lift * np.sqrt(rate * (1 - rate)) * treated).astype(int)
            else:
                out[y] = d.scaled(y, told + lift * treated)

        d.add(make)
        self.planted = len(d.makers)
        if form != "none":
            top = arms[1] if lift > 0 else arms[0]
            params = {} if third and lift < 0 else {"top": top}
            d.effects.append(
                Effect("ab_effect", (arm, y), params, lambda c: measures.groups(*_two(c[y], c[arm], arms)))
            )
        elif not users:
            d.effects.append(Effect("no_effect", (arm, y), {}, lambda c: measures.groups(c[y], c[arm])))
        if users:
            d.parents |= {unit: [], y: [unit]}
            d.ids.append(unit)
            traps.trap(d, "pseudo_replication", [unit, y])
            d.traps[-1]["bites"] = [{"kinds": ["ab_effect", "group_difference", "driver"], "columns": [arm, y]}]
            self.task["unit"] = unit
        if snare == "srm":
            traps.trap(d, "sample_ratio_mismatch", [arm])
        if snare == "again":
            self.spoilers.append(traps.duplicate_rows(d))
        self._decorate((3, 1, 1) if snare == "again" else (1, 0, 0), (5, 3, 2), odd=False)
        question = str(self.rng.choice(["Did the treatment change {}?", "Does {} differ between the arms?"]))
        shares = [round((1 - share) / 2, 3)] * 2 if third else [round(1 - share, 2)]
        self.task |= {"question": question, "target": y, "assignment": arm, "allocation": [*shares, share]}

    def _join(self, effects: list[str], snares: list[str]) -> None:
        form = effects[0]
        d = self._start(int(self.rng.integers(1200, 4200)))
        key, tier = self.world.key, str(self.rng.choice(["tier", "plan", "class", "group_code"]))
        entities, amount = d.rows // int(self.rng.integers(4, 9)), d.number()
        d.parents[key], d.scales[amount] = [], Scale(0, 1, 2)
        scale = float(self.rng.choice([18.0, 240.0, 3100.0]))
        planting.EFFECTS[snares[0]](d)
        self.planted = len(d.makers)

        def make(rng: np.random.Generator, n: int, out: Columns) -> None:
            out[key] = 100 + rng.integers(0, entities, n)
            out[amount] = rng.gamma(3, scale, n)

        d.add(make)
        d.ids.append(key)
        self._decorate((2, 1, 0), (6, 3, 3))
        lookup = pd.DataFrame(
            {key: 100 + np.arange(entities), tier: self.rng.choice(["basic", "plus", "pro"], entities)}
        )
        d.parents |= {tier: []}
        if form == "typed":  # the other file writes the key as text with leading noughts, and lacks some of its values
            lookup = lookup.assign(**{key: [f"{k:05d}" for k in lookup[key]]}).iloc[entities // 30 :]
        self.lookups = {f"{self.world.lookup}.csv": lookup}
        if form == "three":
            extra = pd.DataFrame({key: lookup[key], "since": self.rng.integers(2008, 2024, entities)})
            d.parents["since"] = []
            self.lookups["register.csv"] = extra
        if form != "clean":
            again = lookup.sample(frac=0.04, random_state=int(self.rng.integers(2**31)))
            again = again.assign(**{tier: self.rng.choice(["basic", "plus", "pro"], len(again))})
            self.lookups[f"{self.world.lookup}.csv"] = pd.concat([lookup, again], ignore_index=True)
            traps.trap(d, "join_fanout", [key], amount=amount)
        self.task |= {
            "question": str(self.rng.choice([f"Total {{}} by {tier}?", f"What is the total {{}} for each {tier}?"]))
        }
        self._amount = amount

    def _null(self, effects: list[str], snares: list[str]) -> None:
        wide = effects[0] == "wide"
        self._start(int(self.rng.integers(260, 1400)))
        self.task["question"] = str(self.rng.choice(OPEN_QUESTIONS))
        self._decorate(*(((20, 8, 4), (42, 9, 5)) if wide else ((5, 3, 1), (12, 4, 2))))

    def _frame(self, columns: Columns) -> pd.DataFrame:
        """The columns as a table in a random order, each number written with its decimals."""
        d, names = self.d, [str(n) for n in self.rng.permutation(sorted(columns))]
        frame = pd.DataFrame({n: columns[n] for n in names})
        for name in names:
            if name in d.scales and frame[name].dtype.kind == "f":
                frame[name] = frame[name].round(d.scales[name].decimals)
        if self.clock is not None:
            frame.insert(0, self.world.time, self.clock.written())
        return frame

    def _measure(self, clean: pd.DataFrame) -> None:
        """Write each effect's figures in the sample at hand and in a population of its own kind."""
        for e in self.d.effects:
            if e.best is not None:
                e.sample = e.best({c: clean[c].to_numpy() for c in e.columns})
        waiting = [e for e in self.d.effects if e.measure is not None]
        if not waiting:
            return
        rng = np.random.default_rng(int(self.rng.integers(2**31)))
        big = self.d.grow(rng, planting.POPULATION, self.planted)
        for e in waiting:
            assert e.measure is not None
            e.sample = e.measure({c: clean[c].to_numpy() for c in e.columns})
            e.population = e.measure({c: big[c] for c in e.columns})
            if e.kind == "no_effect":
                e.population = {}

    def _case(self, case_id: str, files: dict[str, pd.DataFrame], clean: pd.DataFrame) -> Case:
        """Name the columns in the table's style, and write task and truth under those names."""
        d = self.d
        style = NAME_STYLES[int(self.rng.integers(len(NAME_STYLES)))]
        names = {c: style(c) for f in files.values() for c in f.columns}

        def named(columns: Sequence[str]) -> list[str]:
            return [names.get(c, c) for c in columns]

        task = {k: names.get(v, v) if isinstance(v, str) else v for k, v in self.task.items()}
        subject = task.get("target") or names.get(getattr(self, "_amount", ""), "")
        task["question"] = task["question"].replace("{}", subject)
        if self.kind == "join":
            tier = next(c for c in self.lookups[f"{self.world.lookup}.csv"].columns if c != self.world.key)
            task["question"] = task["question"].replace(tier, names[tier])
        effects = [
            {
                "kind": e.kind,
                "columns": named(e.columns),
                "params": e.params,
                "population": e.population,
                "sample": e.sample,
            }
            for e in d.effects
        ]
        snares = [
            t | {"columns": named(t["columns"]), "bites": [b | {"columns": named(b["columns"])} for b in t["bites"]]}
            for t in d.traps
        ]
        parents = {names.get(c, c): named(p) for c, p in d.parents.items()}
        truth = {
            "case_id": case_id, "version": "1", "case_kind": self.kind, "tier": "standard",
            "rows": len(files["data.csv"]), "natural_duplicates": d.natural_duplicates, "effects": effects,
            "traps": snares, "plain": named(d.plain), "flat": named(d.flat), "ids": named(d.ids), "parents": parents,
        }  # fmt: skip
        form = FORMS[int(self.rng.integers(len(FORMS)))]
        renamed = {n: f.rename(columns=names) for n, f in files.items()}
        full = {"case_id": case_id, "files": list(files)} | task
        return Case(case_id, renamed, full, truth, clean.rename(columns=names), form)


def _unlucky_arms(rng: np.random.Generator, lasting: Any) -> Any:
    """Arms dealt to units at random, such that units differ by about a standard error: rows would look significant."""
    while True:
        home = rng.permutation(np.arange(len(lasting)) % 2 == 0)
        gap = abs(lasting[home].mean() - lasting[~home].mean()) * np.sqrt(len(lasting)) / 2
        if 0.8 < gap < 1.5:
            return home


def _two(y: Any, arm: Any, arms: tuple[str, str]) -> tuple[Any, Any]:
    """Outcome and arm of the rows in two of the arms, with names that sort as they are given."""
    inside = np.isin(arm, arms)
    return y[inside], (arm[inside] == arms[1]).astype(int)


def _driver_effect(x: str, y: str, params: dict[str, Any], measure: Any) -> Effect:
    return Effect("driver", (x, y), params, lambda c: measure(c[x], c[y]))


def _counting(name: str, mean: float) -> planting.Maker:
    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        out[name] = rng.poisson(mean, n)

    return make
