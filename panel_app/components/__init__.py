"""The dashboard's parts: each turns values of the record into HTML, escaped by default."""
