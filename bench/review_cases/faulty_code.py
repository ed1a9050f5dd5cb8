"""Notebooks with one fault of code each."""
# ruff: noqa: E501  (the cells are quoted as an analyst would write them)

from bench.review_cases.model import Case

CASES = (
    Case(
        "select-then-split", "Which signals predict the yield?", ("sensors.csv",),
        (
            """from sklearn.feature_selection import SelectKBest, f_regression
signals = [c for c in df.columns if c.startswith("s")]
chosen = SelectKBest(f_regression, k=6).fit(df[signals], df["yield_pct"])
kept = [c for c, keep in zip(signals, chosen.get_support()) if keep]
print("kept:", ", ".join(kept))
""",
            """from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
X_train, X_test, y_train, y_test = train_test_split(df[kept], df["yield_pct"], random_state=0)
r2 = LinearRegression().fit(X_train, y_train).score(X_test, y_test)
print(f"R² on the test rows: {r2:.3f}")
""",
        ),
        "Six signals explain {r2:.1%} of the variance of the yield in new rows.",
        fault="fit_before_split", roles={"target": "yield_pct"},
    ),
    Case(
        "impute-then-split", "Can readmission be predicted?", ("patients.csv",),
        (
            """from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
columns = ["age", "systolic", "stay_days", "lactate"]
imputer = SimpleImputer(strategy="median")
X = imputer.fit_transform(df[columns])
X_train, X_test, y_train, y_test = train_test_split(X, df["readmitted"], test_size=0.3, random_state=7, stratify=df["readmitted"])
model = LogisticRegression(max_iter=2000).fit(X_train, y_train)
auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
print(f"AUC {auc:.3f} on {len(y_test)} patients")
""",
        ),
        "The model reaches an AUC of {auc:.3f} on patients it has not seen.",
        fault="fit_before_split", roles={"target": "readmitted"},
    ),
    Case(
        "encode-then-split", "What are houses worth?", ("houses.csv",),
        (
            """by_district = df.groupby("district")["price_eur"].mean()
df["district_price"] = df["district"].map(by_district)
print(by_district.round(0))
""",
            """from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
features = ["area_m2", "rooms", "district_price"]
train, test = train_test_split(df, test_size=0.25, random_state=3)
r2 = Ridge().fit(train[features], train["price_eur"]).score(test[features], test["price_eur"])
print(f"R² {r2:.3f} on {len(test)} houses")
""",
        ),
        "Area, rooms and the district's price level explain {r2:.1%} of the variance of prices.",
        fault="fit_before_split", roles={"target": "price_eur"},
    ),
    Case(
        "scale-then-cv", "Who is about to leave?", ("churn.csv",),
        (
            """from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler
X = StandardScaler().fit_transform(df[["months", "support_calls", "bill_eur"]])
folds = StratifiedKFold(5, shuffle=True, random_state=0)
auc = cross_val_score(LogisticRegression(), X, df["left"], cv=folds, scoring="roc_auc").mean()
print(f"AUC over five folds: {auc:.3f}")
""",
        ),
        "Tenure, calls and the bill tell leavers from stayers with an AUC of {auc:.3f}.",
        fault="scaler_all_rows", roles={"target": "left"},
    ),
    Case(
        "scale-by-hand", "How well do area and rooms predict the price?", ("houses.csv",),
        (
            """columns = ["area_m2", "rooms"]
Z = (df[columns] - df[columns].mean()) / df[columns].std()
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
Z_train, Z_test, y_train, y_test = train_test_split(Z, df["price_eur"], test_size=0.3, random_state=0)
r2 = KNeighborsRegressor(15).fit(Z_train, y_train).score(Z_test, y_test)
print(f"R² of nearest neighbours on {len(y_test)} test rows: {r2:.3f}")
""",
        ),
        "Fifteen neighbours predict the price with an R² of {r2:.3f}.",
        fault="scaler_all_rows", roles={"target": "price_eur"},
    ),
    Case(
        "minmax-then-split", "Can the material be told from load and span?", ("bridges.csv",),
        (
            """from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
scaler = MinMaxScaler()
scaled = scaler.fit_transform(df[["load_t", "span_m"]])
X_train, X_test, y_train, y_test = train_test_split(scaled, df["material"], random_state=0, stratify=df["material"])
score = balanced_accuracy_score(y_test, SVC().fit(X_train, y_train).predict(X_test))
print(f"balanced accuracy {score:.3f}; guessing gives 0.333")
""",
        ),
        "Load and span hardly tell the material: the balanced accuracy is {score:.3f}, where guessing gives 0.333.",
        fault="scaler_all_rows", roles={"target": "material"},
    ),
    Case(
        "seed-sample", "What is a typical order?", ("orders.csv",),
        (
            """part = df.sample(300)
median = part["amount_eur"].median()
print(f"median of {len(part)} orders: {median:.2f} EUR")
""",
        ),
        "The median order is {median:.2f} EUR.",
        fault="no_seed",
    ),
    Case(
        "seed-bootstrap", "How sure is the mean stay?", ("patients.csv",),
        (
            """stays = df["stay_days"].to_numpy()
means = [np.random.choice(stays, len(stays)).mean() for _ in range(500)]
low, high = np.percentile(means, [2.5, 97.5])
print(f"mean stay {stays.mean():.2f} days, 95 % interval {low:.2f} to {high:.2f}")
mean = stays.mean()
""",
        ),
        "Patients stay {mean:.2f} days on average ({low:.2f} to {high:.2f}).",
        fault="no_seed",
    ),
    Case(
        "seed-generator", "Could the difference between the lines be chance?", ("sensors.csv",),
        (
            """rng = np.random.default_rng()
observed = df.groupby("line")["yield_pct"].mean().diff().iloc[-1]
values, line = df["yield_pct"].to_numpy(), (df["line"] == "L2").to_numpy()
shuffled = [values[s].mean() - values[~s].mean() for s in (rng.permutation(line) for _ in range(400))]
p = np.mean(np.abs(shuffled) >= abs(observed))
print(f"L2 - L1: {observed:.3f}; as large by chance in {p:.1%} of the permutations")
""",
        ),
        "The lines differ by {observed:.3f} points; chance gives as much in {p:.1%} of the permutations.",
        fault="no_seed",
    ),
    Case(
        "seed-kmeans", "Do the houses fall into groups?", ("houses.csv",),
        (
            """from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
grouping = make_pipeline(StandardScaler(), KMeans(3, n_init=4))
df["group"] = grouping.fit_predict(df[["area_m2", "rooms", "price_eur"]])
sizes = df["group"].value_counts().sort_values()
print(sizes)
smallest = int(sizes.iloc[0])
""",
        ),
        "The smallest of three groups holds {smallest} houses.",
        fault="no_seed",
    ),
    Case(
        "merge-plain", "Which tier orders most?", ("orders.csv", "customers.csv"),
        (
            """both = df.merge(tables["customers.csv"], on="customer")
print(len(both), "orders")
means = both.groupby("tier")["amount_eur"].mean()
print(means.round(2))
tier, mean = means.idxmax(), means.max()
""",
        ),
        "Orders are largest on average in the {tier} tier, {mean:.2f} EUR.",
        fault="merge_unvalidated",
    ),
    Case(
        "merge-left", "How old are the buyers?", ("orders.csv", "customers.csv"),
        (
            """joined = pd.merge(df, tables["customers.csv"], how="left", left_on="customer", right_on="customer")
age = joined["age"].mean()
print(f"mean age of the buyer of an order: {age:.1f}")
""",
        ),
        "The buyer of an order is {age:.1f} years old on average.",
        fault="merge_unvalidated",
    ),
    Case(
        "merge-join", "Do older customers spend more?", ("orders.csv", "customers.csv"),
        (
            """ages = tables["customers.csv"][["customer", "age"]]
spent = df.groupby("customer", as_index=False)["amount_eur"].sum()
both = ages.merge(spent, how="inner")
r = both["age"].corr(both["amount_eur"])
print(f"r = {r:.3f} over {len(both)} customers")
""",
        ),
        "Age and the sum spent hardly go together (r = {r:.3f}).",
        fault="merge_unvalidated",
    ),
    Case(
        "drop-all", "How does corrosion differ by material?", ("bridges.csv",),
        (
            """df = df.dropna()
means = df.groupby("material")["corrosion_mm"].mean()
print(means.round(3))
worst, level = means.idxmax(), means.max()
""",
        ),
        "Corrosion is deepest on bridges of {worst}, {level:.2f} mm on average.",
        fault="silent_dropna",
    ),
    Case(
        "drop-subset", "Are newer houses larger?", ("houses.csv",),
        (
            """known = df.dropna(subset=["built"])
r = known["built"].corr(known["area_m2"])
print(f"r = {r:.3f}")
""",
        ),
        "The year of building and the area hardly go together (r = {r:.3f}).",
        fault="silent_dropna",
    ),
    Case(
        "drop-inplace", "What goes with a longer stay?", ("patients.csv",),
        (
            """clean = df.copy()
clean.dropna(subset=["lactate"], inplace=True)
table = clean[["age", "lactate", "stay_days"]].corr()["stay_days"].round(3)
print(table)
age, lactate = table["age"], table["lactate"]
""",
        ),
        "The stay goes with age (r = {age:.3f}) and hardly with lactate (r = {lactate:.3f}).",
        fault="silent_dropna",
    ),
    Case(
        "chain-filter", "What do late orders cost us?", ("orders.csv",),
        (
            """df["refund"] = 0.0
df[df["delivery_days"] > 6]["refund"] = df["amount_eur"] * 0.1
refunds = df["refund"].sum()
print(f"refunds: {refunds:.2f} EUR for {(df['delivery_days'] > 6).sum()} late orders")
""",
        ),
        "Refunds for late orders come to {refunds:.2f} EUR.",
        fault="chained_assignment",
    ),
    Case(
        "chain-column", "How does pressure look without impossible values?", ("patients.csv",),
        (
            """pressure = df.copy()
pressure["systolic"][pressure["systolic"] > 170] = 170
mean = pressure["systolic"].mean()
print(f"mean pressure {mean:.2f} mmHg, {(df['systolic'] > 170).sum()} values over 170")
""",
        ),
        "With values held to 170, the mean pressure is {mean:.2f} mmHg.",
        fault="chained_assignment",
    ),
    Case(
        "chain-loc", "How many old houses are there?", ("houses.csv",),
        (
            """houses = df.copy()
houses["age_class"] = "new"
houses.loc[houses["built"] < 1950]["age_class"] = "old"
counts = houses["age_class"].value_counts()
print(counts)
new = int(counts["new"])
""",
        ),
        "{new} of the houses are new.",
        fault="chained_assignment",
    ),
    Case(
        "typed-mean", "What is the mean delivery time?", ("orders.csv",),
        (
            """print(df["delivery_days"].describe().round(2))
""",
            """mean_days = 4.12
share_late = 0.118
print(f"Mean delivery time: {mean_days} days; late: {share_late:.1%}")
""",
        ),
        "Orders take {mean_days} days on average and {share_late:.1%} are late.",
        fault="hard_coded",
    ),
    Case(
        "typed-table", "How well do three models predict leaving?", ("churn.csv",),
        (
            """from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
X, y = df[["months", "support_calls", "bill_eur"]], df["left"]
auc = cross_val_score(LogisticRegression(max_iter=500), X, y, cv=5, scoring="roc_auc").mean()
print(f"logistic regression {auc:.3f}")
""",
            """results = pd.DataFrame({"model": ["logistic", "forest", "boosting"], "auc": [0.741, 0.768, 0.783]})
print(results.to_string(index=False))
best = results["auc"].max()
""",
        ),
        "Boosting is best, with an AUC of {best:.3f}.",
        fault="hard_coded", roles={"target": "left"},
    ),
    Case(
        "typed-finding", "Do load and span go together?", ("bridges.csv",),
        (
            """print(df[["load_t", "span_m"]].describe().round(1))
report("claim", "correlation", "Load and span go together (r = 0.78).", ["load_t", "span_m"], n=420, direction="+",
       effect={"metric": "pearson_r", "value": 0.78, "ci": [0.74, 0.82]},
       test={"name": "pearson", "p": 1e-80, "q": 1e-80, "family": "associations", "m": 1}, caveats=["observational"])
""",
        ),
        "Bridges with higher loads have longer spans (r = 0.78).",
        fault="hard_coded",
    ),
    Case(
        "typed-print", "Did returns change over the years?", ("sales_by_month.csv",),
        (
            """years = df.assign(year=pd.to_datetime(df["month"]).dt.year)
print(years.groupby("year")["units"].mean().round(1))
print("Returns fell from 43.1 to 38.7 a month, p = 0.03")
""",
        ),
        "Returns fell from 43.1 to 38.7 a month.",
        fault="hard_coded",
    ),
    Case(
        "outside-absolute", "How do our orders compare to last year's?", ("orders.csv",),
        (
            """last = pd.read_csv("/srv/archive/orders_2023.csv")
growth = df["amount_eur"].sum() / last["amount_eur"].sum() - 1
print(f"growth {growth:.1%}")
""",
        ),
        "Orders grew against last year.",
        fault="outside_inputs", unrun={0: "growth 12.4%\n"},
    ),
    Case(
        "outside-web", "Is the price level of houses in line with the country's?", ("houses.csv",),
        (
            """index = pd.read_csv("https://statistics.example.org/prices/latest.csv")
per_m2 = (df["price_eur"] / df["area_m2"]).median()
print(f"{per_m2:.0f} EUR a square metre here, {index['median'].iloc[-1]:.0f} in the country")
""",
        ),
        "Prices here are in line with the country's.",
        fault="outside_inputs", unrun={0: "1527 EUR a square metre here, 1544 in the country\n"},
    ),
    Case(
        "outside-parent", "Which customers are on the watch list?", ("customers.csv",),
        (
            """from pathlib import Path
watched = {int(line) for line in Path("../private/watchlist.txt").read_text().split()}
listed = df["customer"].isin(watched).sum()
print(listed, "customers are on the list")
""",
        ),
        "Some customers are on the watch list.",
        fault="outside_inputs", unrun={0: "17 customers are on the list\n"},
    ),
    Case(
        "outside-other-file", "What do the tiers spend?", ("orders.csv",),
        (
            """tiers = pd.read_csv("tiers_backup.csv")
both = df.merge(tiers, on="customer", validate="many_to_one")
print(both.groupby("tier")["amount_eur"].mean().round(2))
""",
        ),
        "The tiers spend about the same.",
        fault="outside_inputs",
        unrun={0: "tier\nbasic    46.02\ngold     45.11\nplus     45.90\nName: amount_eur, dtype: float64\n"},
    ),
    Case(
        "untraced-answer", "How many orders use a coupon?", ("orders.csv",),
        (
            """counts = df["coupon"].value_counts()
print(counts)
""",
        ),
        "Some 37.4 % of the orders use a coupon.",
        fault="untraced_number",
    ),
    Case(
        "untraced-interval", "How long do patients stay?", ("patients.csv",),
        (
            """mean = df["stay_days"].mean()
print(f"mean stay {mean:.2f} days over {len(df)} patients")
""",
        ),
        "Patients stay {mean:.2f} days on average, between 3.81 and 5.27 in most wards.",
        fault="untraced_number",
    ),
    Case(
        "untraced-gap", "Which shop sells the larger orders?", ("orders.csv",),
        (
            """means = df.groupby("shop")["amount_eur"].mean()
print(means.round(2))
best = means.idxmax()
""",
        ),
        "{best} sells the largest orders, 18.6 % above the others.",
        fault="untraced_number",
    ),
)  # fmt: skip
