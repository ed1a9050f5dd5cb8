# description: 'Follows each column over time: trend, season, sudden shifts, delays between columns, and what only
#   looks like a relation because both drift.'
# tags: [test, time]
# when: A question about change over time, in a table with a column of dates.
"""# Change over time

Follows each column of numbers over time. First an incomplete last period is cut off; then each column is tested for a
season (or, without one, for a cycle), a trend along a line or a curve, a sudden lasting shift, and a time that stands out
and passes, with errors that may follow one another (generalised least squares with autoregressive errors), and one
forecast is compared with repeating the last season. Columns are compared with one another only after trend, season and
memory have been taken out: two columns that drift are correlated whatever they have to do with each other. All p-values
are corrected together (Benjamini-Hochberg).
"""

# %% id="timeseri-01" tags=["parameters"]
data: str = "data.csv"  # file to test
time: str = ""  # column of dates; empty means the first that there is
columns: list = []  # columns to follow; empty means all numbers
alpha: float = 0.005  # share of false findings that is accepted; p is a little too small where errors are related
max_findings: int = 3  # the strongest so many of each kind are reported one by one

# %% id="timeseri-02" tags=["toolkit"]
import numpy as np
import pandas as pd

from notebooks.toolkit.cleaning import load
from notebooks.toolkit.columns import names
from notebooks.toolkit.drawing import COLOURS, direct_labels, figure, show
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.telling import report
from notebooks.toolkit.wording import capital, from_to, label, number, percent, say, signed, with_unit

# %% [markdown] id="timeseri-03"
# ## The series
#
# Several rows at one time are averaged, and a step without a row is filled in on a straight line. Where several units
# (places, machines) are measured at each time, each unit's own level is taken out first, so that a unit that comes or
# goes moves nothing.

# %% id="timeseri-04"
table = load(data)
df = table.df
time = time or next(iter(table.of("time")), "")
if time not in df:
    raise ValueError(f"There is no column of dates {time!r}. The columns are: {', '.join(names(df))}.")
clock = df[time]
if (
    pd.api.types.is_numeric_dtype(clock)
    and clock.dropna().between(1500, 2200).all()
    and (clock.dropna() % 1 == 0).all()
):
    clock = pd.to_datetime(clock.astype("Int64").astype("string"), format="%Y")
elif not pd.api.types.is_datetime64_any_dtype(clock):
    raise ValueError(f"{time!r} holds no dates that can be read, so nothing can be followed along it.")
usable = [
    c
    for c in (columns or table.of("number"))
    if c != time
    and c in df
    and table.kind(c) == "number"
    and (c not in table.left_out or (columns and table.left_out[c].startswith("made up of")))
]
CALENDAR = (  # longest step in hours, its name, the periods of a season in steps
    (0.9, "min", {}),
    (1.5, "h", {24: "day", 168: "week"}),
    (36, "D", {7: "week", 365: "year"}),
    (200, "W", {52: "year"}),
    (800, "MS", {12: "year"}),
    (2300, "QS", {4: "year"}),
    (float("inf"), "YS", {}),
)
STEPS = {"min": "step", "h": "hour", "D": "day", "W": "week", "MS": "month", "QS": "quarter", "YS": "year"}
repeated = int(clock.duplicated().sum())
panel = next(
    (
        c
        for c in names(df)
        if c != time
        and repeated > 0.3 * len(df)
        and table.kind(c) in ("category", "identifier")
        and 2 <= df[c].nunique() <= len(df) / 10
        and not pd.DataFrame({"at": clock, "unit": df[c]}).dropna().duplicated().any()
    ),
    "",
)
levels = df[usable].astype(float)
of_each = {c: levels[c].groupby([clock, df[panel]]).mean().unstack() for c in usable} if panel else {}
if panel:
    levels = levels - levels.groupby(df[panel]).transform("mean") + levels.mean()
points = levels.groupby(clock).mean().sort_index()
gaps = points.index.to_series().diff().dropna() / pd.Timedelta(hours=1)
step = float(gaps.median()) if len(gaps) else 24.0
regular = bool(len(gaps)) and float(gaps.between(0.85 * step, 1.15 * step).mean()) > 0.8
if (
    not regular and len(points) >= 30
):  # events at odd times: a mean for each hour, day, week or month that nearly always has one
    for hours, frequency in ((1, "h"), (24, "D"), (168, "W"), (720, "MS")):
        binned = points.resample(frequency).mean()
        if len(binned) <= 5000 and binned.notna().any(axis=1).mean() > 0.9:
            points, step, regular = binned, hours, True
            break
unit, seasons = next((name, periods) for longest, name, periods in CALENDAR if step <= longest)
if unit == "min" and regular and abs(24 / step - round(24 / step)) < 0.01:
    seasons = {round(24 / step): "day"}
missing = 0
if regular and step >= 0.9:
    if step < 200:
        whole = pd.date_range(points.index[0], points.index[-1], freq=pd.Timedelta(hours=round(step, 3)))
        if len(whole) < 2 * len(points) and points.index.isin(whole).mean() > 0.99:
            missing = len(whole) - len(points)
            points = points.reindex(whole)
    else:
        code = {"MS": "M", "QS": "Q", "YS": "Y"}[unit]
        whole = pd.period_range(points.index[0], points.index[-1], freq=code)
        if points.index.to_period(code).is_unique:
            missing = len(whole) - len(points)
            points.index = points.index.to_period(code)
            points = points.reindex(whole)
            points.index = points.index.to_timestamp()
seasons = {period: name for period, name in seasons.items() if regular and len(points) >= 3 * period}
crossed = usable if not panel and repeated > 0.5 * len(df) and 5 <= len(points) < 24 else []
of_units = usable if panel and df[panel].nunique() <= 12 and 8 <= len(points) < 24 else []  # few units, at few times
usable = [c for c in usable if points[c].count() >= 24 and points[c].nunique() >= 5 and points[c].isna().mean() < 0.3]
stamp = (
    "%Y"
    if unit == "YS" and regular
    else "%Y-%m"
    if unit in ("MS", "QS") and regular
    else "%Y-%m-%d %H:%M"
    if step < 24
    else "%Y-%m-%d"
)


def day(place):
    """A time of the series, as a reader writes it."""
    return f"{points.index[place]:{stamp}}"


without = f", {missing:,} of them without a row" if missing else ""
empty = {c: int(points[c].isna().sum()) - missing for c in usable}
without += "".join(f"; {say(c)} has no value in {k:,} of them" for c, k in list(empty.items())[:3] if k > 0)
if panel:
    without += f"; each has a row for each of {df[panel].nunique():,} {say(panel)}s, whose mean is followed"
elif repeated:
    without += f"; {repeated:,} rows share their time with another and are averaged"
covered = f"{len(points):,} {STEPS[unit] if regular else 'time'}s{without}"
print(f"{len(usable)} columns to follow over {covered}.")

# %% [markdown] id="timeseri-05"
# ## Is the last period complete?
#
# A total over a period that has not ended is a fraction of the others: the last value then lies far below all that came
# before it, and is cut off.

# %% id="timeseri-06"
from scipy import stats

cut = []
for name in usable:
    values = points[name].dropna()
    before, last = values.iloc[:-1], float(values.iloc[-1])
    recent = before.iloc[-max(24, min(60, len(before))) :]
    spread = stats.median_abs_deviation(recent.diff().dropna(), scale="normal")
    if recent.min() <= 0 or values.index[-1] != points.index[-1] or spread <= 0:
        continue
    share = last / recent.median()
    drop = max(
        (before.iloc[-1] - last) / spread,
        (recent.median() - last) / max(spread, stats.median_abs_deviation(recent, scale="normal")),
    )
    falling = max(0.0, -float(before.diff().iloc[-5:].median()))  # what falls ever faster was falling before
    if 0 <= share < 0.75 and last < 0.9 * recent.min() and drop > 6 and before.iloc[-1] - last > 3 * falling:
        cut.append({"name": name, "share": share, "usual": recent.median(), "last": last})
cut.sort(key=lambda f: (f["share"], f["name"]))
if cut:
    lowest = cut[0]
    many = f" ({len(cut)} columns in all)" if len(cut) > 1 else ""
    report(
        "warning",
        "incomplete_period",
        f"The last {say(time)}, {day(-1)}, is incomplete: {say(lowest['name'])} is {number(lowest['last'])} there, {percent(lowest['share'])} of "
        f"its usual {number(lowest['usual'])}{many}. It is left out of every test.",
        [f["name"] for f in cut],
        roles={"time": time},
        effect=effect("count", 1),
        n=len(points),
        params={"at_date": points.index[-1].isoformat()[: 16 if step < 24 else 10], "share": lowest["share"]},
        caveats=["A true collapse in the last period would look the same."],
        confidence="high",
    )
    fig, ax = figure(f"{label(lowest['name'])}: the last period is incomplete", height=4)
    shown = points[lowest["name"]].iloc[-120:]
    ax.plot(shown.index, shown, color=COLOURS[0], lw=1.4)
    ax.plot(shown.index[-1:], shown.iloc[-1:], "o", color=COLOURS[1], ms=9)
    ax.set(xlabel=label(time), ylabel=label(lowest["name"]), ylim=(0, None))
    show(fig, f"Line: {say(lowest['name'])} over its last periods, the incomplete one in orange")
    points = points.iloc[:-1]
else:
    print("The last period is like the others.")
filled = points[usable].interpolate(limit_direction="both")
n = len(points)
clock_steps = np.arange(n, dtype=float)

# %% [markdown] id="timeseri-07"
# ## Seasons, trends, shifts and episodes
#
# A season that grows with the level (as sales in a growing market do) is fitted to logarithms. Each column is described by
# the model that fits clearly better than the others (by the Bayesian information criterion, with a price for each place that
# was looked for): a level, a straight line, a curve (ever faster, levelling off, or S-shaped), a hump or a hollow, one lasting shift, two or three of them, a straight
# line with one lasting shift in it, whose slope is then told with the shift apart, or an episode, a time that lies higher or
# lower than what was before and after it. A p-value is multiplied by the number of places or curves that were tried; that
# of an episode is the larger of the fit's own and that of the ranks, so that one outlier makes none.

# %% id="timeseri-08"
from itertools import pairwise

from scipy.signal import periodogram
from sklearn.tree import DecisionTreeRegressor
from statsmodels.regression.linear_model import GLSAR


def waves(period):
    """Sine and cosine of the first harmonics of a period, as columns."""
    turns = 2 * np.pi * np.outer(clock_steps, np.arange(1, min(3, (period - 1) // 2) + 1)) / period
    return np.hstack([np.sin(turns), np.cos(turns)])


def fitted(values, *parts):
    """Least squares with errors that follow an autoregression of order 2."""
    design = np.column_stack([np.ones(len(values)), *parts])
    return GLSAR(values, design, rho=2).iterative_fit(maxiter=6)


def grows(values, period):
    """Whether a season's swings grow with the level, so that it multiplies rather than adds."""
    years = len(values) // period
    if years < 4 or np.min(values) <= 0:
        return False
    parts = values[: years * period].reshape(years, period)
    rank = stats.spearmanr(parts.mean(1), parts.std(1))
    return rank.statistic > 0.6 and rank.pvalue < 0.01 and parts.mean(1).max() > 1.4 * parts.mean(1).min()


def cycle(rest):
    """The strongest cycle that is no calendar season: its period in steps and how likely red noise has one as strong.

    Red noise is an autoregression of order 1, whose periodogram is the theoretical one times an exponential deviate.
    """
    turns, power = periodogram(rest, detrend="constant")
    able = (turns >= 6 / len(rest)) & (turns <= 1 / 3)
    if able.sum() < 5:
        return None
    memory = float(np.clip(pd.Series(rest).autocorr(), 0, 0.99))
    red = 1 / (1 - 2 * memory * np.cos(2 * np.pi * turns) + memory**2)
    ratio = power / (red * power[1:].sum() / red[1:].sum())
    place = int(np.flatnonzero(able)[np.argmax(ratio[able])])
    near = slice(max(1, place - 2), place + 3)
    period = 1 / float(np.average(turns[near], weights=power[near]))
    return {"period": period, "p": float(-np.expm1(able.sum() * np.log1p(-np.exp(-ratio[place]))))}


def step_beside(values, least):
    """The place of the step that, beside a straight line, leaves the least: all places at once, by least squares."""
    at = clock_steps - clock_steps.mean()
    rest = values - values.mean() - at * (at @ values) / (at @ at)
    after = n - clock_steps
    tail = np.cumsum(at[::-1])[::-1]
    able = slice(least, n - least)
    gain = np.cumsum(rest[::-1])[::-1][able] ** 2 / (after * (n - after) / n - tail**2 / (at @ at))[able]
    return least + int(np.argmax(gain))


def episode(values, least, sloping):
    """First step and step after the last of the time that, on a level or beside a line, stands out most from the rest.

    All times on a grid of 300 are tried at once, by least squares; none reaches the first or the last `least` steps.
    """
    at = clock_steps - clock_steps.mean()
    rest = values - values.mean()
    rest = rest - at * (at @ rest) / (at @ at) if sloping else rest
    marks = np.unique(np.linspace(least, n - least, min(300, n - 2 * least + 1)).round().astype(int))
    sums, places = np.append(0.0, np.cumsum(rest))[marks], np.append(0.0, np.cumsum(at))[marks]
    wide = marks[None, :] - marks[:, None]
    free = wide - wide**2 / n - ((places[None, :] - places[:, None]) ** 2 / (at @ at) if sloping else 0.0)
    gain = np.where(wide >= 3, (sums[None, :] - sums[:, None]) ** 2 / np.where(wide >= 3, free, 1.0), -1.0)
    first, end = np.unravel_index(int(np.argmax(gain)), gain.shape)
    return int(marks[first]), int(marks[end])


def best_curve(values, curves):
    """The curve that leaves the least beside a level, by least squares: its name and its values, from 0 to 1."""
    centred = values - values.mean()
    bases = np.array([curve - curve.mean() for _, curve in curves])
    return curves[int(np.argmax((bases @ centred) ** 2 / (bases**2).sum(axis=1)))]


def step_out(values, first, end):
    """How much a level of its own from `first` to before `end` takes from the sum of squares."""
    wide, part = end - first, values[first:end].sum()
    return (part - wide * values.mean()) ** 2 * (1 / wide + 1 / (n - wide))


def stairs(values, least, many):
    """The places of so many shifts that leave the least, by a regression tree; each is then looked for again between its neighbours."""
    tree = DecisionTreeRegressor(max_leaf_nodes=many + 1, min_samples_leaf=least, random_state=0)
    cuts = tree.fit(clock_steps[:, None], values).tree_.threshold
    places = sorted(int(np.ceil(cut)) for cut in cuts if cut > 0)
    for i in [*range(len(places))] * 2:
        first, end = (places[i - 1] if i else 0), [*places, n][i + 1]
        part, wide = values[first:end] - values[first:end].mean(), np.arange(1, end - first)
        gain = np.cumsum(part)[:-1] ** 2 * (1 / wide + 1 / (end - first - wide))
        places[i] = first + least + int(np.argmax(gain[least - 1 : len(gain) - least + 1]))
    return places


def together(fit, first):
    """The p-value of all coefficients from `first` on."""
    matrix = np.eye(len(fit.params))[first:]
    return float(fit.f_test(matrix).pvalue)


def goes_one_way(values):
    """Whether the means of 16 equal parts all rise, or all fall: a walk without a direction hardly ever does so."""
    changes = np.diff([part.mean() for part in np.array_split(values, 16)]) if len(values) >= 96 else np.zeros(1)
    return bool((changes > 0).all() or (changes < 0).all())


series = {}
line = clock_steps / max(1, n - 1)
CURVES = [("faster", np.expm1(k * line) / np.expm1(k)) for k in (2, 3, 4, 6, 9, 14)]
CURVES += [("level off", 1 - curve[::-1]) for _, curve in CURVES]
for steep, middle in ((steep, middle) for steep in (9, 14) for middle in (0.35, 0.5, 0.65)):
    bent = 1 / (1 + np.exp(-steep * (line - middle)))
    CURVES.append(("S", (bent - bent[0]) / (bent[-1] - bent[0])))
HUMPS = [
    ("hump", np.exp(-(((line - top) / wide) ** 2) / 2))
    for top in np.arange(0.2, 0.85, 0.1)
    for wide in (0.08, 0.12, 0.18, 0.27, 0.4)
]
HUMPS += [("hump", 1 - ((line - top) / max(top, 1 - top)) ** 2) for top in (0.4, 0.45, 0.5, 0.55, 0.6)]
HUMPS = [(name, curve) for name, curve in HUMPS if max(curve[0], curve[-1]) < 0.6]
for name in usable:
    values = filled[name].to_numpy()
    swells = bool(seasons) and grows(values, min(seasons, key=lambda p: abs(p - n / 8)))
    found = series[name] = {
        "name": name,
        "n": int(points[name].count()),
        "values": values,
        "swells": swells,
        "seasonal": np.zeros(n),
    }
    values = np.log(values) if swells else values
    tested = []
    plain, bent = (np.column_stack([np.ones(n), line, *extra]) for extra in ([], [best_curve(values, CURVES)[1]]))
    left = [float(np.sum((values - x @ np.linalg.lstsq(x, values)[0]) ** 2)) for x in (plain, bent)]
    drift = (bent if n * np.log(max(left[0], 1e-300) / max(left[1], 1e-300)) > 20 else plain)[:, 1:]
    for period in seasons:
        known = [waves(p) for p, _, _ in tested[:1] if p < period]
        parts = [drift, *known, waves(period)]
        fit = fitted(values, *parts)
        first = 1 + sum(p.shape[1] for p in parts[:-1])
        wave = waves(period) @ fit.params[first:]
        rest = values - np.column_stack([np.ones(n), *parts]) @ fit.params
        p = together(fit, first)
        # What wanders must also show its season in its changes; a long season changes too little from step to step,
        # so there it is what the season leaves that must not wander
        wanders = fit if period > 60 else fitted(values, drift)
        if np.sum(wanders.model.rho) > 0.85:
            p = max(p, together(fitted(np.diff(values), waves(period)[1:]), 1))
        halves = [slice(None, n // 2), slice(n // 2, None)]
        curves = [fitted(values[h], drift[h], waves(period)[h]).params[1 + drift.shape[1] :] for h in halves]
        again = stats.pearsonr(*(waves(period)[:period] @ c for c in curves)).statistic  # a season comes back
        p = p if again > 0.5 else 1.0
        ledger.add("seasons", f"{name} {period}", p)
        tested.append((period, wave, wave.var() / (wave.var() + rest.var())))
    found["seasons"] = tested
season_q = ledger.q("seasons")
for name, found in series.items():
    held = [
        (period, wave, share)
        for period, wave, share in found["seasons"]
        if season_q[f"{name} {period}"] < alpha and share >= 0.05
    ]
    found["season"] = max(held, key=lambda s: s[2]) if held else None
    if found["season"]:
        found["seasonal"] = sum(wave for _, wave, _ in held)
    level = found["values"] - found["seasonal"]
    if found["swells"]:
        level = np.exp(np.log(found["values"]) - found["seasonal"])
    least = max(5, n // 20)
    tree = DecisionTreeRegressor(max_leaf_nodes=2, min_samples_leaf=least, random_state=0)
    tree.fit(clock_steps[:, None], level)
    where = int(np.ceil(tree.tree_.threshold[0])) if tree.tree_.node_count > 1 else n // 2
    jump = (clock_steps >= where).astype(float)
    beside = step_beside(level, least)
    step_up = (clock_steps >= beside).astype(float)
    if found["season"] and not found["swells"]:  # a step in the data is in the season's fit too
        season = np.column_stack([waves(period) for period, _, _ in held])
        apart = np.column_stack([line, step_up, season])
        freed = found["values"] - season @ fitted(found["values"], apart).params[3:]
    else:
        freed = level
    shape, curve = best_curve(level, CURVES)
    hump = best_curve(level, HUMPS)[1]
    flights = [places for many in (2, 3) if len(places := stairs(level, least, many)) == many]
    spans = {"episode": episode(level, least, False), "episode beside": episode(level, least, True)}
    able = [spans["episode"], *(tuple(f) for f in flights if len(f) == 2)]  # the grid may miss an end by a step or two
    spans["episode"] = max(able, key=lambda ends: step_out(level, *ends))
    inside = {k: ((clock_steps >= first) & (clock_steps < end)).astype(float) for k, (first, end) in spans.items()}
    fits = {
        "level": fitted(level),
        "trend": fitted(level, clock_steps),
        "curve": fitted(level, curve),
        "bend": fitted(level, clock_steps, (line - 0.5) ** 2),
        "shift": fitted(level, jump),
        "broken": fitted(freed, clock_steps, step_up),
        "hump": fitted(level, hump),
        **{f"stairs {len(f)}": fitted(level, *(1.0 * (clock_steps >= place) for place in f)) for f in flights},
        "episode": fitted(level, inside["episode"]),
        "episode beside": fitted(level, clock_steps, inside["episode beside"]),
    }
    search = 2 * np.log(n)  # the price of having looked for the place
    looked = {
        "shift": search,
        "broken": search,
        "curve": np.log(n),
        "hump": search,
        "episode": 2 * search,
        "episode beside": 2 * search,
    }
    looked |= {f"stairs {len(f)}": len(f) * search for f in flights}
    costs = {k: fit.bic + looked.get(k, 0.0) for k, fit in fits.items()}
    # What came back is no lasting shift, though a shift fits it better than nothing does
    passing = min(("episode", "episode beside"), key=costs.get)
    simpler = min(costs[k] for k in ("level", "trend", "shift", "bend", "curve"))
    passes = costs[passing] < min(simpler, costs["broken"]) - 6 and costs[passing] < min(costs.values()) + 10
    p_beside = min(1.0, fits["broken"].pvalues[2] * n)
    broken = (
        not passes
        and p_beside < alpha
        and fits["broken"].pvalues[1] < alpha
        and costs["broken"] < simpler - 10
        and costs["broken"] < min(costs.values()) + 10
        and float(np.sum(fits["broken"].model.rho)) < 0.8
    )
    if broken:
        where, level = beside, freed
        found["seasonal"] = found["values"] - freed
    flight = min((k for k in costs if k.startswith("stairs")), key=costs.get, default="shift")
    p_flight = min(1.0, max(fits[flight].pvalues[1:]) * n)
    climbs = (
        flight != "shift"
        and costs[flight] < min(cost for k, cost in costs.items() if not k.startswith("stairs")) - 10
        and float(np.sum(fits[flight].model.rho)) < 0.8
    )
    arches = (
        costs["hump"] < min(cost for k, cost in costs.items() if k not in ("hump", "bend")) - 6
        and float(np.sum(fits["hump"].model.rho)) < 0.8
    )
    course = "broken" if broken else "curve" if costs["curve"] < costs["trend"] - 4 else "trend"
    course = "hump" if arches else course
    course = "episode beside" if passes and passing == "episode beside" else course
    found |= {"level": level, "where": where, "fits": fits, "costs": costs, "broken": broken, "course": course}
    found |= {"shape": shape, "curve": curve, "passing": passing, "passes": passes, "span": spans[passing]}
    found |= {"hump": hump, "arches": arches, "flight": flight, "climbs": climbs, "places": flights}
    p_course = fits[course].pvalues[1] * {"curve": len(CURVES), "hump": len(HUMPS)}.get(course, 1)
    ledger.add("trends", name, min(1.0, p_course))
    ledger.add("shifts", name, min(1.0, fits["shift"].pvalues[1] * n))
    ledger.add("shifts", f"{name} beside its trend", p_beside)
    ledger.add("shifts", f"{name} several", p_flight)
    own, during = fits[passing], inside[passing] > 0
    flat = level - own.params[1] * clock_steps if passing == "episode beside" else level
    exact = "exact" if during.sum() * n <= 20_000 else "asymptotic"  # which is too coarse for a short time
    ranks = stats.mannwhitneyu(flat[during], flat[~during], method=exact).pvalue  # one outlier makes no episode
    apart = (np.median(flat[during]) - np.median(flat[~during])) / own.params[-1]
    ledger.add("episodes", name, min(1.0, max(own.pvalues[-1], ranks) * n * n / 2) if 0.6 < apart < 1.6 else 1.0)
trend_q, shift_q, episode_q = ledger.q("trends"), ledger.q("shifts"), ledger.q("episodes")
for name, found in series.items():
    fits, costs, level = found["fits"], found["costs"], found["level"]
    memory = {k: float(np.sum(fit.model.rho)) for k, fit in fits.items()}
    found["memory"] = memory
    found["passes"] = found["passes"] and episode_q[name] < alpha and memory[found["passing"]] < 0.8
    broken = found["broken"] = found["broken"] and max(shift_q[f"{name} beside its trend"], trend_q[name]) < alpha
    climbs = found["climbs"] = found["climbs"] and shift_q[f"{name} several"] < alpha
    arches = found["arches"] = found["arches"] and trend_q[name] < alpha
    told = broken or found["passes"] or arches or found["course"] == "curve"
    course = found["course"] = found["course"] if told else "trend"
    along = found[course] if course in ("curve", "hump") else clock_steps
    r2 = stats.pearsonr(along, level).statistic ** 2 if np.ptp(level) > 0 else 0.0
    found["r2"] = r2
    simplest = min(costs["level"], costs["trend"])
    lasts = (
        shift_q[name] < alpha
        and costs["shift"] < min(simplest - 4, costs["curve"], costs["hump"])
        and memory["shift"] < 0.8
    )
    shifts = broken or climbs or (lasts and not found["passes"])
    found["shifts"] = shifts
    found["shift"] = "broken" if broken else found["flight"] if climbs else "shift"
    found["shift_key"] = name + (" beside its trend" if broken else " several" if climbs else "")
    steady = memory[course] <= 0.85 or (
        abs(fits[course].tvalues[1]) > 10 and (course != "curve" or goes_one_way(level))
    )  # a column that wanders only seems to go somewhere
    found["trends"] = broken or (
        not shifts and not arches and steady and trend_q[name] < alpha and r2 >= 0.05 and costs[course] < costs["level"]
    )
    found["curved"] = found["trends"] and course == "curve"
    found["bends"] = found["trends"] and course == "trend" and costs["bend"] < costs["trend"] - 6
    found["q"] = min(trend_q[name], shift_q[found["shift_key"]])
    base = fits[found["shift"] if shifts else course]
    base = fits[found["passing"]] if found["passes"] else base
    found["steps_out"] = pd.Series(base.wresid, index=points.index[-len(base.wresid) :])
    found["cycle"] = cycle(level - base.fittedvalues) if regular and n >= 60 and not found["season"] else None
    if found["cycle"]:
        ledger.add("cycles", name, found["cycle"]["p"])
cycle_q = ledger.q("cycles")
for name, found in series.items():
    found["turns"] = bool(found["cycle"]) and cycle_q[name] < 0.001
pd.DataFrame(
    [
        {
            "column": f["name"],
            "season": f["season"][0] if f["season"] else "",
            "trend": f["trends"],
            "shift at": day(f["where"]) if f["shifts"] else "",
            "memory": round(f["memory"]["level"], 2),
            "n": f["n"],
        }
        for f in series.values()
    ]
)

# %% [markdown] id="one-unit-text"
# ## What changed for good in one unit alone
#
# Where several units are measured at each time, a lasting shift is looked for in each by itself, too, less the season of
# all. It is told where the mean of the other units did not move by half as much at that time.

# %% id="one-unit"
alone = []
for name, wide in of_each.items() if panel and n >= 24 and 2 <= df[panel].nunique() <= 30 else ():
    if name not in series:
        continue
    wide = wide.reindex(points.index)
    season = 0.0 if series[name]["swells"] else series[name]["seasonal"]
    for level in wide.columns[wide.notna().mean() > 0.7]:
        own = wide[level].interpolate(limit_direction="both").to_numpy() - season
        tree = DecisionTreeRegressor(max_leaf_nodes=2, min_samples_leaf=max(5, n // 20), random_state=0)
        tree.fit(clock_steps[:, None], own)
        if tree.tree_.node_count == 1:
            continue
        where = int(np.ceil(tree.tree_.threshold[0]))
        fit = fitted(own, clock_steps >= where)
        ledger.add("shifts of one", f"{name} of {level}", min(1.0, float(fit.pvalues[1]) * n))
        rest = wide.drop(columns=level).mean(axis=1).to_numpy() - season  # what the others did at the same time
        beside = np.nanmean(rest[where:]) - np.nanmean(rest[:where])
        better = fit.bic + 2 * np.log(n) < min(fitted(own).bic, fitted(own, clock_steps).bic) - 10
        if better and float(np.sum(fit.model.rho)) < 0.8 and abs(beside) < 0.5 * abs(fit.params[1]):
            flats = own[:where].mean() + np.mean(season), own[where:].mean() + np.mean(season)
            alone.append({"name": name, "level": str(level), "where": where, "fit": fit, "beside": beside,
                          "flats": flats, "n": int(wide[level].count()), "wide": wide})  # fmt: skip
one_q = ledger.q("shifts of one")
alone = [f for f in alone if one_q[f"{f['name']} of {f['level']}"] < alpha]
alone.sort(key=lambda f: (-abs(f["fit"].tvalues[1]), f["name"], f["level"]))
for found in alone[:max_findings]:
    name, level, where, fit = (found[k] for k in ("name", "level", "where", "fit"))
    size, (low, high), digits = fit.params[1], fit.conf_int()[1], 2 if abs(fit.params[1]) < 100 else 0
    others = f"moved by {signed(found['beside'], digits)}" if abs(found["beside"]) > 0.1 * abs(size) else "hardly moved"
    report(
        "claim",
        "change_point",
        f"{say(name)} of {say(panel)} {level} {'rose' if size > 0 else 'fell'} {'on' if '%d' in stamp else 'in'} {day(where)} and stayed there: from "
        f"{with_unit(found['flats'][0], name)} to {with_unit(found['flats'][1], name)}, a shift of {signed(size, digits)} (95 % CI {signed(low, digits)} to "
        f"{signed(high, digits)}, n = {found['n']:,}), where the mean of the others {others}.",
        [name, panel],
        roles={"outcome": name, "time": time, "unit": panel},
        direction="+" if size > 0 else "-",
        segment=f"{panel} = {level}",
        effect=effect("mean_shift", size, (low, high)),
        test=ledger.test("glsar_shift", "shifts of one", f"{name} of {level}"),
        n=found["n"],
        params={
            "at_date": points.index[where].isoformat()[: 16 if step < 24 else 10],
            "level": level,
            "others": found["beside"],
        },
        caveats=[
            "One shift is fitted; its exact place is uncertain by a few steps, and nothing here says what caused it."
        ],
        confidence="high" if one_q[f"{name} of {level}"] < 0.001 and found["n"] >= 60 else "medium",
    )
    fig, ax = figure(f"{label(name)} of each {say(panel)}", height=4)
    for other in found["wide"].columns:
        colour = COLOURS[1] if str(other) == level else COLOURS[6]
        ax.plot(found["wide"].index, found["wide"][other], color=colour, lw=1.6 if str(other) == level else 0.8)
    ax.axvline(points.index[where], color="black", lw=1, ls=":")
    ax.set(xlabel=label(time), ylabel=label(name))
    show(fig, f"Lines: {say(name)} of {say(panel)} {level} in orange, of the others in grey")
if not alone:
    print("No unit moved by itself." if panel else "There are no several units at each time.")

# %% [markdown] id="timeseri-09"
# ## What changed for good

# %% id="timeseri-10"
of_one = {(f["name"], k) for f in alone for k in range(f["where"] - max(5, n // 20), f["where"] + max(5, n // 20))}
shifted = sorted(  # a shift of the mean that is one unit's alone is told of that unit
    (
        f
        for f in series.values()
        if f["shifts"] and (f["broken"] or f["climbs"] or (f["name"], f["where"]) not in of_one)
    ),
    key=lambda f: (f["costs"][f["shift"]] - f["costs"]["level"], f["name"]),
)
for found in shifted[:max_findings]:
    name, where, broken = found["name"], found["where"], found["broken"]
    fit, coefficient = found["fits"][found["shift"]], -1
    places = found["places"][int(found["flight"][-1]) - 2] if found["climbs"] else [where]
    if found["climbs"]:  # the largest is told with its interval, the others after it
        coefficient = 1 + int(np.argmax(np.abs(fit.params[1:])))
        where = places[coefficient - 1]
    bounds = [0, *places, n]
    size, (low, high) = fit.params[coefficient], fit.conf_int()[coefficient]
    if broken:  # what the line says just before the step, and just after
        before = fit.params[0] + fit.params[1] * where
        after = before + size
        course = fit.params[0] + fit.params[1] * clock_steps + size * (clock_steps >= where)
    else:
        flats = [found["level"][first:end].mean() for first, end in pairwise(bounds)]
        before, after = (flats[places.index(where) + k] for k in (0, 1))
        course = np.repeat(flats, np.diff(bounds))
    moved = "stayed there" if where == places[-1] else f"stayed there until {day(bounds[bounds.index(where) + 1] - 1)}"
    moved = f"goes on {'rising' if fit.params[1] > 0 else 'falling'} from there" if broken else moved
    others = [
        f"{signed(s, 2 if abs(s) < 100 else 0)} {'on' if '%d' in stamp else 'in'} {day(p)}"
        for p, s in zip(places, fit.params[1:], strict=False)
        if p != where
    ]
    others = (
        f", the largest of {len(places)} ({'the other' if len(others) == 1 else 'the others'}: {' and '.join(others)})"
        if len(places) > 1
        else ""
    )
    report(
        "claim",
        "change_point",
        f"{say(name)} {'rose' if size > 0 else 'fell'} {'on' if '%d' in stamp else 'in'} {day(where)} and {moved}: from {with_unit(before, name)} to {with_unit(after, name)}, a shift {'beside its trend ' if broken else ''}of "
        f"{signed(size, 2 if abs(size) < 100 else 0)} (95 % CI {signed(low, 2 if abs(size) < 100 else 0)} to {signed(high, 2 if abs(size) < 100 else 0)}, n = {found['n']:,}){others}.",
        [name],
        roles={"outcome": name, "time": time},
        direction="+" if size > 0 else "-",
        effect=effect("mean_shift", size, (low, high)),
        test=ledger.test("glsar_shift", "shifts", found["shift_key"]),
        n=found["n"],
        params={
            "at_date": points.index[where].isoformat()[: 16 if step < 24 else 10],
            "before": before,
            "after": after,
        }
        | ({"all_at": [day(place) for place in places]} if len(places) > 1 else {}),
        caveats=[
            f"{'One shift is' if len(places) == 1 else f'{len(places)} shifts are'} fitted; its exact place is uncertain by a few steps, and nothing here says what caused it."
        ],
        confidence="high" if found["q"] < 0.001 and found["n"] >= 60 else "medium",
    )
    fig, ax = figure(
        f"{label(name)}: {'a lasting shift' if len(places) == 1 else f'{len(places)} lasting shifts'}", height=4
    )
    ax.plot(points.index, points[name], color=COLOURS[6], lw=1, alpha=0.8)
    for first, end in pairwise(bounds):
        ends = [first, end - 1]
        ax.plot(points.index[ends], course[ends], color=COLOURS[end > where], lw=3)
    for place in places:
        ax.axvline(points.index[place], color="black", lw=1, ls=":")
    direct_labels(
        ax,
        [(course[-1], f"{signed(size, 2 if abs(size) < 100 else 0)} at the shift", COLOURS[1])]
        if broken
        else [(before, f"before {number(before)}", COLOURS[0]), (after, f"after {number(after)}", COLOURS[1])],
    )
    ax.set(xlabel=label(time), ylabel=label(name))
    show(fig, f"Line: {say(name)} over time, with its {'trend' if broken else 'mean'} before and after {day(where)}")
if not shifted and not alone:
    print("No sudden lasting shift.")

# %% [markdown] id="timeseri-23"
# ## What stood out for a time
#
# A time in which a column lay higher or lower and from which it came back is an episode, and no lasting shift; one that came and went slowly is a hump or a hollow.

# %% id="timeseri-24"
passing = sorted((f for f in series.values() if f["passes"]), key=lambda f: (episode_q[f["name"]], f["name"]))
for found in passing[:max_findings]:
    name, (first, end), fit = found["name"], found["span"], found["fits"][found["passing"]]
    size, (low, high) = fit.params[-1], fit.conf_int()[-1]
    beside = "its line" if found["passing"] == "episode beside" else "its level"
    rest = np.ones(n, dtype=bool)
    rest[first:end] = False
    inside, outside = found["level"][first:end].mean(), found["level"][rest].mean()
    report(
        "claim",
        "outliers",
        f"{say(name)} was {'higher' if size > 0 else 'lower'} from {day(first)} to {day(end - 1)} and then came back: {signed(size, 2 if abs(size) < 100 else 0)} from {beside} "
        f"(95 % CI {signed(low, 2 if abs(size) < 100 else 0)} to {signed(high, 2 if abs(size) < 100 else 0)}; {end - first:,} of {n:,} {STEPS[unit]}s).",
        [name],
        roles={"outcome": name, "time": time},
        direction="+" if size > 0 else "-",
        effect=effect("mean_shift", size, (low, high)),
        test=ledger.test("glsar_episode", "episodes", name),
        n=found["n"],
        params={"shape": "episode", "from": day(first), "to": day(end - 1), "inside": inside, "outside": outside},
        caveats=["Its ends are uncertain by a few steps, and nothing here says what caused it."],
        confidence="high" if episode_q[name] < 0.001 and found["n"] >= 60 else "medium",
    )
    fig, ax = figure(f"{label(name)}: {'higher' if size > 0 else 'lower'} for a time", height=4)
    ax.plot(points.index, points[name], color=COLOURS[0], lw=1.1)
    ax.plot(points.index[first:end], points[name].iloc[first:end], color=COLOURS[1], lw=2.4)
    ax.set(xlabel=label(time), ylabel=label(name))
    show(fig, f"Line: {say(name)} over time, the time that stands out in orange")
arching = sorted((f for f in series.values() if f["arches"]), key=lambda f: (trend_q[f["name"]], f["name"]))
for found in arching[:max_findings]:
    name, curve, fit = found["name"], found["hump"], found["fits"]["hump"]
    above = 1 - (curve[0] + curve[-1]) / 2  # of the top over the mean of both ends
    size, (low, high) = fit.params[1] * above, fit.conf_int()[1] * above
    top, way = int(np.argmax(curve)), 1 if size > 0 else -1
    report(
        "claim",
        "trend",
        f"{say(name)} {'rises until about' if size > 0 else 'falls until about'} {day(top)} and then comes back: its {'top' if size > 0 else 'bottom'} lies "
        f"{with_unit(abs(size), name)} {'above' if size > 0 else 'below'} its beginning and end (95 % CI {number(min(low * way, high * way))} to {number(max(low * way, high * way))}, n = {found['n']:,}).",
        [name],
        roles={"outcome": name, "time": time},
        effect=effect("mean_shift", size, (low, high)),
        test=ledger.test("glsar_hump", "trends", name),
        n=found["n"],
        params={"shape": "hump" if size > 0 else "hollow", "top_at": day(top)},
        caveats=[
            f"Of {len(HUMPS)} bell curves this one fits best, clearly better than a line, a shift or an episode; it says nothing of what comes next."
        ],
        confidence="high" if trend_q[name] < 0.001 and found["n"] >= 60 else "medium",
    )
    fig, ax = figure(f"{label(name)} over time", height=4)
    ax.plot(points.index, points[name], color=COLOURS[0], lw=1.1)
    ax.plot(points.index, fit.params[0] + fit.params[1] * curve, color=COLOURS[1], lw=2.8)
    ax.set(xlabel=label(time), ylabel=label(name))
    show(fig, f"Line: {say(name)} over time, with the curve that rises and falls")
if not passing and not arching:
    print("No time stands out from what was before and after it.")

# %% [markdown] id="timeseri-11"
# ## What rises or falls

# %% id="timeseri-12"
trending = sorted((f for f in series.values() if f["trends"]), key=lambda f: (-f["r2"], f["name"]))
for found in trending[:max_findings]:
    name, broken, course = found["name"], found["broken"], found["course"]
    fit = found["fits"][course]
    span, curved = n - 1, found["curved"]
    along = found["curve"] * span if curved else clock_steps  # so that the slope of a curve is its average
    slope, (low, high) = (np.array(part) / (span if curved else 1) for part in (fit.params[1], fit.conf_int()[1]))
    ends = fit.params[0] + slope * np.array([0, span])
    way = 1 if slope > 0 else -1
    apart = f", the shift in {day(found['where'])} apart" if broken else ""
    if course == "episode beside":
        apart = f", the time from {day(found['span'][0])} to {day(found['span'][1] - 1)} apart"
    yearly = slope * 8766 / step if regular and unit not in ("YS", "min") and span * step >= 8766 else 0.0
    how = ""
    if curved:
        half = day(int(np.argmax(found["curve"] >= 0.5)))
        how = {
            "faster": f", ever faster (half of it after {half}, a curve as of exponential growth)",
            "level off": f", and levels off (half of it before {half}, a saturating curve)",
            "S": f", along an S-shaped curve (slow, fast around {half}, slow again)",
        }[found["shape"]]
    told = (
        f"{say(name)} {'rises' if slope > 0 else 'falls'} over time by {with_unit(abs(slope) * span, name)} from {day(0)} to {day(-1)}{apart}{how} "
        f"(95 % CI {number(min(low * way, high * way) * span)} to {number(max(low * way, high * way) * span)}, {number(abs(slope))} a {STEPS[unit]}"
        f"{f' or {number(abs(yearly))} a year' if yearly else ''}{' on average' if curved else ''}, n = {found['n']:,}); it started near {with_unit(ends[0], name)}."
    )
    seen = points[name].dropna()
    outside = max(seen.min() - ends.min(), ends.max() - seen.max())
    if course == "trend" and outside > 0.3 * np.ptp(seen):  # a line that goes far beyond the values tells no change
        yearly = 0.0
        slope, low, high = (float(seen.iloc[-1] - seen.iloc[0]) / span, None, None)
        told = (
            f"{say(name)} {'rises' if slope > 0 else 'falls'} over time from {with_unit(seen.iloc[0], name)} in {day(0)} to "
            f"{with_unit(seen.iloc[-1], name)} in {day(-1)}, but along no straight line (n = {found['n']:,})."
        )
    report(
        "claim",
        "trend",
        told,
        [name],
        roles={"outcome": name, "time": time},
        direction="+" if slope > 0 else "-",
        effect=effect("slope_per_step", slope, None if low is None else (low, high)),
        test=ledger.test("glsar_slope", "trends", name),
        n=found["n"],
        params={"change": slope * span, "change_ci": None if low is None else [low * span, high * span]}
        | ({"per_year": yearly} if yearly else {})
        | ({"shape": found["shape"]} if curved else {}),
        caveats=[
            f"Of {len(CURVES)} curves this one fits best, clearly better than a line; it says nothing of what comes next."
            if curved
            else "A line with one shift in it is fitted: it says nothing of what comes next."
            if broken
            else "A curve fits clearly better than the line: the slope is the average over the time, not that of any part."
            if found["bends"]
            else "A straight line is fitted: it says nothing of what comes next."
        ],
        confidence="high" if found["q"] < 0.001 and found["n"] >= 60 else "medium",
    )
    fig, ax = figure(f"{label(name)} over time", height=4)
    ax.plot(points.index, points[name], color=COLOURS[0], lw=1.1)
    if broken:
        told = fit.params[0] + slope * clock_steps + fit.params[2] * (clock_steps >= found["where"])
        for part in (slice(None, found["where"]), slice(found["where"], None)):
            ax.plot(points.index[part], told[part], color=COLOURS[1], lw=2.8)
        direct_labels(ax, [(told[-1], f"{signed(slope, 2)} a {STEPS[unit]}", COLOURS[1])])
    else:
        ax.plot(points.index, fit.params[0] + slope * along, color=COLOURS[1], lw=2.8)
        direct_labels(ax, [(ends[1], f"{'+' if slope > 0 else '−'}{number(abs(slope * span))}", COLOURS[1])])
    ax.set(xlabel=label(time), ylabel=label(name))
    drawn = "trend and shift" if broken else f"{'curve' if curved else 'straight line'}"
    show(fig, f"Line: {say(name)} over time, with its {drawn}")
if not trending:
    print("No steady rise or fall.")

# %% [markdown] id="timeseri-13"
# ## What comes back

# %% id="timeseri-14"
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def phase(moments, span):
    """Where in its season each moment is: a number for the order and a name."""
    if span == "year":
        return moments.month, [MONTHS[m - 1] for m in moments.month]
    if span == "week":
        return moments.dayofweek, [DAYS[d] for d in moments.dayofweek]
    return moments.hour, [f"{h:02d}:00" for h in moments.hour]


def in_season(found):
    """What a column's usual course is in its season: the means, and their standard errors."""
    period, wave, _ = found["season"]
    apart = (np.log(found["values"]) if found["swells"] else found["values"]) - found["seasonal"]
    wide = min(n, max(5, 2 * (period // 2) + 1))
    rest = apart - pd.Series(apart).rolling(wide, center=True, min_periods=3).mean().to_numpy()
    order, called = phase(points.index, seasons[period])
    turn = pd.DataFrame({"order": order, "called": called, "value": wave + rest}).groupby(["order", "called"])["value"]
    return turn.mean(), turn.sem().fillna(0.0)


def in_brief(found):
    """How much of a column its season is, when it is highest, and when lowest."""
    means, _ = in_season(found)
    return (
        f"{say(found['name'])} ({percent(found['season'][2])}, highest {means.idxmax()[1]}, lowest {means.idxmin()[1]})"
    )


seasonal = sorted((f for f in series.values() if f["season"]), key=lambda f: (-f["season"][2], f["name"]))
for found in seasonal[:max_findings]:
    name, (period, wave, share) = found["name"], found["season"]
    span, swells = seasons[period], found["swells"]
    means, errors = in_season(found)
    top, bottom = means.idxmax(), means.idxmin()
    height = means[top] - means[bottom]
    at = {"year": "in", "week": "on", "day": "at"}[span]
    half = 1.96 * float(np.hypot(errors[top], errors[bottom]))
    of_that_span = [f for f in seasonal if found is seasonal[0] and f is not found and f["season"][0] == period]
    others = ", ".join(map(in_brief, of_that_span[:6]))
    others = f" Such a season is also seen in {others}." if others else ""
    write = (lambda v: percent(np.expm1(v))) if swells else (lambda v: with_unit(v, name))
    grown = "; its swings grow with its level, so they are told in percent" if swells else ""
    report(
        "claim",
        "seasonality",
        f"{say(name)} has a season of one {span} ({period} steps): it is highest {at} {top[1]} and lowest {at} {bottom[1]}, {write(height)} apart "
        f"(95 % CI {write(height - half)} to {write(height + half)}, n = {found['n']:,}{grown}); the season makes up {percent(share)} of its variation around the trend.{others}",
        [name],
        roles={"outcome": name, "time": time},
        effect=effect("period", period),  # the calendar's, not an estimate
        test=ledger.test("glsar_harmonics", "seasons", f"{name} {period}"),
        n=found["n"],
        params={
            "period": period,
            "top": top[1],
            "height": height,
            "height_ci": [height - half, height + half],
            "share": share,
            "multiplicative": swells,
        },
        caveats=[
            f"The period is the calendar's; the season was seen from {points.index[0]:%Y-%m-%d} to {points.index[-1]:%Y-%m-%d}, and that it stays the same is assumed."
        ],
        confidence="high" if found["n"] >= 4 * period else "medium",
    )
    fig, ax = figure(f"{label(name)} within the {span}", height=4)
    ax.errorbar(range(len(means)), means, yerr=1.96 * errors, fmt="o-", color=COLOURS[0], capsize=3, lw=1.8)
    ax.axhline(0, color="black", lw=0.8)
    shown = range(0, len(means), 1 if len(means) <= 12 else 3)
    ax.set_xticks(
        list(shown),
        [(name[:3] if name.isalpha() else name[:5]) for name in (means.index[i][1] for i in shown)],
        rotation=0 if len(means) <= 7 else 45,
    )
    ax.set(
        xlabel=f"{ {'year': 'Month', 'week': 'Weekday', 'day': 'Hour'}[span] }; bars: 95 % interval",
        ylabel=f"{'log ' if swells else ''}{label(name)}, from its trend",
    )
    show(fig, f"Line: the usual course of {say(name)} within a {span}")
turning = sorted((f for f in series.values() if f["turns"]), key=lambda f: (cycle_q[f["name"]], f["name"]))
for found in turning[:max_findings]:
    name, period = found["name"], found["cycle"]["period"]
    low, high = (1 / (1 / period + k / n) for k in (1, -1))
    report(
        "claim",
        "seasonality",
        f"{say(name)} goes up and down about every {number(period)} {STEPS[unit]}s (95 % CI {number(low)} to {number(high)}, n = {found['n']:,}), "
        "more regularly than a column that only remembers its last value would.",
        [name],
        roles={"outcome": name, "time": time},
        effect=effect("period", period, (low, high)),
        test=ledger.test("periodogram_red_noise", "cycles", name),
        n=found["n"],
        params={"period": round(period)},
        caveats=["A cycle without a calendar: the turns come early or late, so it tells no dates."],
        confidence="medium",
    )
    fig, ax = figure(f"{label(name)}: about every {number(period)} {STEPS[unit]}s", height=4)
    ax.plot(points.index, points[name], color=COLOURS[0], lw=1.2)
    ax.set(xlabel=label(time), ylabel=label(name))
    show(fig, f"Line: {say(name)} over time")
if not seasonal and not turning:
    print("No season." if seasons else "The table is too short, or its steps too uneven, to look for a season.")

# %% [markdown] id="timeseri-21"
# ## Whether it can be foretold
#
# The column with the clearest season or trend is forecast by the Theta method (Assimakopoulos and Nikolopoulos 2000) from
# what came before, four times, and compared with the simplest forecast there is: the last season once more, or the last
# value.

# %% id="timeseri-22"
from statsmodels.tsa.forecasting.theta import ThetaModel


def told_ahead(values, period, ahead, multiply):
    """The mean absolute errors of the Theta method and of repeating the last season, over four forecasts."""
    errors = []
    for end in (len(values) - k * ahead for k in (4, 3, 2, 1)):
        known, then = values[max(0, end - 12 * max(period, 50)) : end], values[end : end + ahead]
        model = ThetaModel(
            known, period=period, deseasonalize=period > 1, use_test=False, method="mul" if multiply else "add"
        )
        told = model.fit().forecast(ahead).to_numpy()
        again = np.resize(known[-period:], ahead)
        errors.append((np.abs(told - then).mean(), np.abs(again - then).mean()))
    return np.mean(errors, axis=0)


clearest = max(
    (f for f in series.values() if f["season"] or f["trends"]),
    key=lambda f: (f["season"][2] if f["season"] else 0.0) + f["r2"] * f["trends"],
    default=None,
)
if clearest and regular:
    name, period = clearest["name"], clearest["season"][0] if clearest["season"] else 1
    ahead = period if period > 1 else max(4, min(12, n // 12))
    if n >= 6 * ahead and n >= 3 * period + 4 * ahead:
        error, again = told_ahead(filled[name].to_numpy(), period, ahead, clearest["swells"])
        report(
            "descriptive",
            "forecast",
            f"Forecast {ahead} {STEPS[unit]}s ahead, {say(name)} is missed by {number(error)} on average (Theta method, four times over the "
            f"last {4 * ahead} {STEPS[unit]}s), where {'the last season once more' if period > 1 else 'the last value'} misses by {number(again)}.",
            [name],
            roles={"outcome": name, "time": time},
            effect=effect("mean_absolute_error", error),
            n=4 * ahead,
            params={"ahead": ahead, "seasonal_naive": again},
            caveats=["How far the past told the near past; nothing says that it will go on so."],
        )
else:
    print("Nothing to forecast: no season and no steady trend.")

# %% [markdown] id="timeseri-15"
# ## Which columns follow one another
#
# Trend, season and shift are taken out, and what remains is made free of its own memory; then each pair is compared at
# every delay up to the limit.

# %% id="timeseri-16"
from itertools import combinations

longest = int(max(0, min(max(12, *seasons) if seasons else 12, 30, n // 6)))
news = pd.DataFrame({c: f["steps_out"] for c, f in series.items() if f["steps_out"].std() > 0}).dropna()
standard = (news - news.mean()) / news.std(ddof=0)
delays = []
pairs = list(combinations(standard.columns, 2))[:1500] if len(standard) >= 30 else []
for a, b in pairs:
    x, y = standard[a].to_numpy(), standard[b].to_numpy()
    best = None
    for lag in range(-longest, longest + 1):
        left, right = (x[: len(x) - lag], y[lag:]) if lag >= 0 else (x[-lag:], y[:lag])
        r = stats.pearsonr(left, right)
        if best is None or abs(r.statistic) > abs(best["r"]):
            best = {
                "r": r.statistic,
                "p": r.pvalue,
                "lag": lag,
                "ci": r.confidence_interval(),
                "n": len(left),
            }
    ledger.add("delays", f"{a} × {b}", min(1.0, best["p"] * (2 * longest + 1)))
    lead, follow = (a, b) if best["lag"] >= 0 else (b, a)
    delays.append(best | {"key": f"{a} × {b}", "lead": lead, "follow": follow, "lag": abs(best["lag"])})
delay_q = ledger.q("delays")
for found in delays:  # every delay that is not clearly weaker could be the true one
    a, b, n_both = found["lead"], found["follow"], found["n"]
    x, y = standard[a].to_numpy(), standard[b].to_numpy()
    able = range(max(0, found["lag"] - 3), min(longest, found["lag"] + 3) + 1)
    heights = {k: abs(stats.pearsonr(x[: len(x) - k], y[k:]).statistic) for k in able}
    nearly = np.tanh(np.arctanh(min(abs(found["r"]), 0.999)) - 1.96 * (2 / max(1, n_both - 3)) ** 0.5)
    found["lags"] = [k for k in able if heights[k] >= nearly or k == found["lag"]]
related = [d for d in delays if delay_q[d["key"]] < alpha and abs(d["r"]) >= 0.2]
if (
    repeated > 0.3 * len(df) and not panel and not columns
):  # many rows at a time tell more of one another than their means
    related = [d for d in related if d["lag"]]
related.sort(key=lambda d: (-abs(d["r"]), d["key"]))
for found in related[:max_findings]:
    a, b, lag, (low, high) = found["lead"], found["follow"], found["lag"], found["ci"]
    steps = f"{lag} {'step' if lag == 1 else 'steps'}"
    how = (
        f"{say(b)} follows {say(a)} after {steps}"
        if lag
        else f"{say(a)} and {say(b)} move together within the same step"
    )
    report(
        "claim",
        "lag_relation" if lag else "correlation",
        f"{how}: apart from trend and season their changes are correlated (r = {signed(found['r'])}, 95 % CI {from_to((low, high))}, "
        f"n = {found['n']:,}).",
        [a, b],
        roles={"factor": a, "outcome": b, "time": time},
        direction="+" if found["r"] > 0 else "-",
        effect=effect("lag", lag, (min(found["lags"]), max(found["lags"])))
        if lag
        else effect("pearson_r", found["r"], found["ci"]),
        test=ledger.test("cross_correlation", "delays", found["key"]),
        n=found["n"],
        params={"lag": lag, "r": found["r"], "r_ci": [low, high]} if lag else {},
        caveats=["That one comes first does not show that it is the cause."]
        if lag
        else ["Observed, not assigned: it does not show that one causes the other."],
        confidence="high" if delay_q[found["key"]] < 0.001 else "medium",
    )
    fig, ax = figure(f"{say(b)} and earlier {say(a)}", height=4)
    x, y = standard[a].to_numpy(), standard[b].to_numpy()
    heights = [stats.pearsonr(x[: len(x) - k], y[k:]).statistic for k in range(longest + 1)]
    ax.bar(
        range(longest + 1),
        heights,
        color=[COLOURS[1] if k == lag else COLOURS[0] for k in range(longest + 1)],
    )
    ax.axhline(0, color="black", lw=0.8)
    ax.set(xlabel=f"steps by which {say(a)} comes first", ylabel="correlation of changes", ylim=(-1, 1))
    show(fig, f"Bars: correlation of {say(b)} with {say(a)} at each delay, the strongest in orange")
if not related:
    print(f"No pair of columns follows another ({len(delays):,} pairs, delays of up to {longest} steps).")

# %% [markdown] id="timeseri-17"
# ## Which relations are only two columns that drift

# %% id="timeseri-18"
linked = {d["key"] for d in related}
drifting = []
for a, b in combinations(usable, 2):
    levels = filled[[a, b]]
    if f"{a} × {b}" in linked or (levels.std() == 0).any():
        continue
    r = stats.pearsonr(levels[a], levels[b])
    if abs(r.statistic) < 0.6 or min(levels[a].autocorr(), levels[b].autocorr()) < 0.7:
        continue
    changes = levels.diff().dropna()
    apart = stats.pearsonr(changes[a], changes[b])
    beyond = (
        np.arctanh(min(abs(apart.statistic), 0.9999)) * (len(changes) / 1.5) ** 0.5
    )  # changes of noise follow one another
    if beyond < 3.3 or abs(apart.statistic) < 0.1 or np.sign(apart.statistic) != np.sign(r.statistic):
        drifting.append({"a": a, "b": b, "r": r.statistic, "apart": apart, "n": len(changes)})
drifting.sort(key=lambda f: (-abs(f["r"]), f["a"], f["b"]))
for found in drifting[:1]:
    a, b, apart = found["a"], found["b"], found["apart"]
    low, high = apart.confidence_interval()
    others = "; ".join(f"{say(f['a'])} and {say(f['b'])}" for f in drifting[1:4])
    report(
        "warning",
        "spurious_trend_correlation",
        f"{say(a)} and {say(b)} are correlated (r = {signed(found['r'])}), but both drift over time: their changes from step to step are not "
        f"(r = {signed(apart.statistic)}, 95 % CI {from_to((low, high))}, n = {found['n']:,}).",
        [a, b],
        effect=effect("pearson_r", apart.statistic, (low, high)),
        n=found["n"],
        params={"r_of_levels": found["r"]},
        caveats=[f"The same holds for {others}."]
        if others
        else ["A slow relation between them could be hidden in the drift."],
        confidence="high",
    )
    fig, ax = figure(f"{say(a)} and {say(b)} both drift", height=4)
    ends = []
    for name, colour in zip((a, b), COLOURS, strict=False):
        z = (filled[name] - filled[name].mean()) / filled[name].std()
        ax.plot(points.index, z, color=colour, lw=1.8)
        ends.append((z.iloc[-1], say(name), colour))
    ax.set(xlabel=label(time), ylabel="standard deviations from the mean")
    direct_labels(ax, ends)
    show(fig, f"Lines: {say(a)} and {say(b)} over time, each in standard deviations")
if not drifting:
    print("None.")

# %% [markdown] id="rows-text"
# ## What many rows at a few times show
#
# Fewer times than a series needs, with many rows at each: a straight line through all rows, with errors that the rows of
# one time share (clustered).

# %% id="rows"
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

lines = []
for name in crossed:
    rows = pd.DataFrame({"year": (clock - clock.min()) / pd.Timedelta(days=365.25), "y": df[name]}).dropna()
    rows = rows.astype(float)
    times = pd.factorize(rows["year"])[0]
    if len(rows) < 50 or len(np.unique(times)) < 5 or rows["y"].nunique() < 5:
        continue
    model = OLS(rows["y"], add_constant(rows["year"]))
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": times}, use_t=True)
    ledger.add("lines", name, float(fit.pvalues["year"]))
    lines.append(
        {"name": name, "fit": fit, "r": float(rows.corr().iloc[0, 1]), "n": len(rows), "times": times.max() + 1}
    )
line_q = ledger.q("lines")
lines = [f for f in lines if line_q[f["name"]] < alpha and abs(f["r"]) >= 0.15]
for found in sorted(lines, key=lambda f: (-abs(f["r"]), f["name"]))[:max_findings]:
    name, slope = found["name"], float(found["fit"].params["year"])
    ends = tuple(float(v) for v in found["fit"].conf_int().loc["year"])
    low, high = ends if slope > 0 else (-ends[1], -ends[0])
    report(
        "claim",
        "trend",
        f"{say(name)} {'rises' if slope > 0 else 'falls'} by {with_unit(abs(slope), name)} a year from {clock.min():%Y} to {clock.max():%Y} "
        f"(95 % CI {number(low)} to {number(high)}, r = {signed(found['r'])}, n = {found['n']:,} rows at {found['times']} times).",
        [name, time],
        roles={"outcome": name, "time": time},
        direction="+" if slope > 0 else "-",
        effect=effect("pearson_r", found["r"]),
        test=ledger.test("ols_clustered", "lines", name),
        n=found["n"],
        params={"a_year": slope, "a_year_ci": list(ends)},
        caveats=[
            "The rows of one time are others than those of the next, so what they are made up of may have changed."
        ],
        confidence="high" if line_q[name] < 0.001 else "medium",
    )
    fig, ax = figure(f"{label(name)} at each {say(time)}", height=4)
    ax.scatter(clock, df[name], s=14, alpha=0.35, color=COLOURS[0], linewidths=0)
    means = df[name].groupby(clock).mean()
    ax.plot(means.index, means, "o-", color=COLOURS[1], lw=2)
    ax.set(xlabel=label(time), ylabel=label(name))
    show(fig, f"Dots: {say(name)} of each row over {say(time)}; line: the mean at each")
if crossed and not lines:
    print("No column of numbers rises or falls over time beyond chance.")

# %% [markdown] id="units-text"
# ## What each unit does at a few times
#
# Where a few units (places, kinds) are measured at fewer times than a series needs, each unit has a straight line of its
# own, with errors that remember the time before (Newey and West). Its ranks must rise or fall with time as well.

# %% id="units"
ways = []
for name in of_units:
    for level, rows in df.assign(at=clock).dropna(subset=[name, "at"]).groupby(panel, sort=True):
        rows = rows.sort_values("at", kind="stable")
        y = rows[name].astype(float)
        if len(rows) < 8 or y.nunique() < 5:
            continue
        years = (rows["at"] - clock.min()) / pd.Timedelta(days=365.25)
        fit = OLS(y.to_numpy(), add_constant(years.to_numpy())).fit(
            cov_type="HAC", cov_kwds={"maxlags": 2, "use_correction": True}, use_t=True
        )
        key = f"{name} of {level}"
        ledger.add("lines", key, max(float(fit.pvalues[1]), float(stats.kendalltau(years, y).pvalue)))
        ways.append({"name": name, "level": str(level), "fit": fit, "key": key, "ends": (y.iloc[0], y.iloc[-1])})
line_q = ledger.q("lines")
moving = {}
for found in ways:
    found["real"] = line_q[found["key"]] < alpha
    if found["real"]:
        moving.setdefault(found["name"], []).append(found)
size_of = {name: max(abs(f["fit"].params[1]) for f in some) / (df[name].std() or 1.0) for name, some in moving.items()}
for name in sorted(moving, key=lambda c: (-size_of[c], c))[:max_findings]:
    some = sorted(moving[name], key=lambda f: (-abs(f["fit"].params[1]), f["level"]))
    first, slope = some[0], float(some[0]["fit"].params[1])
    low, high = map(float, first["fit"].conf_int()[1])
    steady = [f["level"] for f in ways if f["name"] == name and not f["real"]]
    others = "".join(
        f"; of {f['level']} it {'rises' if f['fit'].params[1] > 0 else 'falls'} by {with_unit(abs(float(f['fit'].params[1])), name)} a year"
        for f in some[1:4]
    )
    without_way = f"; no steady rise or fall of {', '.join(steady[:4])}" if steady else ""
    report(
        "claim",
        "trend",
        f"{say(name)} of {say(panel)} {first['level']} {'rises' if slope > 0 else 'falls'} by {with_unit(abs(slope), name)} a year, from "
        f"{number(first['ends'][0])} in {clock.min():%Y} to {number(first['ends'][1])} in {clock.max():%Y} (95 % CI of a year {number(low)} to {number(high)}, "
        f"n = {int(first['fit'].nobs)}){others}{without_way}.",
        [name, time, panel],
        roles={"outcome": name, "time": time, "unit": panel},
        direction="+" if slope > 0 else "-",
        segment=f"{panel} = {first['level']}",
        effect=effect("slope_per_step", slope, (low, high)),
        test=ledger.test("newey_west_slope", "lines", first["key"]),
        n=int(first["fit"].nobs),
        params={"a_year": {f["level"]: float(f["fit"].params[1]) for f in some}, "level": first["level"]},
        caveats=["A straight line is fitted to each: it says nothing of what comes next."],
        confidence="high" if line_q[first["key"]] < 0.001 else "medium",
    )
    fig, ax = figure(f"{label(name)} of each {say(panel)}")
    last = []
    for (level, rows), colour in zip(df.assign(at=clock).groupby(panel, sort=True), COLOURS * 2, strict=False):
        rows = rows.dropna(subset=[name]).sort_values("at", kind="stable")
        ax.plot(rows["at"], rows[name], "o-", color=colour, lw=2)
        last += [(float(rows[name].iloc[-1]), str(level), colour)] if len(rows) else []
    ax.set(xlabel=label(time), ylabel=label(name))
    direct_labels(ax, last)
    show(fig, f"Lines: {say(name)} over {say(time)} for each {say(panel)}")
if of_units and not moving:
    print("No column rises or falls steadily for any of the units.")

# %% [markdown] id="timeseri-19"
# ## What was tested and not found


# %% id="timeseri-20"
def counted(k, what):
    """How many there are, in words that agree with it."""
    return f"{k:,} {what}{'' if k == 1 else 's'}"


still = [
    f["name"]
    for f in series.values()
    if not any(f[k] for k in ("season", "trends", "shifts", "turns", "passes", "arches"))
    and f["name"] not in {one["name"] for one in alone}
]
runs = sum(
    len(ledger.families.get(k, ()))
    for k in ("seasons", "trends", "shifts", "shifts of one", "episodes", "cycles", "delays")
)
kinds = [
    "a trend",
    "a lasting shift",
    "an episode",
    *([f"a season of one {' or '.join(seasons.values())}"] if seasons else []),
]
many = (
    f"{counted(len(series), 'column')} {'was' if len(series) == 1 else 'were'} tested for {', '.join(kinds[:-1])} and {kinds[-1]}"
    + (f", and {counted(len(delays), 'pair')} for delays of up to {longest} steps" if delays else "")
    + f" ({runs:,} tests in all), over {covered}."
)
if moving and not series:
    many = f"Of {counted(len(ways), 'line')} of {counted(len(set(f['name'] for f in ways)), 'column')}, one for each {say(panel)}, {sum(f['real'] for f in ways):,} rise or fall; there are too few times for seasons and shifts."
if lines and not series:
    many = (
        f"Of {counted(len(ledger.families['lines']), 'column')} of numbers {len(lines):,} rise or fall along a line through the rows of {lines[0]['times']} times; "
        "these are too few for seasons and shifts."
    )
beyond = "Not looked for over time: more than three shifts in a column, and seasons that change."
if still:
    listed = ", ".join(say(c) for c in still[:8]) + (" and others" if len(still) > 8 else "")
    many = f"No season, trend, lasting shift or episode beyond chance: {listed}; {many}"
    for name in [c for c in still if series[c]["memory"]["level"] >= 0.8][:3]:  # what drifts has moved all the same
        low, high = points[name].argmin(), points[name].argmax()
        ends = points[name].dropna().iloc[[0, -1]]
        many += (
            f" {capital(say(name))} drifts, so that no straight trend can be told from chance: from {with_unit(ends.iloc[0], name)} to "
            f"{with_unit(ends.iloc[1], name)}, lowest in {day(low)} ({with_unit(points[name].iloc[low], name)}) and highest in "
            f"{day(high)} ({with_unit(points[name].iloc[high], name)})."
        )
report(
    "null" if still else "descriptive",
    "trend" if still else "tested",
    many if series or lines or moving else f"No column of numbers has enough values over {covered} to be followed.",
    still[:8],
    test={"name": "BH", "p": None, "q": None, "family": "time", "m": runs} if runs else None,
    n=n,
    params={"not_checked": beyond},
    caveats=[beyond],
)
