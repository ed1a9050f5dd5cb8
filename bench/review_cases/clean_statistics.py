"""Clean notebooks that come close to a fault of statistics."""
# ruff: noqa: E501  (the cells are quoted as an analyst would write them)

from bench.review_cases.model import Case

_SPLIT = """from sklearn.model_selection import train_test_split
train, test = train_test_split(df, test_size=0.3, random_state=0, stratify=df["{target}"])
print(len(train), "rows to learn from,", len(test), "to test on")
"""

CASES = (
    Case(
        "churn-without-fee", "Which customers are about to leave?", ("churn.csv",),
        (
            _SPLIT.format(target="left"),
            """from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
features = ["months", "support_calls", "bill_eur"]  # closing_fee is charged after the customer has left
model = GradientBoostingClassifier(random_state=0).fit(train[features], train["left"])
auc = roc_auc_score(test["left"], model.predict_proba(test[features])[:, 1])
print(f"AUC on the test rows: {auc:.3f}")
""",
        ),
        "Tenure, support calls and the bill tell leavers from stayers with an AUC of {auc:.3f}. The closing fee is left out: it is charged afterwards.",
        near="leakage", roles={"target": "left"},
    ),
    Case(
        "fee-is-a-leak", "Which columns may a model of leaving use?", ("churn.csv",),
        (
            """zero = df.groupby("left")["closing_fee"].agg(["min", "max"])
print(zero)
report("warning", "target_leakage", "The closing fee is above zero only for those who left: it restates the outcome and was left out.",
       ["closing_fee", "left"], n=len(df), confidence="high")
""",
        ),
        "The closing fee restates the outcome, so a model must not use it.",
        near="leakage", roles={"target": "left"},
    ),
    Case(
        "readmission-model", "What predicts readmission?", ("patients.csv",),
        (
            _SPLIT.format(target="readmitted"),
            """from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
columns = ["age", "systolic", "stay_days"]
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train[columns], train["readmitted"])
auc = roc_auc_score(test["readmitted"], model.predict_proba(test[columns])[:, 1])
print("AUC", round(auc, 3))
""",
        ),
        "Age, pressure and length of stay predict readmission moderately (AUC {auc:.3f}).",
        near="leakage", roles={"target": "readmitted"},
    ),
    Case(
        "strong-but-honest", "How much of the price is area?", ("houses.csv",),
        (
            """from scipy.stats import pearsonr
r = pearsonr(df["area_m2"], df["price_eur"])
ci = r.confidence_interval()
print(f"r = {r.statistic:.3f} [{ci.low:.3f}, {ci.high:.3f}], n = {len(df)}")
report("claim", "correlation", f"Larger houses cost more (r = {r.statistic:.2f}).", ["area_m2", "price_eur"], n=len(df), direction="+",
       effect={"metric": "pearson_r", "value": r.statistic, "ci": [ci.low, ci.high]},
       test={"name": "pearson", "p": r.pvalue, "q": r.pvalue, "family": "associations", "m": 1}, caveats=["observational"])
strength = r.statistic
""",
        ),
        "Larger houses cost more (r = {strength:.2f}).",
        near="leakage", roles={"target": "price_eur"},
    ),
    Case(
        "sensors-corrected", "Which sensor goes with the yield?", ("sensors.csv",),
        (
            """from scipy.stats import pearsonr
from statsmodels.stats.multitest import multipletests
signals = [c for c in df.columns if c.startswith("s")]
rows = [(c, *pearsonr(df[c], df["yield_pct"])) for c in signals]
table = pd.DataFrame(rows, columns=["signal", "r", "p"])
table["q"] = multipletests(table["p"], method="fdr_bh")[1]
print(table.sort_values("q").head(5).round(4).to_string(index=False))
found = table[table["q"] < 0.05]
print(f"{len(found)} of {len(table)} hold after Benjamini-Hochberg")
""",
            """for _, row in found.iterrows():
    report("claim", "correlation", f"{row['signal']} goes with the yield (r = {row['r']:.2f}).", [row["signal"], "yield_pct"],
           n=len(df), direction="+" if row["r"] > 0 else "-", effect={"metric": "pearson_r", "value": row["r"], "ci": [row["r"] - 0.11, row["r"] + 0.11]},
           test={"name": "pearson", "p": row["p"], "q": row["q"], "family": "signals", "m": len(table)}, caveats=["observational"])
best = found.sort_values("q")["signal"].iloc[0]
""",
        ),
        "After correction for all signals tested, {best} goes with the yield.",
        near="multiple_testing",
    ),
    Case(
        "sensors-bonferroni", "Do any signals differ between the lines?", ("sensors.csv",),
        (
            """from scipy.stats import ttest_ind
signals = [c for c in df.columns if c.startswith("s")]
p = {c: ttest_ind(*[g[c] for _, g in df.groupby("line")]).pvalue for c in signals}
limit = 0.05 / len(p)
below = [c for c in p if p[c] < limit]
print(f"smallest p {min(p.values()):.4f}; Bonferroni's limit for {len(p)} tests is {limit:.5f}; below it: {below or 'none'}")
smallest = min(p.values())
""",
        ),
        "No signal differs between the lines: the smallest of the p values is {smallest:.4f}, above the corrected limit of {limit:.5f}.",
        near="multiple_testing",
    ),
    Case(
        "two-tests", "Are weight and delivery time of coupon orders different?", ("orders.csv",),
        (
            """from scipy.stats import ttest_ind
from statsmodels.stats.multitest import multipletests
yes, no = df[df["coupon"] == "yes"], df[df["coupon"] == "no"]
raw = [ttest_ind(yes[c], no[c], equal_var=False).pvalue for c in ("weight_kg", "delivery_days")]
holm = multipletests(raw, method="holm")[1]
print("Holm-corrected p:", dict(zip(["weight_kg", "delivery_days"], holm.round(3))))
low = min(holm)
""",
        ),
        "Neither differs: the smaller of the two corrected p values is {low:.3f}.",
        near="multiple_testing",
    ),
    Case(
        "islands-set-aside", "Where are people most satisfied?", ("regions.csv",),
        (
            """means = df.groupby("region")["satisfaction"].agg(["mean", "count"]).sort_values("mean", ascending=False)
print(means.round(2))
few = means[means["count"] < 20]
enough = means[means["count"] >= 20]
for name, row in few.iterrows():
    report("warning", "small_sample", f"Only {row['count']:.0f} answers came from {name}: too few to say anything of it.", ["region"],
           n=int(row["count"]), params={"level": name})
best, level = enough.index[0], enough["mean"].iloc[0]
""",
        ),
        "Among regions with enough answers, {best} is the most satisfied ({level:.2f}). The islands sent too few to compare.",
        near="small_n",
    ),
    Case(
        "few-but-said", "Is corrosion worse under heavy loads?", ("bridges.csv",),
        (
            """from scipy.stats import spearmanr
heavy = df[df["load_t"] > 54]
measured = heavy[heavy["corrosion_mm"].notna()]
rho, p = spearmanr(measured["load_t"], measured["corrosion_mm"])
print(f"{len(heavy)} bridges over 54 t, {len(measured)} of them measured; rho {rho:.2f}, p {p:.2f}")
report("claim", "correlation", f"Among the few heavily loaded bridges (n = {len(measured)}) load and corrosion show rho = {rho:.2f}.",
       ["load_t", "corrosion_mm"], n=len(measured), effect={"metric": "spearman_r", "value": rho, "ci": [-0.9, 0.9]},
       test={"name": "spearman", "p": p, "q": p, "family": "heavy", "m": 1}, direction="+" if rho > 0 else "-",
       caveats=[f"only {len(measured)} bridges", "observational"], confidence="low")
size = len(measured)
""",
        ),
        "There are only {size} measured bridges that heavily loaded, too few for a firm answer.",
        near="small_n",
    ),
    Case(
        "exact-small-table", "Did late parcels use coupons more often?", ("orders.csv",),
        (
            """from scipy.stats import fisher_exact
late = df["delivery_days"] >= 10
table = pd.crosstab(late, df["coupon"])
odds, p = fisher_exact(table)
print(table)
print(f"Fisher's exact p = {p:.3f} with {int(late.sum())} late parcels")
report("null", "association", f"Coupons were not seen to go with very late parcels (p = {p:.2f}).", ["coupon", "delivery_days"], n=len(df),
       test={"name": "fisher", "p": p, "q": p, "family": "late", "m": 1}, caveats=[f"only {int(late.sum())} late parcels"])
""",
        ),
        "No link between coupons and very late parcels was seen (p = {p:.3f}); there are few such parcels.",
        near="small_n",
    ),
    Case(
        "flip-told", "Do evening students score higher?", ("admissions.csv",),
        (
            """import statsmodels.formula.api as smf
pooled = smf.ols("score ~ session", df).fit().params["session[T.evening]"]
within = smf.ols("score ~ session + course", df).fit()
b = within.params["session[T.evening]"]
low, high = within.conf_int().loc["session[T.evening]"]
print(f"pooled {pooled:.2f}, within courses {b:.2f} [{low:.2f}, {high:.2f}]")
report("warning", "simpsons_paradox", f"Pooled, evening students score {pooled:.1f} points more; within every course they score less.",
       ["session", "score", "course"], n=len(df), direction="-", effect={"metric": "mean_diff", "value": b, "ci": [low, high]}, confidence="high")
drop = -b
""",
        ),
        "Within a course, evening students score {drop:.1f} points less. Pooled over courses they seem to score more, since they choose the courses with higher marks.",
        near="sign_flip",
    ),
    Case(
        "no-flip", "Does area go with the price in every district?", ("houses.csv",),
        (
            """r = df["area_m2"].corr(df["price_eur"])
inside = {d: part["area_m2"].corr(part["price_eur"]) for d, part in df.groupby("district")}
print(f"pooled r = {r:.3f}")
for d, value in inside.items():
    print(f"  {d}: r = {value:.3f}")
weakest = min(inside.values())
report("claim", "correlation", f"Area goes with the price (r = {r:.2f}), in every district.", ["area_m2", "price_eur"], n=len(df),
       direction="+", effect={"metric": "pearson_r", "value": r, "ci": [r - 0.03, r + 0.03]},
       test={"name": "pearson", "p": 1e-90, "q": 1e-90, "family": "price", "m": 1}, caveats=["observational"])
""",
        ),
        "Area goes with the price (r = {r:.2f}), and in each district by itself at least with r = {weakest:.2f}.",
        near="sign_flip",
    ),
    Case(
        "age-strata", "Is pressure higher among smokers at every age?", ("patients.csv",),
        (
            """band = pd.cut(df["age"], [0, 50, 65, 120], labels=["under 50", "50 to 65", "over 65"])
gaps = df.groupby([band, "smoker"], observed=True)["systolic"].mean().unstack()
gaps["difference"] = gaps["yes"] - gaps["no"]
print(gaps.round(2))
least = gaps["difference"].min()
""",
        ),
        "Smokers' pressure is higher in all three age bands, by at least {least:.2f} mmHg.",
        near="sign_flip",
    ),
    Case(
        "rats-mixed", "Does the diet go with weight?", ("rats.csv",),
        (
            """import statsmodels.formula.api as smf
fit = smf.mixedlm("weight_g ~ diet", df, groups=df["animal"]).fit()
b, p = fit.params["diet[T.rye]"], fit.pvalues["diet[T.rye]"]
low, high = fit.conf_int().loc["diet[T.rye]"]
print(f"rye - oat: {b:.2f} g [{low:.2f}, {high:.2f}], p = {p:.3f}, {df['animal'].nunique()} animals")
report("null", "group_difference", f"No difference between the diets was shown ({b:.1f} g).", ["weight_g", "diet"], n=df["animal"].nunique(),
       effect={"metric": "mean_diff", "value": b, "ci": [low, high]}, test={"name": "mixed_model", "p": p, "q": p, "family": "diet", "m": 1})
""",
        ),
        "With the animal as the unit no difference between the diets is shown ({b:.1f} g, from {low:.1f} to {high:.1f}).",
        near="pseudo_replication", roles={"unit": "animal"},
    ),
    Case(
        "visits-by-user", "Is the new layout used for longer?", ("visits.csv",),
        (
            """from scipy.stats import ttest_ind
users = df.groupby(["user", "layout"], as_index=False)["seconds"].mean()
print(len(df), "visits of", len(users), "users")
new, old = users.loc[users["layout"] == "new", "seconds"], users.loc[users["layout"] == "old", "seconds"]
test = ttest_ind(new, old, equal_var=False)
ci = test.confidence_interval()
gap = new.mean() - old.mean()
print(f"new - old: {gap:.2f} s [{ci.low:.2f}, {ci.high:.2f}], p = {test.pvalue:.3f}")
""",
        ),
        "Over users, the layouts differ by {gap:.2f} s; the interval {ci.low:.2f} to {ci.high:.2f} includes no difference.",
        near="pseudo_replication", roles={"unit": "user"},
    ),
    Case(
        "visits-clustered", "Do visits to the layouts differ?", ("visits.csv",),
        (
            """import statsmodels.formula.api as smf
fit = smf.ols("seconds ~ layout", df).fit(cov_type="cluster", cov_kwds={"groups": df["user"]})
b, p = fit.params["layout[T.old]"], fit.pvalues["layout[T.old]"]
low, high = fit.conf_int().loc["layout[T.old]"]
print(f"old - new: {b:.2f} s [{low:.2f}, {high:.2f}], p = {p:.3f}, errors clustered by user")
""",
        ),
        "The layouts differ by {b:.2f} s, not more than users differ anyway (p = {p:.3f}).",
        near="pseudo_replication", roles={"unit": "user"},
    ),
    Case(
        "independent-rows", "Do smokers stay longer?", ("patients.csv",),
        (
            """from scipy.stats import ttest_ind
yes, no = df.loc[df["smoker"] == "yes", "stay_days"], df.loc[df["smoker"] == "no", "stay_days"]
test = ttest_ind(yes, no, equal_var=False)
ci = test.confidence_interval()
gap = yes.mean() - no.mean()
print(f"{len(df)} patients, one row each; difference {gap:.2f} days [{ci.low:.2f}, {ci.high:.2f}], p = {test.pvalue:.2f}")
""",
        ),
        "Smokers' stays differ by {gap:.2f} days ({ci.low:.2f} to {ci.high:.2f}).",
        near="pseudo_replication",
    ),
    Case(
        "fan-told", "What did customers of each channel spend?", ("orders.csv", "contacts.csv"),
        (
            """contacts = tables["contacts.csv"]
per_customer = contacts.groupby("customer")["channel"].nunique()
print((per_customer > 1).sum(), "customers have several channels, so channels cannot share out the orders' sum")
first = contacts.drop_duplicates("customer")
print(len(contacts), "contacts,", len(first), "first contacts kept")
joined = df.merge(first, on="customer", how="left", validate="many_to_one")
assert len(joined) == len(df)
totals = joined.groupby("channel")["amount_eur"].sum()
print(totals.round(2))
best, total = totals.idxmax(), totals.max()
""",
        ),
        "By the channel first listed for a customer, {best} comes to the most: {total:.2f} EUR.",
        near="fan_out",
    ),
    Case(
        "fan-counted", "How many contacts go with an order?", ("orders.csv", "contacts.csv"),
        (
            """counts = tables["contacts.csv"].groupby("customer").size().rename("contacts").reset_index()
both = df.merge(counts, on="customer", how="left", validate="many_to_one")
print(len(df), "orders before,", len(both), "after the join")
mean = both["contacts"].mean()
print(f"mean number of contacts {mean:.2f}")
""",
        ),
        "An order's customer has {mean:.2f} contacts on average.",
        near="fan_out",
    ),
    Case(
        "fraud-recall", "Can fraud be told from the transaction?", ("fraud.csv",),
        (
            _SPLIT.format(target="fraud"),
            """from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
features = ["amount", "night", "age_of_card", "merchant_risk"]
model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced")).fit(train[features], train["fraud"])
score = model.predict_proba(test[features])[:, 1]
auc, ap = roc_auc_score(test["fraud"], score), average_precision_score(test["fraud"], score)
rate = test["fraud"].mean()
print(f"AUC {auc:.3f}, average precision {ap:.3f}, fraud rate {rate:.3f}")
""",
        ),
        "The model ranks fraud with an AUC of {auc:.3f}; its average precision is {ap:.3f}, where guessing gives {rate:.3f}.",
        near="imbalance", roles={"target": "fraud"},
    ),
    Case(
        "fraud-baseline", "Is a tree enough to find fraud?", ("fraud.csv",),
        (
            _SPLIT.format(target="fraud"),
            """from sklearn.metrics import accuracy_score, recall_score
from sklearn.tree import DecisionTreeClassifier
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(train[["amount", "night"]], train["fraud"])
said = tree.predict(test[["amount", "night"]])
hits, caught, baseline = accuracy_score(test["fraud"], said), recall_score(test["fraud"], said), 1 - test["fraud"].mean()
print(f"accuracy {hits:.4f}, but always saying 'no fraud' gives {baseline:.4f}; recall {caught:.4f}")
""",
        ),
        "No: the tree catches {caught:.1%} of the fraud. Its accuracy of {hits:.2%} is that of always saying no ({baseline:.2%}).",
        near="imbalance", roles={"target": "fraud"},
    ),
    Case(
        "balanced-accuracy", "How well is the smoker told from the vitals?", ("patients.csv",),
        (
            _SPLIT.format(target="smoker"),
            """from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
features = ["age", "systolic", "stay_days"]
model = LogisticRegression(max_iter=2000).fit(train[features], train["smoker"])
hits = accuracy_score(test["smoker"], model.predict(test[features]))
most = test["smoker"].value_counts(normalize=True).max()
print(f"accuracy {hits:.3f}; the larger class alone gives {most:.3f}")
""",
        ),
        "The vitals tell smokers with an accuracy of {hits:.3f}, where always naming the larger class gives {most:.3f}.",
        near="imbalance", roles={"target": "smoker"},
    ),
    Case(
        "trial-causal", "Did the mailing change buying?", ("mailing.csv",),
        (
            """from scipy.stats import chisquare
sizes = df["arm"].value_counts()
print(sizes.to_dict(), f"allocation check p = {chisquare(sizes).pvalue:.2f}")
""",
            """from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
bought, n = df.groupby("arm")["bought"].sum(), df.groupby("arm").size()
z, p = proportions_ztest([bought["treatment"], bought["control"]], [n["treatment"], n["control"]])
low, high = confint_proportions_2indep(bought["treatment"], n["treatment"], bought["control"], n["control"])
lift = bought["treatment"] / n["treatment"] - bought["control"] / n["control"]
print(f"lift {lift:.4f} [{low:.4f}, {high:.4f}], p = {p:.2g}")
report("claim", "ab_effect", f"The mailing raised the share of buyers by {lift:.1%}.", ["arm", "bought"], n=len(df), params={"top": "treatment"},
       direction="+", effect={"metric": "mean_diff", "value": lift, "ci": [low, high]},
       test={"name": "two_proportions", "p": p, "q": p, "family": "experiment", "m": 1}, confidence="high")
""",
        ),
        "The mailing raised the share of buyers by {lift:.1%} (from {low:.1%} to {high:.1%}).",
        near="causal_words", roles={"assignment": "arm", "target": "bought"},
    ),
    Case(
        "cause-denied", "Is blood pressure linked to smoking?", ("patients.csv",),
        (
            """import statsmodels.formula.api as smf
fit = smf.ols("systolic ~ smoker + age", df).fit()
b = fit.params["smoker[T.yes]"]
low, high = fit.conf_int().loc["smoker[T.yes]"]
p = fit.pvalues["smoker[T.yes]"]
print(f"smokers: {b:.2f} mmHg [{low:.2f}, {high:.2f}] at the same age")
report("claim", "group_difference", f"At the same age, smokers' pressure is {b:.1f} mmHg higher.", ["systolic", "smoker"], n=len(df),
       params={"top": "yes"}, effect={"metric": "mean_diff", "value": b, "ci": [low, high]},
       test={"name": "ols", "p": p, "q": p, "family": "pressure", "m": 1}, caveats=["observational: this does not show that smoking causes it"])
""",
        ),
        "At the same age smokers' pressure is {b:.1f} mmHg higher. Nobody was assigned to smoke, so this does not show a cause.",
        near="causal_words",
    ),
    Case(
        "trend-raised", "Did sales go up?", ("sales_by_month.csv",),
        (
            """import statsmodels.api as sm
t = np.arange(len(df))
season = np.c_[np.sin(2 * np.pi * t / 12), np.cos(2 * np.pi * t / 12)]
fit = sm.OLS(df["units"], sm.add_constant(np.c_[t, season])).fit(cov_type="HAC", cov_kwds={"maxlags": 6})
slope, (low, high) = fit.params.iloc[1], fit.conf_int().iloc[1]
print(f"{slope:.2f} units more each month [{low:.2f}, {high:.2f}] beside the season")
""",
        ),
        "Sales rose by {slope:.2f} units a month ({low:.2f} to {high:.2f}).",
        near="causal_words",
    ),
    Case(
        "axis-from-zero", "How satisfied are the regions?", ("regions.csv",),
        (
            """import matplotlib.pyplot as plt
big = df[df["region"] != "islands"]
print(len(df) - len(big), "answers from the islands are too few to be compared and are left out")
means = big.groupby("region")["satisfaction"].mean().sort_values()
print(means.round(2))
fig, ax = plt.subplots(figsize=(5, 3))
ax.bar(means.index, means.values)
ax.set_ylim(0, 100)
ax.set_ylabel("mean satisfaction (0 to 100)")
plt.show()
top, level = means.index[-1], means.iloc[-1]
""",
        ),
        "The {top} is the most satisfied of the larger regions, with a mean of {level:.2f}.",
        near="misleading_axis",
    ),
    Case(
        "axis-line", "How did sales move?", ("sales_by_month.csv",),
        (
            """import matplotlib.pyplot as plt
when = pd.to_datetime(df["month"])
fig, ax = plt.subplots(figsize=(7, 3))
ax.plot(when, df["units"])
ax.set_ylim(600, 1300)
ax.set_ylabel("units sold")
ax.set_title("Units sold a month (axis from 600)")
plt.show()
first, last = df["units"].iloc[:12].mean(), df["units"].iloc[-12:].mean()
print(f"first year {first:.0f} a month, last year {last:.0f}")
""",
        ),
        "Sales went from {first:.0f} units a month in the first year to {last:.0f} in the last.",
        near="misleading_axis",
    ),
    Case(
        "axis-points", "How sure are the regions' means?", ("regions.csv",),
        (
            """import matplotlib.pyplot as plt
stats = df[df["region"] != "islands"].groupby("region")["satisfaction"].agg(["mean", "sem", "count"])
print(stats.round(3))
plt.figure(figsize=(5, 3))
plt.errorbar(stats.index, stats["mean"], yerr=1.96 * stats["sem"], fmt="o")
plt.ylim(85, 92)
plt.ylabel("mean satisfaction with 95 % interval")
plt.show()
top, level = stats["mean"].idxmax(), stats["mean"].max()
""",
        ),
        "Of the larger regions the {top} has the highest mean, {level:.2f}.",
        near="misleading_axis",
    ),
    Case(
        "axis-histogram", "How are deliveries spread?", ("orders.csv",),
        (
            """import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.hist(df["delivery_days"], bins=range(1, 14))
ax.set_xlim(1, 13)
ax.set_ylim(bottom=0)
ax.set_xlabel("days")
ax.set_ylabel("orders")
plt.show()
median = df["delivery_days"].median()
print(f"median {median:.0f} days, mean {df['delivery_days'].mean():.2f}")
average = df["delivery_days"].mean()
""",
        ),
        "Half of the orders arrive within {median:.0f} days; the mean is {average:.2f}.",
        near="misleading_axis",
    ),
)  # fmt: skip
