"""Notebooks with one fault of statistics each."""
# ruff: noqa: E501  (the cells are quoted as an analyst would write them)

from bench.review_cases.model import Case

_SPLIT = """from sklearn.model_selection import train_test_split
train, test = train_test_split(df, test_size=0.3, random_state=0, stratify=df["{target}"])
print(len(train), "rows to learn from,", len(test), "to test on")
"""

CASES = (
    Case(
        "leak-closing-fee", "Which customers are about to leave?", ("churn.csv",),
        (
            _SPLIT.format(target="left"),
            """from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
features = ["months", "support_calls", "bill_eur", "closing_fee"]
model = GradientBoostingClassifier(random_state=0).fit(train[features], train["left"])
auc = roc_auc_score(test["left"], model.predict_proba(test[features])[:, 1])
print(f"AUC on the test rows: {auc:.3f}")
for name, share in sorted(zip(features, model.feature_importances_), key=lambda p: -p[1]):
    print(f"{name}: {share:.3f}")
""",
        ),
        "The model tells leavers from stayers with an AUC of {auc:.3f}; the closing fee matters most.",
        fault="leakage", roles={"target": "left"},
    ),
    Case(
        "leak-days-to-return", "What predicts readmission?", ("patients.csv",),
        (
            _SPLIT.format(target="readmitted"),
            """from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
columns = ["age", "systolic", "stay_days", "days_to_return"]
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train[columns], train["readmitted"])
auc = roc_auc_score(test["readmitted"], model.predict_proba(test[columns])[:, 1])
print("AUC", round(auc, 3))
print(dict(zip(columns, model[-1].coef_[0].round(2))))
""",
        ),
        "Readmission can be predicted almost perfectly (AUC {auc:.3f}).",
        fault="leakage", roles={"target": "readmitted"},
    ),
    Case(
        "leak-ward", "What goes with readmission?", ("patients.csv",),
        (
            """table = pd.crosstab(df["readmission_ward"].fillna("none"), df["readmitted"])
print(table)
from scipy.stats import chi2_contingency
chi2, p, _, _ = chi2_contingency(table)
v = (chi2 / (len(df) * (min(table.shape) - 1))) ** 0.5
print(f"Cramér's V {v:.3f}, p {p:.2g}")
report("claim", "driver", f"The ward of readmission goes with being readmitted (Cramér's V {v:.2f}).",
       ["readmission_ward", "readmitted"], n=len(df), effect={"metric": "cramers_v", "value": v, "ci": [v - 0.02, 1]},
       test={"name": "chi2", "p": p, "q": p, "family": "associations", "m": 1}, caveats=["observational"])
""",
        ),
        "The strongest predictor of readmission is the ward of readmission, with a Cramér's V of {v:.2f}.",
        fault="leakage", roles={"target": "readmitted"},
    ),
    Case(
        "leak-target-mean", "Can prices be predicted from the district and the area?", ("houses.csv",),
        (
            """df["price_rank"] = df["price_eur"].rank(pct=True)
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold, cross_val_score
features = ["area_m2", "rooms", "price_rank"]
folds = KFold(5, shuffle=True, random_state=0)
scores = cross_val_score(RandomForestRegressor(random_state=0, n_estimators=60), df[features], df["price_eur"], cv=folds, scoring="r2")
r2 = scores.mean()
print("R² over five folds:", scores.round(4), "mean", round(r2, 4))
""",
        ),
        "Prices can be predicted with an R² of {r2:.4f}.",
        fault="leakage", roles={"target": "price_eur"},
    ),
    Case(
        "many-sensors", "Which sensor differs between the lines?", ("sensors.csv",),
        (
            """from scipy.stats import ttest_ind
found = []
for name in [c for c in df.columns if c.startswith("s")]:
    a, b = df.loc[df["line"] == "L1", name], df.loc[df["line"] == "L2", name]
    t, p = ttest_ind(a, b, equal_var=False)
    found.append((p, name, a.mean() - b.mean()))
found.sort()
for p, name, gap in found[:5]:
    print(f"{name}: difference {gap:.3f}, p = {p:.3f}")
best_p, best, best_gap = found[0]
""",
        ),
        "Sensor {best} differs between the lines by {best_gap:.3f} (p = {best_p:.3f}).",
        fault="multiple_testing",
    ),
    Case(
        "many-correlations", "What goes with the yield?", ("sensors.csv",),
        (
            """from scipy.stats import pearsonr
signals = [c for c in df.columns if c.startswith("s")]
rows = [(c, *pearsonr(df[c], df["yield_pct"])) for c in signals]
table = pd.DataFrame(rows, columns=["signal", "r", "p"]).sort_values("p")
significant = table[table["p"] < 0.05]
print(significant.round(4).to_string(index=False))
print(len(significant), "signals are significant at the 5 % level")
""",
            """for _, row in significant.iterrows():
    report("claim", "correlation", f"{row['signal']} goes with the yield (r = {row['r']:.2f}).", [row["signal"], "yield_pct"],
           n=len(df), effect={"metric": "pearson_r", "value": row["r"], "ci": [row["r"] - 0.11, row["r"] + 0.11]},
           test={"name": "pearson", "p": row["p"]}, direction="+" if row["r"] > 0 else "-", caveats=["observational"])
""",
        ),
        "These signals go with the yield; each is significant at the 5 % level.",
        fault="multiple_testing",
    ),
    Case(
        "many-subgroups", "In which group does tenure matter for leaving?", ("churn.csv",),
        (
            """import itertools
from scipy.stats import mannwhitneyu
results = []
for plan, low, calls in itertools.product("SML", (25, 32, 39, 46), (0, 1, 2, 3)):
    part = df[(df["plan"] == plan) & (df["bill_eur"].between(low, low + 7)) & (df["support_calls"] == calls)]
    if part["left"].nunique() == 2 and len(part) >= 25:
        p = mannwhitneyu(part.loc[part["left"] == 1, "months"], part.loc[part["left"] == 0, "months"]).pvalue
        results.append((p, plan, low, calls, len(part)))
results.sort()
p, plan, low, calls, size = results[0]
print(f"plan {plan}, bill {low} to {low + 7}, {calls} calls: p = {p:.4f}, n = {size}")
""",
        ),
        "Tenure separates leavers in plan {plan} with a bill from {low} EUR and {calls} support calls (p = {p:.4f}, n = {size}).",
        fault="multiple_testing",
    ),
    Case(
        "few-islands", "Where are people most satisfied?", ("regions.csv",),
        (
            """means = df.groupby("region")["satisfaction"].agg(["mean", "count"]).sort_values("mean", ascending=False)
print(means.round(2))
best, level = means.index[0], means["mean"].iloc[0]
rest = df.loc[df["region"] != best, "satisfaction"].mean()
gap = level - rest
print(f"{best}: {level:.2f} against {rest:.2f} elsewhere, a difference of {gap:.2f}")
report("claim", "group_difference", f"Satisfaction is highest in the {best}: {level:.1f} against {rest:.1f} elsewhere.",
       ["satisfaction", "region"], n=int(means["count"].iloc[0]), params={"top": best}, confidence="high",
       effect={"metric": "mean_diff", "value": gap, "ci": [gap - 0.5, gap + 0.5]})
""",
        ),
        "People in the {best} are the most satisfied ({level:.1f} against {rest:.1f}).",
        fault="small_n",
    ),
    Case(
        "few-bridges", "Is corrosion worse under heavy loads?", ("bridges.csv",),
        (
            """from scipy.stats import spearmanr
heavy = df[df["load_t"] > 54].dropna(subset=["corrosion_mm"])
print(len(heavy), "bridges over 54 t with a measured corrosion")
rho, p = spearmanr(heavy["load_t"], heavy["corrosion_mm"])
print(f"rho {rho:.2f}")
report("claim", "correlation", f"Among heavily loaded bridges corrosion goes with the load (rho = {rho:.2f}).",
       ["load_t", "corrosion_mm"], n=len(heavy), effect={"metric": "spearman_r", "value": rho, "ci": [-1, 1]},
       direction="+" if rho > 0 else "-", confidence="high")
""",
        ),
        "Among the most loaded bridges, corrosion goes with the load (rho = {rho:.2f}).",
        fault="small_n",
    ),
    Case(
        "few-late-orders", "Do very late parcels weigh more?", ("orders.csv",),
        (
            """late = df[df["delivery_days"] >= 10]
other = df[df["delivery_days"] < 10]
heavier = late["weight_kg"].mean() - other["weight_kg"].mean()
print(f"late: {late['weight_kg'].mean():.2f} kg (n = {len(late)}), others: {other['weight_kg'].mean():.2f} kg (n = {len(other)})")
print(f"difference {heavier:.2f} kg")
report("claim", "group_difference", f"Very late parcels differ in weight by {heavier:.2f} kg from the others.",
       ["weight_kg", "delivery_days"], n=len(late), effect={"metric": "mean_diff", "value": heavier, "ci": [heavier - 0.1, heavier + 0.1]},
       confidence="high")
""",
        ),
        "Very late parcels differ in weight by {heavier:.2f} kg.",
        fault="small_n",
    ),
    Case(
        "flip-evening", "Do evening students score higher?", ("admissions.csv",),
        (
            """pooled = df.groupby("session")["score"].mean()
gap = pooled["evening"] - pooled["day"]
print(f"evening {pooled['evening']:.2f}, day {pooled['day']:.2f}, difference {gap:.2f}")
""",
            """inside = df.pivot_table(index="course", columns="session", values="score")
inside["evening - day"] = inside["evening"] - inside["day"]
print(inside.round(2))
""",
            """report("claim", "group_difference", f"Evening students score {gap:.1f} points higher.", ["score", "session"], n=len(df),
       params={"top": "evening"}, effect={"metric": "mean_diff", "value": gap, "ci": [gap - 1.2, gap + 1.2]},
       caveats=["observational"])
""",
        ),
        "Evening students score {gap:.1f} points higher than day students.",
        fault="sign_flip",
    ),
    Case(
        "flip-study-hours", "Do those who study more score higher?", ("admissions.csv",),
        (
            """r = df["study_hours"].corr(df["score"])
print(f"r = {r:.3f} over {len(df)} students")
for course, part in df.groupby("course"):
    print(f"  {course}: r = {part['study_hours'].corr(part['score']):.3f} (n = {len(part)})")
report("claim", "correlation", f"Students who study longer score lower (r = {r:.2f}).", ["study_hours", "score"], n=len(df),
       direction="-", effect={"metric": "pearson_r", "value": r, "ci": [r - 0.04, r + 0.04]}, caveats=["observational"])
""",
        ),
        "Students who study longer score lower (r = {r:.2f}).",
        fault="sign_flip",
    ),
    Case(
        "flip-regression", "Does the session matter for the score?", ("admissions.csv",),
        (
            """import statsmodels.formula.api as smf
alone = smf.ols("score ~ session", df).fit()
with_course = smf.ols("score ~ session + course", df).fit()
print(f"alone: {alone.params['session[T.evening]']:.2f}")
print(f"with course: {with_course.params['session[T.evening]']:.2f}")
b = alone.params["session[T.evening]"]
low, high = alone.conf_int().loc["session[T.evening]"]
report("claim", "group_difference", f"Evening sessions go with {b:.1f} points more.", ["score", "session"], n=len(df),
       params={"top": "evening"}, effect={"metric": "mean_diff", "value": b, "ci": [low, high]}, caveats=["observational"])
""",
        ),
        "Scores are {b:.1f} points higher in evening sessions.",
        fault="sign_flip",
    ),
    Case(
        "rats-rows", "Does the diet go with weight?", ("rats.csv",),
        (
            """print(df["animal"].nunique(), "animals,", len(df), "weighings")
from scipy.stats import ttest_ind
oat, rye = df.loc[df["diet"] == "oat", "weight_g"], df.loc[df["diet"] == "rye", "weight_g"]
t, p = ttest_ind(oat, rye, equal_var=False)
gap = oat.mean() - rye.mean()
print(f"oat - rye: {gap:.2f} g, t = {t:.2f}, p = {p:.2g}")
report("claim", "group_difference", f"Animals fed oat differ by {gap:.1f} g from those fed rye.", ["weight_g", "diet"], n=len(df),
       effect={"metric": "mean_diff", "value": gap, "ci": [gap - 1.9, gap + 1.9]},
       test={"name": "welch_t", "p": p, "q": p, "family": "diet", "m": 1}, caveats=["observational"])
""",
        ),
        "The weights differ by {gap:.1f} g between the diets (p = {p:.2g}).",
        fault="pseudo_replication", roles={"unit": "animal"},
    ),
    Case(
        "visits-rows", "Is the new layout used for longer?", ("visits.csv",),
        (
            """import statsmodels.formula.api as smf
fit = smf.ols("seconds ~ layout", df).fit()
print(fit.summary().tables[1])
b, p = fit.params["layout[T.old]"], fit.pvalues["layout[T.old]"]
low, high = fit.conf_int().loc["layout[T.old]"]
print(f"old - new: {b:.2f} s, p = {p:.2g}, {df['user'].nunique()} users")
report("claim", "group_difference", f"Visits to the old layout differ by {b:.1f} s.", ["seconds", "layout"], n=len(df),
       effect={"metric": "mean_diff", "value": b, "ci": [low, high]}, test={"name": "ols", "p": p, "q": p, "family": "layout", "m": 1},
       caveats=["observational"])
""",
        ),
        "Visits to the old layout differ by {b:.1f} s from visits to the new one.",
        fault="pseudo_replication", roles={"unit": "user"},
    ),
    Case(
        "rats-anova", "Do the diets differ?", ("rats.csv",),
        (
            """from scipy.stats import f_oneway, mannwhitneyu
groups = [g["weight_g"].to_numpy() for _, g in df.groupby("diet")]
f, p = f_oneway(*groups)
u = mannwhitneyu(*groups).pvalue
print("measurements per animal:", df.groupby("animal").size().unique())
print(f"F = {f:.2f}, p = {p:.2g}; Mann-Whitney p = {u:.2g}")
""",
        ),
        "The diets differ clearly (F = {f:.2f}, p = {p:.2g}).",
        fault="pseudo_replication", roles={"unit": "animal"},
    ),
    Case(
        "fan-contacts", "What did customers of each channel spend in total?", ("orders.csv", "contacts.csv"),
        (
            """contacts = tables["contacts.csv"]
joined = df.merge(contacts, on="customer", how="left", validate="many_to_many")
print(len(df), "orders,", len(joined), "rows after the join")
totals = joined.groupby("channel")["amount_eur"].sum().round(2)
print(totals)
best, total = totals.idxmax(), totals.max()
""",
        ),
        "Customers reached by {best} spent the most: {total:.2f} EUR.",
        fault="fan_out",
    ),
    Case(
        "fan-average", "What is the average order of customers with a phone contact?", ("orders.csv", "contacts.csv"),
        (
            """merged = pd.merge(tables["orders.csv"], tables["contacts.csv"], on="customer", validate="m:m")
print("rows:", len(tables["orders.csv"]), "->", len(merged))
revenue = merged["amount_eur"].sum()
print(f"revenue {revenue:.2f} EUR in {len(merged)} orders")
""",
        ),
        "Together the orders come to {revenue:.2f} EUR.",
        fault="fan_out",
    ),
    Case(
        "fan-count", "How many orders came from each channel?", ("contacts.csv", "orders.csv"),
        (
            """wide = df.merge(tables["orders.csv"], on="customer", how="inner", validate="many_to_many")
counts = wide.groupby("channel").size()
share = counts / counts.sum()
print(counts.to_string())
print("orders in the file:", len(tables["orders.csv"]), "rows joined:", len(wide))
mail = int(counts["mail"])
""",
        ),
        "{mail} orders came from customers reached by mail.",
        fault="fan_out",
    ),
    Case(
        "accuracy-fraud", "Can fraud be told from the transaction?", ("fraud.csv",),
        (
            _SPLIT.format(target="fraud"),
            """from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
features = ["amount", "night", "age_of_card", "merchant_risk"]
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train[features], train["fraud"])
accuracy = model.score(test[features], test["fraud"])
print(f"accuracy on the test rows: {accuracy:.3f}")
""",
        ),
        "The model recognises fraud with an accuracy of {accuracy:.3f}.",
        fault="imbalance", roles={"target": "fraud"},
    ),
    Case(
        "accuracy-forest", "How well can fraud be predicted?", ("fraud.csv",),
        (
            """print(df["fraud"].value_counts(normalize=True).round(4))
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
X, y = df[["amount", "night", "merchant_risk"]], df["fraud"]
folds = StratifiedKFold(5, shuffle=True, random_state=1)
scores = cross_val_score(RandomForestClassifier(60, random_state=1), X, y, cv=folds, scoring="accuracy")
mean = scores.mean()
print("accuracy per fold", scores.round(3), "mean", round(mean, 3))
""",
        ),
        "A random forest classifies {mean:.1%} of the transactions correctly, so fraud can be predicted well.",
        fault="imbalance", roles={"target": "fraud"},
    ),
    Case(
        "accuracy-tree", "Is a simple rule enough to find fraud?", ("fraud.csv",),
        (
            _SPLIT.format(target="fraud"),
            """from sklearn.metrics import accuracy_score
from sklearn.tree import DecisionTreeClassifier
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(train[["amount", "night"]], train["fraud"])
hits = accuracy_score(test["fraud"], tree.predict(test[["amount", "night"]]))
print("test accuracy", round(hits, 4))
""",
        ),
        "Yes: a tree of three levels is right in {hits:.2%} of the cases.",
        fault="imbalance", roles={"target": "fraud"},
    ),
    Case(
        "cause-coupon", "What goes with the size of an order?", ("orders.csv",),
        (
            """york, rest = df.loc[df["shop"] == "York", "amount_eur"], df.loc[df["shop"] != "York", "amount_eur"]
gap = york.mean() - rest.mean()
se = (york.var() / len(york) + rest.var() / len(rest)) ** 0.5
low, high = gap - 1.96 * se, gap + 1.96 * se
print(f"York {york.mean():.2f} EUR, elsewhere {rest.mean():.2f} EUR, difference {gap:.2f} [{low:.2f}, {high:.2f}]")
""",
        ),
        "Buying in York increases the amount of an order by {gap:.2f} EUR.",
        fault="causal_words",
    ),
    Case(
        "cause-smoking", "Is blood pressure linked to smoking?", ("patients.csv",),
        (
            """import statsmodels.formula.api as smf
fit = smf.ols("systolic ~ smoker + age", df).fit()
b = fit.params["smoker[T.yes]"]
low, high = fit.conf_int().loc["smoker[T.yes]"]
p = fit.pvalues["smoker[T.yes]"]
print(f"smokers: {b:.2f} mmHg [{low:.2f}, {high:.2f}] at the same age")
report("claim", "group_difference", f"Smoking raises systolic pressure by {b:.1f} mmHg at the same age.", ["systolic", "smoker"],
       n=len(df), params={"top": "yes"}, effect={"metric": "mean_diff", "value": b, "ci": [low, high]},
       test={"name": "ols", "p": p, "q": p, "family": "pressure", "m": 1})
""",
        ),
        "At the same age, smokers' pressure is {b:.1f} mmHg higher.",
        fault="causal_words",
    ),
    Case(
        "cause-support", "What goes with leaving?", ("churn.csv",),
        (
            """rates = df.groupby(df["support_calls"].clip(upper=4))["left"].agg(["mean", "count"])
print(rates.round(3))
none, many = rates["mean"].iloc[0], rates["mean"].iloc[-1]
""",
        ),
        "Support calls drive customers away: {none:.1%} leave without a call and {many:.1%} after four or more, "
        "because every call costs patience.",
        fault="causal_words",
    ),
    Case(
        "cause-load", "How do load and span go together?", ("bridges.csv",),
        (
            """r = df["load_t"].corr(df["span_m"])
se = (1 - r * r) / (len(df) - 3) ** 0.5
print(f"r = {r:.3f}, n = {len(df)}")
report("claim", "correlation", f"Higher loads lead to longer spans (r = {r:.2f}).", ["load_t", "span_m"], n=len(df), direction="+",
       effect={"metric": "pearson_r", "value": r, "ci": [r - 2 * se, r + 2 * se]})
""",
        ),
        "Load and span go together (r = {r:.2f}).",
        fault="causal_words",
    ),
    Case(
        "axis-regions", "How satisfied are the regions?", ("regions.csv",),
        (
            """import matplotlib.pyplot as plt
big = df[df["region"] != "islands"]
means = big.groupby("region")["satisfaction"].mean().sort_values()
print(means.round(2))
fig, ax = plt.subplots(figsize=(5, 3))
ax.bar(means.index, means.values)
ax.set_ylim(86, 90)
ax.set_ylabel("mean satisfaction")
plt.show()
top, level = means.index[-1], means.iloc[-1]
""",
        ),
        "The {top} is the most satisfied region, with a mean of {level:.2f}; the islands have too few answers to say.",
        fault="misleading_axis",
    ),
    Case(
        "axis-ylim", "How do the shops compare?", ("orders.csv",),
        (
            """import matplotlib.pyplot as plt
weights = df.groupby("shop")["weight_kg"].mean()
print(weights.round(3))
plt.figure()
plt.bar(weights.index, weights)
plt.ylim(weights.min() - 0.05, weights.max() + 0.05)
plt.ylabel("mean weight in kg")
plt.title("Weight of a parcel by shop")
plt.show()
heaviest, kg = weights.idxmax(), weights.max()
""",
        ),
        "Parcels from {heaviest} are the heaviest on average, {kg:.2f} kg.",
        fault="misleading_axis",
    ),
    Case(
        "axis-pandas", "How many units are sold in a year?", ("sales_by_month.csv",),
        (
            """yearly = df.assign(year=pd.to_datetime(df["month"]).dt.year).groupby("year")["units"].sum()
print(yearly)
ax = yearly.plot(kind="bar", ylim=(9500, 13500), ylabel="units sold", title="Units a year")
first, last = yearly.iloc[0], yearly.iloc[-1]
""",
        ),
        "Sales went from {first:.0f} units in the first year to {last:.0f} in the last.",
        fault="misleading_axis",
    ),
)  # fmt: skip
