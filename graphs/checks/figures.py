"""Reading the numbers in a text as a reader does: thousands, percent, powers of ten, millions, dates, names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from graphs.checks.units import PERCENT, POINTS, SIGNS, scale

SPACES = " \u00a0\u2009\u202f"
"""What may part thousands: a blank, or one that keeps them on one line."""
_BODY = rf"(?:(?:\d{{1,3}}(?:[,{SPACES}'’]\d{{3}})+(?!\d)|\d+)(?:[.٫]\d+)?|(?<=[\s=<>(≤≥])\.\d+)"
CITED = "¶"
"""What stands for a source, an author and a year, while a text is read."""
COMMA = "٫"
"""What stands for a decimal comma while a text is read: `21,5` may still be two numbers."""
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])(\d{1,3}(?:\.\d{3})+|\d+),(\d{1,2}|\d{4,})(?![\w,]|\.\d)")
_POWER = r"(?:[eE][+\-−]?\d+|\s?[×x·]\s?10(?:\^|\*\*)?\{?[+\-−]?\d+\}?|\s?[×x·]\s?10[⁻⁰¹²³⁴-⁹]+)?"
_UNITS = rf"{SIGNS}|x|×|EUR|USD|CHF|GBP|pp|pts?|th|st|nd|rd"
NUMBER = re.compile(
    rf"(?<![\w.])(?<![A-Za-z][-‑–])[+\-−–]?(?P<body>{_BODY})(?P<power>{_POWER})(?P<unit>{_UNITS})?(?![\w]|\.\d|,\d{{3}})"
)
_SHARE = re.compile(rf"\s?(?:{PERCENT}|{POINTS})", re.I)
_ROUGHLY = re.compile(
    r"\b(about|around|roughly|nearly|almost|some|approximately|approx\.?|circa|ca\.?|close to|a little \w+|"
    r"(?:just |slightly )?(?:over|under|above|below)|(?:more|less|fewer) than|at (?:least|most)|up to)\s*$|"
    r"[~≈<>≤≥]\s*$",
    re.I,
)
_DATE = re.compile(r"\b(?:19|20)\d\d-\d\d(?:-\d\d)?\b")
_SOURCE = re.compile(r"\(?[A-Z].*\W\(?(?:19|20)\d\d[a-z]?\)", re.S)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_NO_CLAIMS = re.compile(
    r"```.*?```|`[^`]*`|“[^”]*”|'[^'\n]*'|\"[^\"\n]*\"|https?://\S+|"
    r"^\s*#+\s*[\d.]+[.)]?\s|^\s*\d+[.)]\s|^\s*\|?[\s:|-]+\|?\s*$|"
    r"\b(?:fig(?:ure)?s?|tables?|sections?|steps?|exercises?|chapters?|appendix|equations?|cells?|questions?|tasks?|"
    r"parts?|lessons?|versions?|v|python|seeds?|random_state)\.?\s?#?\d+(?:\.\d+)*\b|"
    r"\(?[A-Z][\w.&,\- ]{1,50}(?:et al\.?|\w),? \(?(?:19|20)\d\d[a-z]?\)|"
    r"\b[0-3]?\d\.[01]\d\.(?=[;,)])|"
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\.? (?:of )?(?={_MONTH}\b)|"
    r"\b(?:ISO|EN|DIN|IEC|IEEE|ASTM|ANSI|RFC|BS|NF|UNE)[ -](?:EN |ISO )*\d+(?:[-:/]\d+)*\b|"
    r"(?<![\d.])\d{1,4}/(?:19|20)\d\d(?:/[A-Z]{2,})?\b|(?<![\d.])(?:19|20)\d\d/\d{2,4}(?:/[A-Z]{2,})?\b|"
    r"(?<=[a-z] )\d{1,2}(?:st|nd|rd|th)?,? (?=(?:19|20)\d\d\b)|"
    r"\b(?:19|20)\d\d (?:edition|version|release)\b|\b(?:19|20)?\d0s\b|\b24/7\b|\b\d{1,2}:\d\d(?::\d\d)?\b|"
    r"\b\d{1,2} ?(?:o['’]clock|Uhr|uur|[ap]\.?m\b\.?)|"
    r"\b\d{1,2}[./]\d{1,2}[./](?=(?:19|20)\d\d\b)|(?<=\b(?:19|20)\d\d)-\d\d(?:-\d\d)?\b",
    re.M | re.S | re.I,
)
_CLAUSES = re.compile(
    r"(?<=[.!?;])(?<!\b[ie]\.[eg]\.)(?<!\b[zd]\.[Bh]\.)(?<!\bvs\.)(?<!\bca\.)(?<!\bapprox\.)\s+(?=[^\d\s])|"
    r"\n{2,}|\n(?=\s*[-*|])"
)
"""What parts sentences."""
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
"""The words for small counts, by how many they mean."""
_COUNTED = (
    COUNTS,
    ("kein", "eine", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"),
    ("aucun", "une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze"),
    ("ningún", "una", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "", "doce"),
)
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@dataclass(frozen=True)
class Figure:
    """A number as written: its size without the sign, and by how much it may be off, having been rounded.

    `share` is said of percent and of percentage points; `unit` is what stands against it, such as the `th` of 4th;
    `scale` is the word behind it, 1000 of "27.2 thousand", which a cell's output may leave to a heading, or one over
    that of another of its sentence; `clause` is the sentence that it stands in.
    """

    text: str
    value: float
    half: float
    share: bool = False
    unit: str = ""
    rough: bool = False
    whole: bool = False
    clause: str = ""
    after: str = ""
    scale: float = 1.0

    def is_near(self, known: float) -> bool:
        return any(abs(abs(known) * scale - self.value) <= self.half for scale in {1.0, self.scale})


def figures(text: str, names: Iterable[str] = ()) -> list[Figure]:
    """The numbers that a text claims. Names with digits, quoted words, numbering, days of a month are none."""
    for name in names:  # a level that is called 1 takes no digit out of 0.0145
        text = re.sub(rf"(?<!\w)(?<!\d[.,]){re.escape(name)}(?!\w|[.,]\d)", " ", text)
    text = _NO_CLAIMS.sub(lambda m: f" {CITED} " if _SOURCE.fullmatch(m.group()) else " ", text)
    text = _DECIMAL_COMMA.sub(lambda m: f"{m[1].replace('.', '')}{COMMA}{m[2]}", text)
    found = []
    for clause in _CLAUSES.split(text):
        beside = [_figure(m, clause) for m in NUMBER.finditer(clause)]
        scales = {f.scale for f in beside} - {1.0}
        if len(scales) == 1:  # "2.10 million, then 1.03 and 1.02"
            beside = [replace(f, scale=1 / max(scales)) if f.scale == 1.0 and not f.whole else f for f in beside]
        found += beside
    return found


def _figure(match: re.Match[str], clause: str) -> Figure:
    rest = clause[match.end() :]
    value = size(match["body"], match["power"])
    mantissa = match["body"].replace(COMMA, ".")
    decimals = len(mantissa.split(".")[1]) if "." in mantissa else 0
    unit = match["unit"] or ""
    factor = scale(unit, rest)
    power = size("1", match["power"])
    half = 0.51 * 10.0**-decimals * power * factor
    digits = f"{value:.0f}"
    if "." not in mantissa and len(digits) >= 4:  # "about 3,400" is 3,412 rounded
        half = max(half, 0.5 * 10.0 ** (len(digits) - len(digits.rstrip("0"))) * factor)
    rough = "." not in mantissa and len(digits.rstrip("0")) <= 2 and bool(_ROUGHLY.search(clause[: match.start()]))
    if rough:  # "some 30 %" may be 28; "some 37.4 %" may not
        half = max(half, 0.12 * value * factor)
    return Figure(
        text=match.group(),
        value=value * factor,
        half=half,
        share=_SHARE.match(rest) is not None,
        unit=unit,
        rough=rough,
        whole="." not in mantissa and not match["power"] and factor == 1.0,
        clause=clause,
        after=rest[:40],
        scale=factor,
    )


def size(body: str, power: str = "") -> float:
    """What digits with separators and a power of ten amount to."""
    number = float(re.sub(rf"[,'’{SPACES}]", "", body.replace(COMMA, ".")))
    exponent = re.search(r"[+\-−]?\d+$", power.translate(_SUPERSCRIPTS).rstrip("}"))
    if not power or exponent is None:
        return number
    written = exponent.group().replace("−", "-")
    if power.lstrip()[:1] in "×x·" and re.fullmatch(r"\s?[×x·]\s?10[+\-]?\d+", power.translate(_SUPERSCRIPTS)):
        written = re.sub(r"^10", "", written)
    places = int(written or 0)
    return number * 10.0 ** max(min(places, 308), -308) if abs(places) < 400 else number


def counted(text: str) -> set[int]:
    """The small counts that a text says in words, from two on."""
    said = set(re.findall(r"[^\W\d_]+", text.lower()))
    return {n for language in _COUNTED for n, word in enumerate(language) if n > 1 and word in said}


def values(text: str) -> list[float]:
    """All numbers that an output shows. Where blanks may part thousands or columns, both are taken."""
    found = []
    for match in NUMBER.finditer(text):
        number = size(match["body"], match["power"])
        found += [number, number / 100] if _SHARE.match(text, match.end()) else [number]
        if re.search(rf"[{SPACES},]", match["body"]):
            found += [float(part) for part in re.split(rf"[{SPACES},]", match["body"])]
    return found


def totals(text: str) -> list[float]:
    """What can be counted in an output's tables: their lines, the sums of their whole-number columns, and each one's
    percent of it."""
    found: list[float] = []
    plain = ([float(t) for t in x.split() if re.fullmatch(r"-?\d+(?:\.\d+)?", t)] for x in text.splitlines())
    for block in _blocks(plain):
        found.append(len(block))
        counts = [c for c in zip(*block, strict=True) if all(v == int(v) for v in c) and sum(c) > 0]
        counts += [c[:-1] for c in counts if len(c) > 2 and c[-1] == sum(c[:-1])]  # the last line is the total
        found += [v for c in counts for v in (sum(c), *(100 * n / sum(c) for n in c if len(c) <= 12))]
    return found


def differences(text: str) -> list[float]:
    """By how much numbers that an output shows beside or below each other differ: in a line, in a table's column."""
    rows = [_row(line) for line in text.splitlines()]
    beside = [row for row in rows if 2 <= len(row) <= 6]
    return [abs(a - b) for c in (*beside, *_columns(rows)) for i, a in enumerate(c) for b in c[i + 1 :]]


def ratios(text: str) -> list[float]:
    """How many times as large as another a number of the same column of an output's small tables is."""
    columns = _columns([_row(line) for line in text.splitlines()])
    return [a / b for c in columns for a in c for b in c if a > b > 0]


def _row(line: str) -> list[float]:
    return [size(m["body"], m["power"]) for m in NUMBER.finditer(_DATE.sub(" ", line))]


def _columns(rows: Iterable[list[float]]) -> Iterator[tuple[float, ...]]:
    """The last six columns of each small table."""
    for block in _blocks(rows):
        if len(block) <= 12:
            yield from list(zip(*block, strict=True))[-6:]


def _blocks(rows: Iterable[list[float]]) -> Iterator[list[list[float]]]:
    """The tables of an output: two or more lines after each other with as many numbers each."""
    block: list[list[float]] = []
    for row in [*rows, []]:
        if row and (not block or len(row) == len(block[-1])):
            block.append(row)
            continue
        if len(block) >= 2:
            yield block
        block = [row] if row else []
