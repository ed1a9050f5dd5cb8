"""The words, numbers and signs of a question, before anything is known of them."""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"\d{4}-\d\d?(?:-\d\d?)?|\d+(?:st|nd|rd|th)\b|[$€£]?\d[\d,]*(?:\.\d+)?(?:[km]\b)?|[^\W\d_]+\d*(?:['’][^\W\d_]+)?|[<>=]=?|[#,&]",
    re.I,
)
QUOTED = re.compile(r"[\"“”`]([^\"“”`]+)[\"“”`]|(?<!\w)['‘]([^'’]+)['’](?!\w)")


_TIMES = {"once": 1, "twice": 2, "thrice": 3}


def tokens(text: str) -> list[str]:
    """The words, numbers and signs of a text, what is written in short written out."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = re.sub(r"n['’]t\b", " not", text)
    text = re.sub(r"\b(?:only|just) (once|twice|thrice|one|a single)\b", r"exactly \1", text, flags=re.I)
    text = re.sub(r"(?<=(?:ctly|than|east|most) )(?:one|a single)\b", "1", text, flags=re.I)
    often = r"(?<=(?:ctly|than|east|most) )(?:once|twice|thrice)\b|\b(?:once|twice|thrice)(?= or more\b)"
    text = re.sub(often, lambda m: f"{_TIMES[m[0].lower()]} times", text, flags=re.I)
    text = re.sub(r"(?<![\d-])(\d{1,3})\s?[-–]\s?(\d{1,3})(?![\d-])", r"\1 to \2", text)
    text = re.sub(r"(\d[\d.,]*k?)((?: \w+)?) or (?:more|above|over|higher|older|longer)\b", r"at least \1\2", text)
    text = re.sub(r"(\d[\d.,]*k?)((?: \w+)?) or (?:less|fewer|below|under|lower|younger)\b", r"at most \1\2", text)
    text = re.sub(r"\bneither\b(?=.*\bnor\b)", "not", text, flags=re.I)
    text = re.sub(r"\b(nor|or) (?=\w)", "or ", re.sub(r"\beither (?=.*\bor\b)", "", text, flags=re.I), flags=re.I)
    text = re.sub(r"\bcompared (with|to)\b", "versus", text, flags=re.I)
    text = re.sub(r"(?<![\w.])(\d+)\+(?!\w)", r"at least \1", text)
    text = re.sub(r"%(?= (of|with|who|that)\b)", " percent", text)
    text = re.sub(r"\s([/÷*×])\s", lambda m: " divided by " if m[1] in "/÷" else " times ", text)
    text = re.sub(r"\b(what|who|where|when|how|it|that|there|here)['’]s\b", r"\1 is", text, flags=re.I)
    return [t.replace("’", "'").removesuffix("'s") for t in TOKEN.findall(text.replace("_", " "))]
