"""One module for each command family; `gristmill.cli` loads the one that is used."""
