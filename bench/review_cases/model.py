"""What a case for the reviewer is, and the names of the faults."""

from __future__ import annotations

from dataclasses import dataclass, field

FAULTS = {
    "leakage": "a column that is known only after the outcome, or restates it, predicts it",
    "multiple_testing": "many tests, the smallest p values reported, no correction",
    "small_n": "a claim from a handful of rows, made without saying so",
    "sign_flip": "a pooled relation is reported that turns about within the groups",
    "pseudo_replication": "repeated measurements of few units are tested as if each row were a unit",
    "fan_out": "a join on a key that repeats multiplies rows, and sums are taken over the result",
    "imbalance": "accuracy is praised where nearly all rows are of one class",
    "causal_words": "a cause is claimed of data that nobody randomised",
    "misleading_axis": "bars on an axis that does not start at zero",
    "fit_before_split": "selection, imputation or encoding learns from all rows, then they are split",
    "scaler_all_rows": "a scaler is fitted to all rows, the test rows among them",
    "no_seed": "chance without a seed",
    "merge_unvalidated": "a merge that does not say what it expects of its keys",
    "silent_dropna": "rows with missing values vanish without a word",
    "chained_assignment": "values are assigned to a copy",
    "hard_coded": "a result is typed in where it should be computed",
    "outside_inputs": "a file or address is read that is none of the inputs",
    "untraced_number": "the report holds a number that no cell printed",
    "group_split": "rows of one unit stand on both sides of a split",
    "time_split": "the rows of a series are shuffled before they are split",
    "tuned_on_test": "what is tuned or chosen looks at the rows that it is judged by",
    "future_info": "a value is predicted from what comes after it",
}

EXPECTED = {
    "leakage": {"leakage"},
    "multiple_testing": {"multiple_testing"},
    "small_n": {"small_n"},
    "sign_flip": {"sign_flips"},
    "pseudo_replication": {"repeated_units"},
    "fan_out": {"fan_out", "merges"},
    "imbalance": {"rare_class"},
    "causal_words": {"causal_words"},
    "misleading_axis": {"charts"},
    "fit_before_split": {"fit_before_split"},
    "scaler_all_rows": {"fit_before_split"},
    "no_seed": {"seeds"},
    "merge_unvalidated": {"merges", "fan_out"},
    "silent_dropna": {"dropped_rows"},
    "chained_assignment": {"chained_assignment"},
    "hard_coded": {"typed_results", "numbers"},
    "outside_inputs": {"files"},
    "untraced_number": {"numbers", "typed_results"},
    "group_split": {"split_rows"},
    "time_split": {"split_rows"},
    "tuned_on_test": {"tuned_on_test"},
    "future_info": {"ahead", "leakage"},
}
"""The checks of which one should object to each fault."""


@dataclass(frozen=True)
class Case:
    """One notebook. `fault` is None for a clean one; `near` then says which fault it comes close to.

    Several faults are joined by commas. An `alone` notebook reads its files itself, where another is opened with `df`.

    `files` names tables of `tables.zip`; the first is the notebook's `df`. A cell's `said` replaces
    running it, for code that must not run here (`unrun` maps a cell's place, from 0, to what it printed).
    """

    name: str
    question: str
    files: tuple[str, ...]
    cells: tuple[str, ...]
    answer: str
    fault: str | None = None
    near: str | None = None
    roles: dict[str, str] = field(default_factory=dict)
    unrun: dict[int, str] = field(default_factory=dict)
    alone: bool = False

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(self.fault.split(",")) if self.fault else ()
