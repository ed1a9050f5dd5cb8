"""One place that tells a run: what is told, in which order, in which words and units, whatever the surface."""

from notebooks.telling.answers import OUTCOMES, answers_text, asides, reported, sentence, value_text

__all__ = ["OUTCOMES", "answers_text", "asides", "reported", "sentence", "value_text"]
