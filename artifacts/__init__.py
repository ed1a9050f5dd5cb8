"""The record: runs, events, artifacts, lineage and search. The only room that knows SQL."""
