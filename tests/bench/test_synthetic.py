"""The made-up tables: the same for the same seed, and what their truth says is in their numbers."""

from __future__ import annotations

import json
import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scipy

from bench import intervals, planting, series, synthetic, traps
from bench.recipes import Case

FIVE_SE = math.erfc(5 / math.sqrt(2))


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return list(synthetic.cases(48))


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        for case in synthetic.cases(6, seed=8):
            synthetic.write(case, tmp_path / folder)
    for case in synthetic.cases(1, seed=9):
        synthetic.write(case, tmp_path / "other")
    names = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    assert len(names) >= 18
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in names)
    first = tmp_path / "one/cases/syn-8-0000/data.csv"
    assert first.read_bytes() != (tmp_path / "other/cases/syn-9-0000/data.csv").read_bytes()


def test_every_kind_of_claim_and_of_warning_is_dealt(cases):
    effects = {e["kind"] for c in cases for e in c.truth["effects"]}
    snares = {t["kind"] for c in cases for t in c.truth["traps"]}
    assert effects >= {*planting.EFFECTS, *series.EFFECTS, "driver", "ab_effect", "no_effect"}
    assert snares >= {
        *traps.TRAPS, *series.TRAPS, "target_leakage", "confounding", "split_contamination", "class_imbalance",
        "join_fanout", "sample_ratio_mismatch", "pseudo_replication",
    }  # fmt: skip


def test_truth_and_task_name_columns_that_the_files_have(cases):
    for case in cases:
        columns = {c for f in case.files.values() for c in f.columns}
        named = [c for e in case.truth["effects"] + case.truth["traps"] for c in e["columns"]]
        hints = [case.task[k] for k in ("target", "time", "assignment", "unit") if k in case.task]
        assert {*named, *hints, *case.truth["plain"], *case.truth["flat"], *case.truth["ids"]} <= columns, case.id
        assert "{}" not in case.task["question"]
        assert case.truth["rows"] == len(case.files["data.csv"])
        json.dumps(case.truth, default=float)


def p_value(kind: str, columns: list[str], clean: pd.DataFrame) -> float | None:
    """The p of the field's usual test of a planted effect, on the table before any trap was sprung."""
    values = [clean[c] for c in columns]
    if kind == "nonlinear_association":
        centred = (values[0] - values[0].mean()) ** 2
        return float(scipy.stats.pearsonr(centred, values[1]).pvalue)
    if kind == "association":
        return float(scipy.stats.chi2_contingency(pd.crosstab(*values)).pvalue)
    if kind == "variance_difference":
        return float(scipy.stats.levene(*[g for _, g in clean.groupby(columns[1])[columns[0]]]).pvalue)
    if kind == "missing_pattern":
        gone = values[0].isna()
        return float(scipy.stats.ttest_ind(values[1][gone], values[1][~gone]).pvalue)
    if kind == "lag_relation":
        return min(float(scipy.stats.pearsonr(values[0][:-k], values[1][k:]).pvalue) for k in range(1, 10))
    if kind == "trend":
        n, size = len(values[0]), max(4, len(values[0]) // 40)
        blocks = values[0].to_numpy()[: n // size * size].reshape(-1, size).mean(1)  # blocks hardly remember each other
        return float(scipy.stats.linregress(np.arange(len(blocks)), blocks).pvalue)
    if kind in ("correlation", "group_difference", "driver", "ab_effect"):
        numeric = [pd.api.types.is_numeric_dtype(v) for v in values]
        if all(numeric):
            return min(float(scipy.stats.pearsonr(*values).pvalue), float(scipy.stats.spearmanr(*values).pvalue))
        outcome, factor = columns if numeric[0] else columns[::-1]
        return float(scipy.stats.f_oneway(*[g for _, g in clean.groupby(factor)[outcome]]).pvalue)
    return None


def test_planted_effects_stand_out_by_five_standard_errors(cases):
    tested = 0
    for case in cases:
        for effect in case.truth["effects"]:
            p = p_value(effect["kind"], effect["columns"], case.clean)
            if p is not None:
                tested += 1
                assert p < FIVE_SE, (case.id, effect["kind"], effect["columns"], p)
    assert tested > 50


def test_the_level_or_direction_in_the_truth_is_the_one_in_the_table(cases):
    for case in cases:
        for effect in case.truth["effects"]:
            a, b = (case.clean[c] for c in effect["columns"][:2]) if len(effect["columns"]) > 1 else (None, None)
            params, kind = effect["params"], effect["kind"]
            if kind in ("correlation", "driver") and "direction" in params:
                assert np.sign(scipy.stats.spearmanr(a, b).statistic) == (1 if params["direction"] == "+" else -1), (
                    case.id
                )
            elif kind == "group_difference":
                assert a.groupby(b).mean().idxmax() == params["top"], case.id
            elif kind in ("driver", "ab_effect"):
                assert b.groupby(a).mean().idxmax() == params["top"], case.id
            elif kind == "variance_difference":
                assert a.groupby(b).std().idxmax() == params["top"], case.id


def test_the_sample_figures_are_close_to_the_populations(cases):
    """Within five standard errors of a correlation, so that an honest interval covers the truth."""
    for case in cases:
        for effect in case.truth["effects"]:
            for metric in ("pearson_r", "cramers_v"):
                if metric in effect["sample"]:
                    gap = effect["sample"][metric] - effect["population"][metric]
                    assert abs(gap) < 5 / np.sqrt(len(case.clean)), (case.id, effect["kind"], metric)


def test_nothing_is_in_the_null_tables(cases):
    """As many pairs under p = 0.05 as chance gives, none beyond what so many tests allow."""
    nulls = [c for c in cases if c.truth["case_kind"] == "null"]
    assert len(nulls) == 8
    p = []
    for case in nulls:
        assert not case.truth["effects"]
        assert not case.truth["traps"]
        frame = case.clean.select_dtypes("number")
        p += [float(scipy.stats.spearmanr(frame[a], frame[b]).pvalue) for a, b in combinations(frame.columns, 2)]
    assert 0.035 < np.mean(np.array(p) < 0.05) < 0.065
    assert min(p) > 0.01 / len(p)


def test_traps_are_sprung_in_the_files_and_not_in_the_clean_table(cases):
    seen = set()
    for case in cases:
        dirty, clean = case.files["data.csv"], case.clean
        for snare in case.truth["traps"]:
            kind, columns = snare["kind"], snare["columns"]
            seen.add(kind)
            if kind == "duplicate_rows":
                assert dirty.duplicated().sum() > clean.duplicated().sum() + 2
            elif kind == "sentinel_values":
                value, times = dirty[columns[0]].value_counts().index[0], dirty[columns[0]].value_counts().iloc[0]
                assert times > 3, case.id
                assert value not in set(clean[columns[0]])
            elif kind == "censored_values":
                edge = max(
                    (dirty[columns[0]] == dirty[columns[0]].max()).sum(),
                    (dirty[columns[0]] == dirty[columns[0]].min()).sum(),
                )
                assert edge > 0.04 * len(dirty)
            elif kind == "inconsistent_categories":
                assert dirty[columns[0]].nunique() > clean[columns[0]].nunique()
            elif kind == "leverage_point":
                assert abs(dirty[columns].corr().iloc[0, 1]) > 0.15 > abs(dirty[columns].corr("spearman").iloc[0, 1])
            elif kind == "simpsons_paradox":
                x, y, g = columns
                codes = (
                    clean[x].map({"no": 0, "yes": 1})
                    if clean[x].dtype == object or str(clean[x].dtype) == "str"
                    else clean[x]
                )
                within = {
                    np.sign(np.corrcoef(codes[i], clean.loc[i, y])[0, 1]) for i in clean.groupby(g).groups.values()
                }
                assert within == {-np.sign(np.corrcoef(codes, clean[y])[0, 1])}, case.id
            elif kind == "join_fanout":
                lookup = next(f for n, f in case.files.items() if n != "data.csv" and f[columns[0]].duplicated().any())
                assert lookup[columns[0]].astype(int).isin(dirty[columns[0]]).mean() > 0.9
            elif kind == "target_leakage":
                assert abs(clean[columns].corr().iloc[0, 1]) > 0.95
            elif kind == "pseudo_replication":
                unit, outcome = columns
                assert clean.groupby(unit)[outcome].mean().std() > 2 * clean[outcome].std() / np.sqrt(
                    len(clean) / clean[unit].nunique()
                )
            elif kind == "spurious_trend_correlation":
                assert abs(clean[columns].corr().iloc[0, 1]) > 0.7
                assert abs(clean[columns].diff().corr().iloc[0, 1]) * np.sqrt(len(clean)) < 2
    assert len(seen) >= 15


@pytest.mark.parametrize("name", ["a rare group that spreads most", "strong", "the extremes of 6 levels"])
def test_intervals_hold_where_the_usual_theory_does_not(name):
    """Textbook intervals hold the truth in .78, 1.0 and .89 of such samples."""
    (scene,) = [s for s in intervals.scenes() if s.name == name]
    assert 0.9 <= scene.covers(100)[0] <= 0.99
