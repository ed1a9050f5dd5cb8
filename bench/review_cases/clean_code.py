"""Clean notebooks that come close to a fault of code."""
# ruff: noqa: E501  (the cells are quoted as an analyst would write them)

from bench.review_cases.model import Case

CASES = (
    Case(
        "select-in-pipeline", "Which signals predict the yield?", ("sensors.csv",),
        (
            """from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
signals = [c for c in df.columns if c.startswith("s")]
X_train, X_test, y_train, y_test = train_test_split(df[signals], df["yield_pct"], random_state=0)
model = make_pipeline(SelectKBest(f_regression, k=6), LinearRegression()).fit(X_train, y_train)
r2 = model.score(X_test, y_test)
print(f"R² on the test rows: {r2:.3f}")
""",
        ),
        "Six signals chosen on the training rows give an R² of {r2:.3f} on the others.",
        near="fit_before_split", roles={"target": "yield_pct"},
    ),
    Case(
        "impute-on-train", "Can readmission be predicted?", ("patients.csv",),
        (
            """from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
columns = ["age", "systolic", "stay_days", "lactate"]
train, test = train_test_split(df, test_size=0.3, random_state=7, stratify=df["readmitted"])
imputer = SimpleImputer(strategy="median").fit(train[columns])
model = LogisticRegression(max_iter=2000).fit(imputer.transform(train[columns]), train["readmitted"])
auc = roc_auc_score(test["readmitted"], model.predict_proba(imputer.transform(test[columns]))[:, 1])
print(f"AUC {auc:.3f} on {len(test)} patients; medians of the training rows fill gaps in lactate")
""",
        ),
        "The model reaches an AUC of {auc:.3f} on patients it has not seen.",
        near="fit_before_split", roles={"target": "readmitted"},
    ),
    Case(
        "encode-on-train", "What are houses worth?", ("houses.csv",),
        (
            """from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
train, test = train_test_split(df, test_size=0.25, random_state=3)
level = train.groupby("district")["price_eur"].mean()
def features(part):
    return part[["area_m2", "rooms"]].assign(district_price=part["district"].map(level))
r2 = Ridge().fit(features(train), train["price_eur"]).score(features(test), test["price_eur"])
print(f"R² {r2:.3f} on {len(test)} houses")
""",
        ),
        "Area, rooms and the district's price level (of the training rows) explain {r2:.1%} of the variance of prices.",
        near="fit_before_split", roles={"target": "price_eur"},
    ),
    Case(
        "scale-no-test", "Do the houses fall into groups?", ("houses.csv",),
        (
            """from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler
Z = StandardScaler().fit_transform(df[["area_m2", "rooms", "price_eur"]])
width = {k: silhouette_score(Z, KMeans(k, n_init=4, random_state=0).fit_predict(Z)) for k in (2, 3, 4)}
print({k: round(v, 3) for k, v in width.items()})
best = max(width.values())
""",
        ),
        "The houses do not fall into clear groups: the best silhouette width is {best:.3f}.",
        near="scaler_all_rows",
    ),
    Case(
        "scale-in-folds", "Who is about to leave?", ("churn.csv",),
        (
            """from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
model = Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression())])
folds = StratifiedKFold(5, shuffle=True, random_state=0)
auc = cross_val_score(model, df[["months", "support_calls", "bill_eur"]], df["left"], cv=folds, scoring="roc_auc").mean()
print(f"AUC over five folds: {auc:.3f}")
""",
        ),
        "Tenure, calls and the bill tell leavers from stayers with an AUC of {auc:.3f}.",
        near="scaler_all_rows", roles={"target": "left"},
    ),
    Case(
        "scale-train-only", "Can the material be told from load and span?", ("bridges.csv",),
        (
            """from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
X_train, X_test, y_train, y_test = train_test_split(df[["load_t", "span_m"]], df["material"], random_state=0, stratify=df["material"])
scaler = MinMaxScaler()
model = SVC().fit(scaler.fit_transform(X_train), y_train)
score = balanced_accuracy_score(y_test, model.predict(scaler.transform(X_test)))
print(f"balanced accuracy {score:.3f}; guessing gives 0.333")
""",
        ),
        "Load and span hardly tell the material: the balanced accuracy is {score:.3f}, where guessing gives 0.333.",
        near="scaler_all_rows", roles={"target": "material"},
    ),
    Case(
        "z-scores-only", "Which bridge is the most unusual?", ("bridges.csv",),
        (
            """numbers = df[["load_t", "span_m"]]
z = (numbers - numbers.mean()) / numbers.std()
far = z.abs().max(axis=1)
place = far.idxmax()
bridge, distance = int(df.loc[place, "bridge"]), far.max()
print(f"bridge {bridge} lies {distance:.2f} standard deviations out")
""",
        ),
        "Bridge {bridge} is the most unusual, {distance:.2f} standard deviations out.",
        near="scaler_all_rows",
    ),
    Case(
        "seed-given", "What is a typical order?", ("orders.csv",),
        (
            """part = df.sample(300, random_state=1)
median = part["amount_eur"].median()
print(f"median of {len(part)} orders: {median:.2f} EUR")
""",
        ),
        "The median order is {median:.2f} EUR.",
        near="no_seed",
    ),
    Case(
        "seed-argument", "How sure is the mean stay?", ("patients.csv",),
        (
            """def bootstrap(values, rng, times=500):
    return np.array([rng.choice(values, len(values)).mean() for _ in range(times)])
stays = df["stay_days"].to_numpy()
means = bootstrap(stays, np.random.default_rng(20240101))
low, high = np.percentile(means, [2.5, 97.5])
mean = stays.mean()
print(f"mean stay {mean:.2f} days, 95 % interval {low:.2f} to {high:.2f}")
""",
        ),
        "Patients stay {mean:.2f} days on average ({low:.2f} to {high:.2f}).",
        near="no_seed",
    ),
    Case(
        "seed-generator-passed", "Could the difference between the lines be chance?", ("sensors.csv",),
        (
            """from scipy.stats import permutation_test
rng = np.random.default_rng(7)
a, b = (g["yield_pct"].to_numpy() for _, g in df.groupby("line"))
test = permutation_test((a, b), lambda x, y: x.mean() - y.mean(), n_resamples=400, rng=rng)
print(f"L1 - L2: {test.statistic:.3f}, p = {test.pvalue:.3f}")
gap, p = test.statistic, test.pvalue
""",
        ),
        "The lines differ by {gap:.3f} points (p = {p:.3f} by permutation).",
        near="no_seed",
    ),
    Case(
        "seed-not-needed", "Does area predict the price?", ("houses.csv",),
        (
            """from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score
r2 = cross_val_score(LinearRegression(), df[["area_m2"]], df["price_eur"], cv=KFold(5), scoring="r2").mean()
print(f"R² over five folds in the file's order: {r2:.3f}")
""",
        ),
        "Area alone explains {r2:.1%} of the variance of prices in rows not learnt from.",
        near="no_seed", roles={"target": "price_eur"},
    ),
    Case(
        "seed-global", "How uncertain is the median delivery?", ("orders.csv",),
        (
            """np.random.seed(0)
days = df["delivery_days"].to_numpy()
medians = [np.median(np.random.choice(days, len(days))) for _ in range(300)]
low, high = np.percentile(medians, [2.5, 97.5])
print(f"median {np.median(days):.1f}, 95 % interval {low:.1f} to {high:.1f}")
middle = np.median(days)
""",
        ),
        "The median delivery takes {middle:.1f} days.",
        near="no_seed",
    ),
    Case(
        "merge-validated", "Which tier orders most?", ("orders.csv", "customers.csv"),
        (
            """both = df.merge(tables["customers.csv"], on="customer", how="left", validate="many_to_one")
print(len(df), "orders before,", len(both), "after;", int(both["tier"].isna().sum()), "without a customer")
means = both.groupby("tier")["amount_eur"].mean()
print(means.round(2))
tier, mean = means.idxmax(), means.max()
""",
        ),
        "Orders are largest on average in the {tier} tier, {mean:.2f} EUR.",
        near="merge_unvalidated",
    ),
    Case(
        "map-instead", "How old are the buyers?", ("orders.csv", "customers.csv"),
        (
            """ages = tables["customers.csv"].set_index("customer", verify_integrity=True)["age"]
age = df["customer"].map(ages)
print(int(age.isna().sum()), "orders without a known customer")
mean = age.mean()
print(f"mean age of the buyer of an order: {mean:.1f}")
""",
        ),
        "The buyer of an order is {mean:.1f} years old on average.",
        near="merge_unvalidated",
    ),
    Case(
        "concat-is-no-merge", "How do both halves of the file compare?", ("orders.csv",),
        (
            """half = len(df) // 2
first, second = df.iloc[:half].assign(half="first"), df.iloc[half:].assign(half="second")
both = pd.concat([first, second], ignore_index=True)
means = both.groupby("half")["amount_eur"].mean()
print(means.round(2), len(both))
gap = means["second"] - means["first"]
print(f"difference {gap:.2f}")
""",
        ),
        "The halves differ by {gap:.2f} EUR in the mean.",
        near="merge_unvalidated",
    ),
    Case(
        "drop-logged", "How does corrosion differ by material?", ("bridges.csv",),
        (
            """known = df.dropna(subset=["corrosion_mm"])
print(f"{len(df) - len(known)} of {len(df)} bridges have no corrosion measured and are left out")
means = known.groupby("material")["corrosion_mm"].mean()
print(means.round(3))
worst, level = means.idxmax(), means.max()
""",
        ),
        "Corrosion is deepest on bridges of {worst}, {level:.2f} mm on average.",
        near="silent_dropna",
    ),
    Case(
        "drop-counted-first", "Are newer houses larger?", ("houses.csv",),
        (
            """before = df.shape[0]
known = df.dropna(subset=["built", "area_m2"])
print("rows:", before, "->", known.shape[0], "(no year of building)")
r = known["built"].corr(known["area_m2"])
print(f"r = {r:.3f}")
""",
        ),
        "The year of building and the area hardly go together (r = {r:.3f}).",
        near="silent_dropna",
    ),
    Case(
        "drop-one-column", "What is the middle lactate value?", ("patients.csv",),
        (
            """values = df["lactate"].dropna()
middle = values.median()
print(f"median {middle:.2f} of {len(values)} measured values, {df['lactate'].isna().sum()} missing")
""",
        ),
        "The median lactate is {middle:.2f}.",
        near="silent_dropna",
    ),
    Case(
        "fill-told", "How does lactate go with the stay?", ("patients.csv",),
        (
            """gone = df["lactate"].isna()
filled = df["lactate"].fillna(df["lactate"].median())
print(f"{gone.sum()} missing values were set to the median")
with_fill, without = filled.corr(df["stay_days"]), df["lactate"].corr(df["stay_days"])
print(f"r = {with_fill:.3f} with them, {without:.3f} without")
""",
        ),
        "Lactate and the stay hardly go together (r = {without:.3f}, or {with_fill:.3f} with gaps filled).",
        near="silent_dropna",
    ),
    Case(
        "loc-assignment", "What do late orders cost us?", ("orders.csv",),
        (
            """df["refund"] = 0.0
df.loc[df["delivery_days"] > 6, "refund"] = df["amount_eur"] * 0.1
refunds = df["refund"].sum()
print(f"refunds: {refunds:.2f} EUR for {(df['delivery_days'] > 6).sum()} late orders")
""",
        ),
        "Refunds for late orders come to {refunds:.2f} EUR.",
        near="chained_assignment",
    ),
    Case(
        "where-assignment", "How does pressure look without impossible values?", ("patients.csv",),
        (
            """pressure = df["systolic"].where(df["systolic"] <= 170, 170)
changed = int((df["systolic"] > 170).sum())
mean = pressure.mean()
print(f"mean pressure {mean:.2f} mmHg, {changed} values held to 170")
""",
        ),
        "With values held to 170, the mean pressure is {mean:.2f} mmHg.",
        near="chained_assignment",
    ),
    Case(
        "dict-of-dicts", "How do the shops compare?", ("orders.csv",),
        (
            """summary = {}
for shop, part in df.groupby("shop"):
    summary[shop] = {}
    summary[shop]["mean"] = part["amount_eur"].mean()
    summary[shop]["orders"] = len(part)
for shop, row in summary.items():
    print(f"{shop}: {row['mean']:.2f} EUR over {row['orders']} orders")
best = max(summary, key=lambda s: summary[s]["mean"])
most = summary[best]["mean"]
""",
        ),
        "{best} has the largest orders, {most:.2f} EUR on average.",
        near="chained_assignment",
    ),
    Case(
        "settings-typed", "How many orders were late?", ("orders.csv",),
        (
            """LATE_AFTER = 6  # days, as agreed with the carrier
PRICE_BANDS = [0, 25, 50, 100, 1000]
late = (df["delivery_days"] > LATE_AFTER).mean()
bands = pd.cut(df["amount_eur"], PRICE_BANDS).value_counts().sort_index()
print(f"late: {late:.1%}")
print(bands)
""",
        ),
        "{late:.1%} of the orders took more than 6 days.",
        near="hard_coded",
    ),
    Case(
        "constants-of-physics", "How heavy are the bridges' loads in newtons?", ("bridges.csv",),
        (
            """GRAVITY = 9.81
force = df["load_t"] * 1000 * GRAVITY
mean = force.mean() / 1000
print(f"mean load {mean:.1f} kN")
""",
        ),
        "The mean load is {mean:.1f} kN.",
        near="hard_coded",
    ),
    Case(
        "alpha-and-grid", "Which ridge penalty fits prices best?", ("houses.csv",),
        (
            """from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score
folds = KFold(5, shuffle=True, random_state=0)
grid = [0.1, 1.0, 10.0, 100.0]
scores = {a: cross_val_score(Ridge(alpha=a), df[["area_m2", "rooms"]], df["price_eur"], cv=folds).mean() for a in grid}
print({a: round(s, 4) for a, s in scores.items()})
best = max(scores.values())
""",
        ),
        "The penalty hardly matters; the best R² over five folds is {best:.4f}.",
        near="hard_coded", roles={"target": "price_eur"},
    ),
    Case(
        "reads-its-input", "What do the tiers spend?", ("orders.csv", "customers.csv"),
        (
            """from pathlib import Path
again = pd.read_csv("customers.csv")
print(Path("customers.csv").stat().st_size > 0, len(again), "customers")
both = df.merge(again, on="customer", how="left", validate="many_to_one")
print(len(both), "orders")
means = both.groupby("tier")["amount_eur"].mean()
print(means.round(2))
low, high = means.min(), means.max()
""",
        ),
        "The tiers' mean orders lie between {low:.2f} and {high:.2f} EUR.",
        near="outside_inputs",
    ),
    Case(
        "writes-then-reads", "What is the monthly average of each year?", ("sales_by_month.csv",),
        (
            """yearly = df.assign(year=pd.to_datetime(df["month"]).dt.year).groupby("year", as_index=False)["units"].mean()
yearly.to_csv("yearly.csv", index=False)
back = pd.read_csv("yearly.csv")
print(back.round(1).to_string(index=False))
last = back["units"].iloc[-1]
""",
        ),
        "In the last year {last:.1f} units were sold a month on average.",
        near="outside_inputs",
    ),
    Case(
        "rounded-in-text", "How long do patients stay?", ("patients.csv",),
        (
            """mean, sd = df["stay_days"].mean(), df["stay_days"].std()
long = (df["stay_days"] > 7).mean()
print(f"mean stay {mean:.4f} days, SD {sd:.4f}, over a week: {long:.4f}, n = {len(df)}")
""",
        ),
        "Patients stay {mean:.1f} days on average (SD {sd:.1f}); {long:.1%} stay more than 7 days.",
        near="untraced_number",
    ),
    Case(
        "numbers-of-a-table", "Which shop sells the larger orders?", ("orders.csv",),
        (
            """means = df.groupby("shop", as_index=False)["amount_eur"].mean().round(2)
means
""",
            """best = means.loc[means["amount_eur"].idxmax()]
shop, amount = best["shop"], best["amount_eur"]
""",
        ),
        "{shop} sells the largest orders, {amount:.2f} EUR on average.",
        near="untraced_number",
    ),
    Case(
        "thousands-in-text", "What do houses cost?", ("houses.csv",),
        (
            """median = df["price_eur"].median()
print(f"median price {median:.0f} EUR of {len(df)} houses")
""",
        ),
        "Half of the houses cost more than {median:,.0f} EUR.",
        near="untraced_number",
    ),
    Case(
        "no-signal", "Do lines differ in yield?", ("sensors.csv",),
        (
            """from scipy.stats import ttest_ind
a, b = (g["yield_pct"] for _, g in df.groupby("line"))
test = ttest_ind(a, b, equal_var=False)
ci = test.confidence_interval()
print(f"difference {a.mean() - b.mean():.3f} [{ci.low:.3f}, {ci.high:.3f}], p = {test.pvalue:.3f}, n = {len(df)}")
report("null", "group_difference", f"The lines' yields do not differ measurably (p = {test.pvalue:.2f}).", ["yield_pct", "line"], n=len(df),
       effect={"metric": "mean_diff", "value": a.mean() - b.mean(), "ci": [ci.low, ci.high]},
       test={"name": "welch_t", "p": test.pvalue, "q": test.pvalue, "family": "lines", "m": 1})
p = test.pvalue
""",
        ),
        "No difference in yield between the lines was found (p = {p:.3f}).",
    ),
)  # fmt: skip
