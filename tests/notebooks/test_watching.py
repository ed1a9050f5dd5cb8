"""The observer in a real kernel, which has nothing of ours but the text that it was sent."""

from __future__ import annotations

from notebooks.observer import digest
from notebooks.session import Session
from notebooks.watching import seen, watch

CELLS = (
    "import numpy as np\nimport pandas as pd\n"
    "left = pd.DataFrame({'key': [1, 2, 2], 'a': [1.0, 2.0, None]})\n"
    "both = left.merge(pd.DataFrame({'key': [1, 2, 2], 'b': [3, 4, 5]}), on='key')",
    "kept = both.dropna()",
    "import matplotlib.pyplot as plt\nplt.bar(['x', 'y'], [3, 4])\nplt.ylim(2, 5)\nplt.show()",
    "from scipy import stats\nprint(stats.ttest_ind([1.0, 2.0, 3.0], [2.0, 3.0, 4.5]).pvalue > 0)",
    "from sklearn.linear_model import LinearRegression\n"
    "x = np.arange(40.0).reshape(-1, 2)\nprint(LinearRegression().fit(x, x[:, 0]).score(x, x[:, 0]))",
)


async def test_what_cells_really_do_is_seen_from_within_their_kernel(session: Session) -> None:
    await watch(session)
    ran = [await session.run(code) for code in CELLS]
    assert [x.status for x in ran] == ["ok"] * len(CELLS)
    told = await seen(session)
    assert told["cells"][: len(CELLS)] == [digest(code) for code in CELLS]
    assert told["lost"] == 0
    by_kind = {record["kind"]: record for record in told["records"]}
    assert (by_kind["merge"]["left_unique"], by_kind["merge"]["right_unique"]) == (False, False)
    assert (by_kind["dropped"]["before"], by_kind["dropped"]["after"]) == (5, 3)
    assert (by_kind["bars"]["from_zero"], by_kind["bars"]["low"]) == (True, 2.0)
    assert by_kind["test"]["sizes"] == [3, 3]
    assert by_kind["fit"]["rows"] == 20


async def test_a_kernel_that_was_not_told_to_watch_saw_nothing(session: Session) -> None:
    assert await seen(session) is None
