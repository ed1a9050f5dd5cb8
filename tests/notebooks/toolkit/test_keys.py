"""The column by which one table is looked up in another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from notebooks.toolkit.keys import key_that_fits, keyed


def test_a_key_is_found_by_its_values_and_not_by_chance() -> None:
    random = np.random.default_rng(7)
    buyers = pd.DataFrame({"number": 1200 + np.arange(300), "segment": random.choice(["trade", "retail"], 300)})
    sales = pd.DataFrame({"customer": random.integers(1200, 1500, 900), "age": random.integers(18, 80, 900)})
    assert key_that_fits(sales, buyers) == ("customer", "number")
    assert key_that_fits(sales[["age"]], buyers.assign(number=np.arange(300))) is None  # ages are among any 1 to 300
    towns = pd.DataFrame({"ort": ["Graz", "Linz", "Wels"], "people": [290, 204, 61]})
    assert key_that_fits(pd.DataFrame({"city": random.choice(towns["ort"], 50)}), towns) == ("city", "ort")


def test_a_key_is_the_same_however_it_is_written() -> None:
    assert keyed(pd.Series(["C-0012", "c-7", None])).tolist()[:2] == ["12", "7"]
    assert keyed(pd.Series([12.0, 7.0, None])).tolist()[:2] == ["12", "7"]
    assert keyed(pd.Series(["AB 1", "cd-1"])).tolist() == ["ab1", "cd1"]
