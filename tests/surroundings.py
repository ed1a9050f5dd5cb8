"""Takes out of this process's environment what its caller has set for Gristmill, for E2B and for models.

Whoever works with the product has a key or a data folder there, and no test may heed it. Imported by each `conftest.py`
whose tests start a part of the product in this process or as one below it.
"""

from __future__ import annotations

import os

_CALLERS = ("E2B_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GROQ_", "OPENROUTER_", "GRISTMILL_")

for _name in [name for name in os.environ if name.startswith(_CALLERS)]:
    del os.environ[_name]
