"""The notebook as a living document: what its cells depend on, and how it is edited."""
