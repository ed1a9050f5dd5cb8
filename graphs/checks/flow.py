"""Follows what the cells learn from which rows, through names, columns, loops and functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphs.checks.base import Work, sentences
from graphs.checks.data import is_measured
from graphs.checks.relations import plain
from graphs.checks.sql import windows
from graphs.checks.syntax import SPLITS, assigned, meanings, name_of, statements, words
from graphs.checks.syntax import names as names_in
from graphs.checks.trace import NOTHING, Given, Mark, Names, Tracer, Value, joined, selected

LEARNERS = words(
    """
    StandardScaler MinMaxScaler RobustScaler MaxAbsScaler Normalizer QuantileTransformer PowerTransformer
    SimpleImputer KNNImputer IterativeImputer PCA TruncatedSVD TargetEncoder OneHotEncoder OrdinalEncoder
    KBinsDiscretizer SelectKBest SelectPercentile SelectFromModel RFE RFECV TfidfVectorizer CountVectorizer SMOTE
    RandomOverSampler ADASYN SMOTENC BorderlineSMOTE SVMSMOTE SMOTETomek SMOTEENN KernelPCA FastICA NMF FactorAnalysis
    UMAP ColumnTransformer SelectFdr SelectFpr SequentialFeatureSelector WOEEncoder LeaveOneOutEncoder CatBoostEncoder
    LinearDiscriminantAnalysis PLSRegression VarianceThreshold
    """
)
_SCALERS = words(
    """
    StandardScaler MinMaxScaler RobustScaler MaxAbsScaler QuantileTransformer PowerTransformer scale minmax_scale
    robust_scale maxabs_scale quantile_transform power_transform zscore
    """
)
_FUNCTIONS = words("scale minmax_scale robust_scale maxabs_scale quantile_transform power_transform zscore")
_FITS = ("fit", "fit_transform", "fit_resample", "fit_predict")
_AVERAGES = words("mean median std min max mode var nanmean nanmedian nanstd quantile average")
_RELATES = words(
    """
    corr corrwith corrcoef f_classif f_regression mutual_info_classif mutual_info_regression chi2 pearsonr spearmanr
    kendalltau ttest_ind mannwhitneyu f_oneway kruskal chi2_contingency ks_2samp pointbiserialr
    """
)
_WEIGHED = ("feature_importances_", "coef_", "pvalues", "tvalues", "support_", "ranking_")
_REGRESSES = words("lstsq polyfit OLS ols GLM glm Logit logit")
_RANDOM_FOLDS = words("KFold StratifiedKFold ShuffleSplit StratifiedShuffleSplit RepeatedKFold RepeatedStratifiedKFold")
_TRAIN = re.compile(r"(^|_)(tr|train\w*|fold|past|fit_rows|learn\w*)(_|$)|^X_?tr|^y_?tr", re.I)
_PICKS = words("first last sum size count nth head tail")
_SCORED = re.compile(r"^(score|accuracy|auc|f1|mse|mae|rmse|roc_auc)$|_(score|error|loss|deviance)$")
_CHOOSES = words("max min argmax argmin idxmax idxmin sorted sort_values nlargest nsmallest sort nanargmax nanargmin")
_BEST = words("max min argmax argmin idxmax idxmin nanargmax nanargmin")
_CURVES = words("roc_curve precision_recall_curve staged_predict staged_predict_proba staged_decision_function")
"""What tries every threshold, or every number of rounds, at once."""
_CHANCE = words("random rand permutation shuffle choice uniform integers randint binomial random_sample")
_OPTIMISERS = words("optimize minimize fmin minimize_scalar differential_evolution gp_minimize")
_HALF = "half"
_GRIDS = words("range linspace arange logspace geomspace ParameterGrid ParameterSampler product")
_NEW = r"(?:new|unseen|never seen|not seen|unknown|neue\w*|unbekannte\w*|nuev[oa]s?|nouve\w+|nuov[oiae])"
_OF = r"(?:of|von|der|de|des|di|van)"
"""After it another thing is spoken of: the score of pupils not seen before is no new score."""
_AHEAD = re.compile(r"forecast|ahead|tomorrow|next (day|week|month|quarter|year)|future", re.I)


class Flow(Tracer):
    """Follows what was learnt from all rows until a split or a model's fit uses it.

    Marks: `learnt` from all rows; `train` and `test`, parts that were split; `stat` an average over all rows, its name
    in `what`; `level` averages by group; `centred` less an average; `score` how columns relate in all rows; `lag` made
    of earlier rows; `ahead` of later ones; `per_unit` one row a unit; `drawn` rows taken by chance; `tried` a score of
    the test rows for one of several settings.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.caught: list[Mark] = []
        self.shuffled: list[str] = []
        self.mixed: list[str] = []
        self.tuned: list[tuple[str, str]] = []
        self.foreseen: list[str] = []
        self.known = meanings(work)
        self.trying = self.looping = 0
        self.unit = work.roles.get("unit") or _claimed_unit(work)
        said = " ".join([work.view.run.goal, *(text for _, text in sentences(work))])
        self.series = "time" in work.roles and bool(_AHEAD.search(said))
        self.stops = any("early_stopping" in cell.code for cell, _ in self.trees)
        self.halves = {h for _, tree in self.trees for n in ast.walk(tree) for h in _halves(n)}

    def _statement(self, node: ast.stmt, names: Names) -> list[Value]:
        settings = isinstance(node, ast.For) and self._are_settings(node.iter)
        others = isinstance(node, ast.For) and not settings and self._are_many(node.iter)
        self.trying, self.looping = self.trying + settings, self.looping + others
        returned = super()._statement(node, names)
        self.trying, self.looping = self.trying - settings, self.looping - others
        return returned

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, names: Names) -> Value:
        settings = any(self._are_settings(g.iter) for g in node.generators)
        others = not settings and any(self._are_many(g.iter) for g in node.generators)
        self.trying, self.looping = self.trying + settings, self.looping + others
        found = super()._comprehension(node, names)
        self.trying, self.looping = self.trying - settings, self.looping - others
        return found

    def _guarded(self, node: ast.If | ast.While, names: Names) -> list[Value]:
        asked = self.value(node.test, names) if isinstance(node.test, ast.Compare) else NOTHING
        if asked.has("tried") or asked.has("compared"):
            self.tuned.append((self.cell.cell, "the best of several settings is chosen by"))
        return super()._guarded(node, names)

    def _set_columns(self, base: ast.expr, columns: Iterable[str], value: Value, names: Names) -> None:
        super()._set_columns(base, columns, value, names)
        tried = [m for m in value.all_marks if m.kind in ("tried", "compared")]
        if tried:  # scores[alpha] = ...
            self._keep(base, self.value(base, names).plus(*tried), names)

    def _are_many(self, over: ast.expr, depth: int = 3) -> bool:
        """Whether a loop runs over at least three things that are written out, as models are that are compared."""
        if isinstance(over, ast.Name) and depth and over.id in self.known:
            return self._are_many(self.known[over.id], depth - 1)
        if (
            isinstance(over, ast.Call)
            and isinstance(over.func, ast.Attribute)
            and over.func.attr in ("items", "values")
        ):
            return self._are_many(over.func.value, depth)
        if isinstance(over, ast.Call):
            name = over.func.id if isinstance(over.func, ast.Name) else ""
            return name in ("enumerate", "tqdm", "list", "zip") and any(self._are_many(a, depth) for a in over.args)
        written = over.values if isinstance(over, ast.Dict) else getattr(over, "elts", [])
        return len(written) >= 3

    def _are_settings(self, over: ast.expr, depth: int = 3) -> bool:
        """Whether what a loop runs over are settings to try: a range, a grid, a list of numbers."""
        if isinstance(over, ast.Name) and depth and over.id in self.known:
            return self._are_settings(self.known[over.id], depth - 1)
        if isinstance(over, ast.Call):
            name = over.func.attr if isinstance(over.func, ast.Attribute) else getattr(over.func, "id", "")
            wrapped = name in ("enumerate", "tqdm", "list", "sorted") and bool(over.args)
            return name in _GRIDS or name in _CURVES or (wrapped and self._are_settings(over.args[0], depth))
        literals = [getattr(e, "value", None) for e in over.elts] if isinstance(over, (ast.List, ast.Tuple)) else []
        return len(literals) >= 3 and all(isinstance(v, (int, float)) for v in literals)

    def named(self, name: str, value: Value) -> Value:
        part = _TRAIN.search(name) and value.code is None and value.kind != "read"  # a file may be called train, too
        return value.plus(Mark("train")) if part else value

    def learnt(self, what: str) -> Mark:
        return Mark("learnt", self.cell.cell, what)

    def called(self, given: Given) -> Value | None:
        name, owner = given.name, given.owner
        data = given.args[0] if given.args else next(iter(given.keywords.values()), Value())
        module = owner is not None and owner.kind.startswith("module ")
        passed = next((a.kind.rpartition(" ")[2].rpartition(".")[2] for a in given.args if _is_function(a)), "")
        if name in ("apply", "transform", "pipe", "agg") and passed in _FUNCTIONS and owner is not None:
            return owner if owner.has("train") else Value(owner.all_marks | {self.learnt(_fitted(passed))})
        if name in _FUNCTIONS and (owner is None or module) and given.args and not data.has("train"):
            return Value(data.all_marks | {self.learnt(_fitted(name))})
        if name.startswith("read_"):
            return Value(frozenset(Mark("rows", what=t) for t in data.texts), kind="read")
        if any(re.search(r"\bselect\b", t, re.I) for t in data.texts):
            return self._queried(data.texts)
        if self._holds_back(given):
            return self._split(given)
        if name in _FITS and owner is not None and given.inputs:
            return self._fit(given, owner, data)
        if name in _REGRESSES:
            self._tested(joined(given.inputs))
        if name in ("transform", "predict", "predict_proba", "score") and owner is not None and owner.kind:
            of_owner = [m for m in owner.marks if m.kind == "learnt"]
            tried = [Mark(k) for k in self._trial(name, given)]
            return replace(joined(given.inputs), kind="").plus(*of_owner, *tried)
        if name == "sample" and owner is not None and _says(given.call, "replace", True):
            return owner.plus(self.learnt("copies of rows are drawn from")) if not owner.has("train") else owner
        if name == "sample" and owner is not None and not module and (given.args or "frac" in given.keywords):
            return owner.plus(Mark("drawn"))
        if name == "drop" and owner is not None and joined(given.args).has("drawn") and not owner.has("drawn"):
            self._catch(owner)
            self._shuffles(replace(given, name="train_test_split"), owner)
            return owner.plus(Mark("test"))
        if trial := self._trial(name, given):
            return joined(given.inputs).plus(*map(Mark, trial))
        among = joined([*given.inputs, *given.applied, *([owner] if owner is not None else [])])
        if ((name in _CHOOSES and among.has("tried")) or (name in _BEST and among.has("compared"))) and not (
            name in _BEST and self._reads_off(given.call)
        ):
            self.tuned.append((self.cell.cell, "the best of several settings is chosen by"))
        if name in _OPTIMISERS and any(_held_out(self._own(a, given)) for a in given.args if a.code is not None):
            self.tuned.append((self.cell.cell, "the best of several settings is chosen by"))
        if name in ("default_rng", "RandomState", "Generator"):
            return Value(kind="default_rng")
        drawn_by = owner is not None and (owner.kind.endswith("random") or owner.kind in ("default_rng", "RandomState"))
        if drawn_by and name in _CHANCE:
            return joined(given.inputs).plus(Mark("chance"))
        if name == "resample" and data is not Value() and given.args and (owner is None or module):
            drawn = self.learnt("copies of rows are drawn from")
            again = not _says(given.call, "replace", False) and not data.has("train")
            return data.plus(drawn) if again else data
        if name == "next" and data.kind == "folds":
            return data
        return self._derived(given)

    def _reads_off(self, call: ast.Call) -> bool:
        """`np.argmax(recall <= 0.5)`: a curve is read where it reaches a level, and its threshold is put to no use."""
        asked = call.args[0] if call.args else getattr(call.func, "value", None)
        if not isinstance(asked, ast.Compare) or len(asked.ops) != 1:
            return False
        level = asked.comparators[0]
        if isinstance(level, ast.Name):
            level = self.known.get(level.id, level)
        if not (isinstance(level, ast.Constant) and isinstance(level.value, (int, float))):
            return False
        curves = [
            pair[0][2]
            for _, tree in self.trees
            for s in statements(tree)
            if (pair := assigned(s)) is not None and len(pair[0]) == 3
            and isinstance(pair[1], ast.Call) and name_of(pair[1]) in _CURVES
        ]  # fmt: skip
        thresholds = {n for c in curves for n in names_in(c)}
        return bool(curves) and not any(
            isinstance(n, ast.Subscript) and names_in(n.value) & thresholds
            for _, tree in self.trees
            for n in ast.walk(tree)
        )

    def _queried(self, queries: Iterable[str]) -> Value:
        """What a query gives: its columns of later and of earlier rows, and those set against all rows."""
        columns: dict[str, frozenset[Mark]] = {}
        for column, kind in (pair for q in queries for pair in windows(q)):
            mark = self.learnt("values are scaled by the mean and spread of") if kind == "learnt" else Mark(kind)
            columns[column] = frozenset([replace(mark, cell=self.cell.cell)])
        return Value(columns=columns, kind="read")

    def _trial(self, name: str, given: Given) -> tuple[str, ...]:
        """The marks of a score of held-out rows that is one of several: of settings, or of other things compared."""
        if not _held_out(joined(given.inputs)):
            return ()
        if name in _CURVES or (self.trying and _SCORED.search(name)):
            return ("tried",)
        return ("compared",) if self.looping and _SCORED.search(name) else ()

    def _derived(self, given: Given) -> Value | None:
        """Values that rest on other rows than their own: averages, encodings, gaps filled, earlier rows."""
        name, owner = given.name, given.owner
        module = owner is not None and owner.kind.startswith("module ")
        source = owner if owner is not None and not module else (given.args[0] if given.args else None)
        if source is None:
            return None
        all_rows = not source.has("train")
        if name == "groupby":
            by = joined(given.inputs).texts
            marks = [Mark("grouped")] + ([Mark("by_unit")] if self.unit and self.unit in by else [])
            return source.plus(*marks)
        grouped = source.has("grouped")
        if _looks_ahead(given.call):
            return source.without("grouped", "by_unit", "lag").plus(Mark("ahead", self.cell.cell))
        if name in ("shift", "rolling", "ewm", "pct_change"):
            return source.without("grouped", "by_unit").plus(Mark("lag"))
        if grouped and name == "transform" and all_rows:
            averaged = joined(given.args).texts & _AVERAGES
            marks = [self.learnt("an encoding is averaged over")] if averaged else []
            marks += [m for m in joined(given.applied).all_marks if m.kind == "learnt"]
            return Value(source.marks | frozenset(marks)).without("grouped", "by_unit")
        if grouped and name in (*_AVERAGES, "agg", "aggregate", *_PICKS):
            marks = [Mark("level")] if all_rows and name in _AVERAGES else []
            marks += [Mark("per_unit")] if source.has("by_unit") else []
            return source.without("grouped", "by_unit").plus(*marks)
        per_unit = self.unit and self.unit in joined(given.inputs).texts and name in ("pivot", "pivot_table")
        if per_unit or name in ("unique", "drop_duplicates"):
            return source.plus(Mark("per_unit"))
        if name in _AVERAGES and all_rows and not _across(given.call):
            return Value(source.all_marks | {Mark("stat", self.cell.cell, name.removeprefix("nan"))})
        if name in _RELATES and not any(v.has("train") for v in (source, *given.args)):
            return Value(source.all_marks | {Mark("score", self.cell.cell)})
        typical = joined(given.inputs)
        if name == "fillna" and all_rows and (typical.has("stat") or typical.has("level")):
            filled = typical.without("stat", "level").all_marks | {self.learnt("missing values are filled in from")}
            return replace(source, marks=source.marks | filled)
        brought = joined([*given.inputs, *given.applied])
        if name in ("map", "replace", "apply") and owner is not None and brought.has("level"):
            return Value(source.marks | {self.learnt("an encoding is averaged over")})
        if name in ("merge", "join") and brought.has("level") and _rows(brought) & _rows(source):
            both = joined([source, brought]).without("level")
            return both.plus(self.learnt("an encoding is averaged over"))
        if name in ("sub", "subtract") and owner is not None and joined(given.args).has("stat"):
            return owner.plus(Mark("centred"))
        if name in ("div", "divide", "truediv") and owner is not None and owner.has("centred"):
            return self._scaled(owner, joined(given.args))
        return None

    def combined(self, node: ast.BinOp, left: Value, right: Value) -> Value | None:
        both = joined([left, right])
        if isinstance(node.op, ast.Sub) and _spread(right, ("mean", "median", "min", "average")):
            return both.without("stat").plus(Mark("centred"))
        if isinstance(node.op, ast.Div) and left.has("centred"):
            return self._scaled(left, right)
        return both

    def _scaled(self, left: Value, right: Value) -> Value:
        known = _spread(right, ("std", "max", "var", "quantile", "min")) or right.has("centred")
        whole = known and not left.has("train") and not right.has("train")
        marks = [self.learnt("values are scaled by the mean and spread of")] if whole else []
        return joined([left, right]).without("stat", "centred").plus(*marks)

    def read(self, owner: Value, attribute: str) -> Value | None:
        if attribute in _WEIGHED and owner.kind.startswith("fitted ") and not owner.has("train"):
            return Value(owner.marks | {Mark("score", self.cell.cell)})
        return None

    def taken(self, node: ast.Subscript, base: Value, index: Value) -> Value | None:
        found = selected(base, index)
        if index.has("score") and not base.has("score"):
            found = found.plus(self.learnt("columns are chosen by how they relate to the outcome in"))
        part = [m for m in index.marks if m.kind in ("train", "test", "learnt")]
        text = ast.unparse(node)
        half = text in self.halves or f"test {text}" in self.halves
        if half:
            part.append(Mark("train" if text in self.halves else "test", what=_HALF))
        rest = index.has("drawn") and not base.has("drawn") and any(isinstance(n, ast.Invert) for n in ast.walk(node))
        if rest or (index.has("chance") and (half or part)):
            by_chance = Given(ast.Call(ast.Name("train_test_split"), [], []), "train_test_split", None, (base,), {})
            self._shuffles(by_chance, joined([base, index]))
        if rest:
            self._catch(base)
            part.append(Mark("test"))
        return found.plus(*part) if part or found is not base else None

    def _holds_back(self, given: Given) -> bool:
        fold = given.owner is not None and (given.owner.kind.endswith(("Fold", "Split")) or given.owner.kind == "")
        texts = given.owner is not None and bool(given.owner.texts)
        split = given.name == "split" and fold and not texts and bool(given.inputs) and not joined(given.args).texts
        return given.name in SPLITS or split

    def _split(self, given: Given) -> Value:
        """Rows are held back: whoever has learnt from all of them is caught here."""
        if given.name.endswith("SearchCV"):
            return Value(kind=given.name, made=given.call)
        data = joined(given.inputs)
        self._catch(data)
        self._shuffles(given, data)
        clean = data.without("train", "test")
        if given.name == "split":
            parts = (Value().plus(Mark("train")), Value().plus(Mark("test")))
            return Value(parts=parts, kind="folds")
        if given.name != "train_test_split":
            return Value(clean.marks)
        pairs = [p for a in given.args for p in (a.plus(Mark("train")), a.plus(Mark("test")))]
        return replace(data, parts=tuple(replace(p, parts=None) for p in pairs))

    def _shuffles(self, given: Given, data: Value) -> None:
        """Whether rows that belong together in time or in a unit are dealt out by chance."""
        folds = given.owner if given.name == "split" else given.keywords.get("cv")
        kind = folds.kind if folds is not None else ""
        if given.name == "train_test_split":
            by_chance = not _says(given.call, "shuffle", False)
        else:
            shuffles = kind.endswith("ShuffleSplit") or kind.startswith("Repeated")
            made = folds.made if folds is not None else None
            by_chance = kind in _RANDOM_FOLDS and (shuffles or (made is not None and _says(made, "shuffle", True)))
        if by_chance and (data.has("lag") or self.series):
            self.shuffled.append(self.cell.cell)
        grouped = "groups" in given.keywords or (given.name == "split" and len(given.args) > 2)
        blind = by_chance or (
            given.name in SPLITS and kind in ("", *_RANDOM_FOLDS) and given.name != "train_test_split"
        )
        if self.unit and blind and not grouped and not data.has("per_unit"):
            self.mixed.append(self.cell.cell)

    def _fit(self, given: Given, owner: Value, data: Value) -> Value:
        kind = owner.kind.removeprefix("fitted ")
        if kind in LEARNERS:
            marks = [] if data.has("train") else [self.learnt(_fitted(kind))]
            if _held_out(data):
                self.tuned.append((self.cell.cell, f"`{kind}` is fitted to"))
            if given.name == "fit":
                return replace(owner, kind=f"fitted {owner.kind}").plus(*marks)
            kept = replace(joined(given.inputs), kind=f"fitted {owner.kind}").plus(*marks)
            return replace(kept, parts=tuple(kept for _ in range(2)) if given.name == "fit_resample" else None)
        self._tested(joined(given.inputs))
        if given.args and _held_out(given.args[0]):
            self.tuned.append((self.cell.cell, f"`{kind or 'a model'}` is fitted to"))
        if self.stops and _held_out(given.keywords.get("eval_set", Value())):
            self.tuned.append((self.cell.cell, "the number of rounds is chosen by"))
        features, outcome = (*given.args, *(given.keywords.get(k, Value()) for k in ("X", "y")), Value())[:2]
        if features.has("ahead") and not outcome.has("ahead"):
            self.foreseen.append(self.cell.cell)
        if kind.endswith("SearchCV"):
            self._catch(joined(given.inputs))
            cv = next((k.value for k in owner.made.keywords if k.arg == "cv"), None) if owner.made else None
            folds = self.value(cv, self.names)
            self._shuffles(replace(given, name="cross_val_score", keywords={"cv": folds}), joined(given.inputs))
        part = [m for v in given.inputs for m in v.all_marks if m.kind == "train"]
        return replace(owner, kind=f"fitted {kind}").plus(*part)

    def _tested(self, data: Value) -> None:
        """A model is fitted to the part that was split off; what learnt before from all rows is caught."""
        if data.has("train") or any(m.what == _HALF for m in data.all_marks):
            self._catch(data)

    def _catch(self, data: Value) -> None:
        self.caught += sorted((m for m in data.all_marks if m.kind == "learnt"), key=lambda m: (m.cell, m.what))


def _claimed_unit(work: Work) -> str:
    """The column of repeating values of whose new ones the report speaks, as of a rower whom nobody has seen."""
    said = plain(" ".join([work.view.run.goal, *(text for _, text in sentences(work))]))
    for frame in work.frames.values():
        for column in map(str, frame.columns):
            word = re.escape(plain(column).strip().removesuffix(" id").removeprefix("id "))
            repeats = 5 <= frame[column].nunique() <= len(frame) / 2 and frame[column].dtype.kind != "f"
            near = rf"\b{_NEW}\s+(?:\w+\s+){{0,2}}{word}|\b{word}\w*\s+(?:(?!{_OF}\b)\w+\s+){{0,4}}{_NEW}\b"
            if repeats and len(word) > 2 and re.search(near, said) and not is_measured(frame[column]):
                return column
    return ""


def _is_function(value: Value) -> bool:
    """Whether a value is something that was imported, as it is handed to `apply`."""
    return value.kind.startswith(("import ", "module "))


def _held_out(value: Value) -> bool:
    """Rows of the test part; those of a part of the training part are for choosing.

    Of two halves that were cut by a mask nobody knows which is the test part.
    """
    return any(m.kind == "test" and m.what != _HALF for m in value.all_marks) and not value.has("train")


def _rows(value: Value) -> set[str]:
    """The files that a value's rows were read from."""
    return {m.what for m in value.all_marks if m.kind == "rows"}


def _looks_ahead(call: ast.Call) -> bool:
    """Whether a call gives rows something of later ones."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name in ("bfill", "backfill"):
        return True
    if name == "fillna":
        return any(k.arg == "method" and getattr(k.value, "value", "") in ("bfill", "backfill") for k in call.keywords)
    if name == "rolling":
        return _says(call, "center", True)
    steps = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "periods"), None)
    back = isinstance(steps, ast.UnaryOp) and isinstance(steps.op, ast.USub)
    return name in ("shift", "diff", "pct_change") and back


def _fitted(kind: str) -> str:
    return f"{'a scaler' if kind in _SCALERS else f'`{kind}`'} is fitted to"


def _spread(value: Value, kinds: tuple[str, ...]) -> bool:
    return any(m.kind == "stat" and m.what in kinds for m in value.all_marks)


def _says(call: ast.Call, keyword: str, what: bool) -> bool:
    return any(k.arg == keyword and isinstance(k.value, ast.Constant) and k.value.value is what for k in call.keywords)


def _across(call: ast.Call) -> bool:
    """`x.mean(axis=1)`, an average within each row."""
    return any(
        k.arg == "axis" and isinstance(k.value, ast.Constant) and k.value.value in (1, -1, "columns")
        for k in call.keywords
    )


def _halves(node: ast.AST) -> Iterator[str]:
    """The two selections that part a table, as they are written, for each of them that a node could be.

    `x[:n]` goes with `x[n:]`, `x[a < b]` with `x[a >= b]`, `x[m]` with `x[~m]`.
    """
    if not isinstance(node, ast.Subscript):
        return
    base, at = ast.unparse(node.value), node.slice
    if isinstance(at, ast.Slice) and at.step is None and at.lower is not None and at.upper is None:
        yield f"{base}[:{ast.unparse(at.lower)}]"
        yield f"test {ast.unparse(node)}"
    elif isinstance(at, ast.Compare) and len(at.ops) == 1 and isinstance(at.ops[0], (ast.Gt, ast.GtE)):
        for sign in ("<", "<="):
            yield f"{base}[{ast.unparse(at.left)} {sign} {ast.unparse(at.comparators[0])}]"
        yield f"test {ast.unparse(node)}"
    elif isinstance(at, ast.UnaryOp) and isinstance(at.op, ast.Invert):
        yield f"{base}[{ast.unparse(at.operand)}]"
        yield f"test {ast.unparse(node)}"
