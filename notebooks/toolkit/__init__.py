"""The toolkit: read a table, clean it, count every test, report findings, answer, draw. It needs no Gristmill.

Notebooks use these functions without importing them: each carries those that its cells name, and what they need, as one
folded cell (`notebooks.slices`), so that it stands alone wherever pandas, scipy and matplotlib are. Therefore

- all modules share one namespace: no two define the same name, and what they import keeps its name;
- a module holds imports, definitions and constants at its top level, and nothing else;
- a name with a leading underscore is used within the package only, not by a notebook's cells;
- the modules import one another and libraries, nothing else of Gristmill.
"""
