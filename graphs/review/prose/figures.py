"""Reading the numbers in a text as a reader does: thousands, per cent, powers of ten, millions, dates, names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

SPACES = " \u00a0\u2009\u202f"
"""What may part thousands: a blank, or one that keeps them on one line."""
PERCENT = r"(?:%|\\%|(?:per ?cent|prozent|pour cent|por ?ciento|por ?cento|procent)\b)"
POINTS = (
    rf"(?:percentage points|points of a {PERCENT}|p\.?p\b\.?|prozentpunkte?n?|points? de pourcentage|"
    r"puntos porcentuales|punti percentuali|procentpunt\w*)"
)
COMMA = "٫"
"""What stands for a decimal comma while a text is read: `21,5` may still be two numbers."""
_SCALES = {
    1e3: r"thousands?|tausend|tsd|mille|mil\b|[kK]", 1e6: r"millions?|mio|millionen|millones|mn|m(?=\b)(?! ?[\w²³])|M",
    1e9: r"billions?|milliarden|milliards|bn|B",
}  # fmt: skip
_SCALE = {size: re.compile(rf"\s?(?:{names})\b") for size, names in _SCALES.items()}
_BODY = rf"(?:(?:\d{{1,3}}(?:[,{SPACES}'’]\d{{3}})+(?!\d)|\d+)(?:[.٫]\d+)?|(?<=[\s=<>(≤≥])\.\d+)"
_POWER = r"(?:[eE][+\-−]?\d+|\s?[×x·]\s?10(?:\^|\*\*)?\{?[+\-−]?\d+\}?|\s?[×x·]\s?10[⁻⁰¹²³⁴-⁹]+)?"
_UNITS = (
    r"°[CF]|[kcmµn]?m[²³]?|[kmµ]?g|[kKMBGT]|bn|mn|ms|min|[dhstlLW]|[kM]Wh?|x|×|EUR|USD|CHF|GBP|pp|pts?|th|st|nd|rd|%"
)
NUMBER = re.compile(
    rf"(?<![\w.])(?<![A-Za-z][-‑–])(?P<sign>[+\-−–])?(?P<body>{_BODY})(?P<power>{_POWER})(?P<unit>{_UNITS})?"
    r"(?![\w]|\.\d|,\d{3})"
)
_SHARE = re.compile(rf"\s?(?:{PERCENT}|{POINTS})", re.I)
IS_POINTS = re.compile(rf"\s?{POINTS}|\s?points?\b", re.I)
_ROUGHLY = re.compile(
    r"\b(about|around|roughly|nearly|almost|some|approximately|approx\.?|circa|ca\.?|close to|"
    r"(?:just |slightly )?(?:over|under|above|below)|(?:more|less|fewer) than|at (?:least|most)|up to)\s*$|"
    r"[~≈<>≤≥]\s*$",
    re.I,
)
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])(\d{1,3}(?:\.\d{3})+|\d+),(\d{1,2}|\d{4,})(?![\w,]|\.\d)")
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_NO_CLAIMS = re.compile(
    r"```.*?```|`[^`]*`|“[^”]*”|(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|https?://\S+|"
    r"^\s*#+\s*[\d.]+[.)]?\s|^\s*\d+[.)]\s|^\s*\|?[\s:|-]+\|?\s*$|"
    r"\b(?:fig(?:ure)?s?|tables?|sections?|steps?|exercises?|chapters?|appendix|equations?|cells?|questions?|tasks?|"
    r"parts?|lessons?|versions?|v|python|seeds?|random_state)\.?[ -]?#?\d+(?:\.\d+)*\b|"
    r"\(?[A-Z][\w.&,\- ]{1,50}(?:et al\.?|\w),? \(?(?:19|20)\d\d[a-z]?\)|"
    rf"(?<![\d.,])\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?={MONTH}\b)|"
    rf"(?:(?<=on )|(?<=the )|(?<=from )|(?<=until )|(?<=am ))\d{{1,2}}\. (?={MONTH}\b)|"
    r"\b(?:ISO|EN|DIN|IEC|IEEE|ASTM|ANSI|RFC|BS|NF|UNE)[ -](?:EN |ISO )*\d+(?:[-:/]\d+)*\b|"
    r"(?<![\d.])\d{1,4}/(?:19|20)\d\d(?:/[A-Z]{2,})?\b|(?<![\d.])(?:19|20)\d\d/\d{2,4}(?:/[A-Z]{2,})?\b|"
    r"(?<=[a-z] )\d{1,2}(?:st|nd|rd|th)?,? (?=(?:19|20)\d\d\b)|"
    r"\b(?:19|20)\d\d (?:edition|version|release)\b|\b(?:19|20)?\d0s\b|\b24/7\b|\b\d{1,2}:\d\d(?::\d\d)?\b|"
    r"\b\d{1,2} ?(?:o['’]clock|Uhr|uur|[ap]\.?m\b\.?)|"
    r"\b\d{1,2}[./]\d{1,2}[./](?=(?:19|20)\d\d\b)|(?<=\b(?:19|20)\d\d)-\d\d(?:-\d\d)?\b",
    re.M | re.S | re.I,
)
CLAUSES = re.compile(
    r"(?<=[.!?;])(?<!, \d\.)(?<!^\d\.)(?<!\b[ie]\.[eg]\.)(?<!\b[zd]\.[Bh]\.)(?<!\bvs\.)(?<!\bca\.)(?<!\bapprox\.)"
    r"\s+(?=[^\d\s])|\n{2,}|\n(?=\s*[-*|])"
)
"""What parts sentences."""
COUNTED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@dataclass(frozen=True)
class Figure:
    """A number as written: its size without the sign, and by how much it may be off, having been rounded.

    `share` is said of per cent and of percentage points; `unit` is what stands against it, such as the `th` of 4th;
    `scale` is the word behind it, 1000 of "27.2 thousand"; `clause` is the sentence, in which it stands from `start`
    to `end`.
    """

    text: str
    value: float
    half: float
    share: bool
    unit: str
    whole: bool
    clause: str
    start: int
    end: int
    scale: float = 1.0

    @property
    def digits(self) -> int:
        """How many of its digits tell something."""
        return len(re.sub(r"\D", "", self.text).strip("0"))

    @property
    def after(self) -> str:
        return self.clause[self.end : self.end + 40]

    @property
    def before(self) -> str:
        return self.clause[: self.start]

    @property
    def told_in(self) -> str:
        """What says its unit: the words behind it, or the sign of a currency before it."""
        sign = re.search(r"([€$£]|EUR|USD|GBP|CHF) ?$", self.before)
        return sign[1] if sign is not None else self.after

    @property
    def starts(self) -> bool:
        """Whether it is where a change begins: 242 of "from 242 to 249"."""
        return re.search(r"\bfrom [€$£]?$", self.before) is not None and re.search(r"\bto\b", self.after) is not None

    def is_near(self, known: float) -> bool:
        """Whether a number, whatever its sign, is this one, rounded as it is written."""
        return any(abs(abs(known) * scale - self.value) <= self.half for scale in {1.0, self.scale})

    def tells(self, known: float) -> bool:
        """The same, or the part of one that it tells in per cent."""
        return self.is_near(known) or (self.share and self.is_near(100 * known))


def sentences(text: str) -> list[str]:
    """A text's sentences, in which quoted words, numbering and code are blanks."""
    text = _NO_CLAIMS.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    text = _DECIMAL_COMMA.sub(lambda m: f"{m[1].replace('.', '')}{COMMA}{m[2]}", text)
    return CLAUSES.split(text)


def figures(text: str) -> list[Figure]:
    """The numbers that a text claims. Quoted words, numbering, days of a month are none."""
    return [_figure(m, clause) for clause in sentences(text) for m in NUMBER.finditer(clause)]


def _figure(match: re.Match[str], clause: str) -> Figure:
    start, end, unit, power = match.start(), match.end(), match["unit"] or "", match["power"]
    factor = next((n for n, names in _SCALE.items() if names.match(f"{unit}{clause[end:]}")), 1.0)
    share = unit in ("%", "pp") or _SHARE.match(clause, end) is not None
    value, decimals = size(match["body"], power), match["body"].replace(COMMA, ".").partition(".")[2]
    half = 0.501 * 10.0 ** -len(decimals) * size("1", power) * factor
    digits = f"{value:.0f}"
    kept = len(digits.rstrip("0"))
    if not decimals and len(digits) >= 4:  # "3,400" is 3,412 rounded
        half = max(half, 0.5 * 10.0 ** (len(digits) - kept) * factor)
    rough = _ROUGHLY.search(clause[:start])
    if rough and not decimals and kept <= 2:  # "some 30" may be 32, "over 80 %" 84 %, and "about 30 %" 31 %
        about = share and re.search(r"about|around|roughly|approx|circa|ca|some|[~≈]", rough.group(), re.I)
        half = max(half, (0.0 if about else 0.06) * value * factor, factor)
    whole = not decimals and not power and factor == 1.0
    text = match.group().replace(COMMA, ",")
    return Figure(text, value * factor, half, share, unit, whole, clause, start, end, factor)


CHANGES = re.compile(
    r"\b(?:chang|ris|rose|rise|increas|decreas|drop|f[ae]ll|gr[eo]w|declin|gain|better|worse|higher|lower|more|less|fewer|differ|gap|(?<!-)up\b|"
    r"down\b)\w*",
    re.I,
)
"""Words that compare two numbers."""


def size(body: str, power: str = "") -> float:
    """What digits with separators and a power of ten amount to."""
    number = float(re.sub(rf"[,'’{SPACES}]", "", body.replace(COMMA, ".")))
    plain = (power or "").translate(_SUPERSCRIPTS).replace("−", "-").rstrip("}")
    exponent = re.search(r"[+\-]?\d+$", re.sub(r"^\s?[×x·]\s?10(?:\^|\*\*)?\{?", "", plain))
    places = int(exponent.group()) if plain and exponent else 0
    return number * 10.0 ** max(min(places, 308), -308) if abs(places) < 400 else number


def counted(text: str) -> set[int]:
    """The small counts that a text says in words, from two on."""
    return {n for n, word in enumerate(COUNTED) if n > 1 and re.search(rf"\b{word}\b", text, re.I)}


def values(text: str) -> list[float]:
    """All numbers that an output shows, signs kept. Where blanks may part thousands or columns, both are taken."""
    found = []
    for match in NUMBER.finditer(text):
        sign = -1 if match["sign"] in ("-", "−") else 1
        number = sign * size(match["body"], match["power"])
        share = match["unit"] == "%" or _SHARE.match(text, match.end())
        found += [number, number / 100] if share else [number]
        if re.search(rf"[{SPACES},]", match["body"]):
            found += [float(part) for part in re.split(rf"[{SPACES},]", match["body"])]
    return found


_DESCRIBED = re.compile(r"(?:count|mean|std|min|25%|50%|75%|max)\s")
"""What begins the lines that describe a column, which add up to nothing."""


def totals(text: str) -> list[float]:
    """What can be counted in an output's tables: their lines, the sums of their columns, and each one's
    per cent of it."""
    found: list[float] = []
    lines = (x for x in text.splitlines() if not _DESCRIBED.match(x))
    plain = ([float(t) for t in x.split() if re.fullmatch(r"-?\d+(?:\.\d+)?", t)] for x in lines)
    for block in (list(rows) for many, rows in groupby(plain, key=len) if many):
        if len(block) < 2:
            continue
        found.append(len(block))
        counts = [c for c in zip(*block, strict=True) if all(v >= 0 for v in c) and sum(c) > 0]
        counts += [c[:-1] for c in counts if len(c) > 2 and c[-1] == sum(c[:-1])]  # the last line is the total
        shares = [c for c in counts if min(abs(sum(c) - whole) for whole in (1, 100)) < 0.02 * sum(c)]
        found += [sum(c[at:]) for c in shares for at in range(1, len(c))]  # of the last ones together
        found += [v for c in counts for v in (sum(c), *(100 * n / sum(c) for n in c if len(c) <= 12))]
        whole = [c for c in zip(*block, strict=True) if all(v >= 0 and v == int(v) for v in c)]
        rows = [sum(row) for row in zip(*whole, strict=True)] if 1 < len(whole) <= 12 else []
        found += [v for n in rows for v in (n, 100 * n / (sum(rows) or 1))]  # of a table of counts
    return found
