"""Measurements of Gristmill: how fast it is, and how right its analyst and its reviewer are."""
