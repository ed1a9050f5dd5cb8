"""Which words claim that one thing makes another happen, in the languages that reports are written in."""

from __future__ import annotations

import re

_MOVES = (
    r"raise|lower|reduce|boost|worsen|improve|increase|decrease|influence|affect|shorten|lengthen|prevent|trigger|"
    r"lift|cut|curb|depress|hamper|induce|spur|fuel|prompt|encourage|discourage|deter|slow down|speed up|push up|"
    r"push down|drive up|drive down|bring down|halve|double"
)
_MOVED = (
    r"raise[sd]|lower(?:s|ed)|reduce[sd]|boost(?:s|ed)|worsen(?:s|ed)|improve[sd]|increase[sd]|decrease[sd]|"
    r"influence[sd]|affect(?:s|ed)|shorten(?:s|ed)|lengthen(?:s|ed)|prevent(?:s|ed)|trigger(?:s|ed)|lift(?:s|ed)|"
    r"cuts(?= (?:the|an?|their|its|\w+ing)\b)|"
    r"curb(?:s|ed)|depress(?:es|ed)|hamper(?:s|ed)|induce[sd]|spur(?:s|red)|fuel(?:s|led|ed)|prompt(?:s|ed)|"
    r"encourage[sd]|discourage[sd]|deter(?:s|red)|slow(?:s|ed) down|sp(?:eeds|ed) up|"
    r"push(?:es|ed) (?:up|down)|drive[sn]? (?:up|down)|br(?:ings|ought) (?:down|up)"
)
_NO_OBJECT = (
    r"(?! (?:by|with|from|to|in|over|when|as|and|or|until|at|on|for|slightly|steadily|linearly|sharply|was|were|is|"
    r"are|than|after|since|between|again|further|only|most|more|faster|slowly|across|during|through|every|each|"
    r"considerably|strongly|markedly|clearly|somewhat|not|of|per|that|which|who)\b)(?= [^\W\d])"
)
"""What follows where something itself rises or falls; where a thing makes another rise, that other follows."""
_METHOD = (
    r"(?:\w+ ){0,3}(?:missing|round\w*|space|outliers?|seed|number|size|sample|tests?|comparisons?|skew\w*|design|"
    r"collinear\w*|imbalance|autocorrelation|privacy|clustering)\b"
)
"""What stands behind the reason for a way of working: because of the many tests."""
_MODAL = r"(?:would|will|could|helps?(?: to)?) (?:(?:\w+ly|therefore|thus|then|also|hence|so) )?"
_ABOUT_WORK = (
    r"(?:(?:the|an?|any|our|its|this) )?(?:\w+ )?(?:tests?|estimates?|intervals?|comparisons?|figures?|results?|"
    r"conclusions?|evidence|differences?|means?|medians?|averages?|models?|data|analysis|sample|power|it|this|that|sense)\b"
)
_STATES = (
    r"severe|deadly|fatal|dangerous|safe|late|early|slow|fast|quick|expensive|dear|cheap|costly|strong|weak|tall|heavy|"
    r"light|loyal|satisfied|successful|profitable|productive|tired|absent|sick|fit|healthy|rich|poor|brittle|rare|"
    r"frequent|common|scarce"
)
_ENGLISH = (
    rf"caus(?:e|es|ed|ing)(?! (?:an?|the|no) (?:\w+ )?(?:warnings?|errors?|exceptions?|crash|bug|problems?)\b)|"
    rf"leads? to|led to|drives?|driven by|(?:because of|due to|owing to)(?! {_METHOD})|results? in|resulted in|"
    r"thanks to|"
    r"as a (?:direct )?(?:result|consequence) of|attributable to|stems? from|gives rise to|brings? about(?! [\d€$£])|"
    r"brings? about [\d.,]+%? (?:fewer|more|less|additional)|"
    rf"contributes? to|protects? against|is the reason|(?:is|are) (?:to blame|behind the)|pays? off|"
    rf"(?:{_MOVED}){_NO_OBJECT}|"
    rf"(?:(?<=s )|of (?!(?:how|what|which|double|half) )\w+ )(?:{_MOVES}) (?:the|an?|their|its) |"
    rf"{_MODAL}(?:{_MOVES}){_NO_OBJECT}|"
    rf"ha(?:s|d|ve) an? (?:\w+ )?(?:effect|impact|influence) on|"
    rf"(?<!not )(?:makes?|made) (?:\w+ ){{1,3}}(?:rise|fall|grow|drop|higher|lower|happ\w+|unhapp\w+|better|worse|"
    rf"more|less|faster|slower|longer|shorter|larger|smaller|richer|poorer|safer|healthier|likely|sicker|ill)|"
    rf"(?<!not )(?:makes?|made) (?!{_ABOUT_WORK})(?:(?:the|an?|their|our|its) )?\w+ (?:{_STATES})(?=[.:;,!]| and\b|$)|"
    rf"(?:gets|earns|wins|saves|buys) (?:people|you|them|us|workers?|patients?|customers?|"
    rf"(?:an?|the|every|each) \w+ (?=an? |\d|more|less|another))|"
    rf"costs (?:people|workers?|patients?|customers?|"
    rf"(?:an?|the|every|each) \w+ (?=an? |\d|more|less|another))"
    rf"|responsible for|(?:the )?(?:causal )?impact of"
)
_GERMAN = (
    r"führ(?:t|en|te|ten) (?:\w+ ){0,4}zu|verursach(?:t|en|te|ten)|bewirk(?:t|en|te)|treib(?:t|en)|sorg(?:t|en) für|"
    r"(?:lässt|lassen) (?:\w+ ){1,5}(?:steigen|sinken|fallen|wachsen)|dank (?:de[rsmn]|eine[rsmn]|ihre[rsmn])|"
    r"(?:wegen|aufgrund) (?!fehlend)(?:de[rsmn]|eine[rsmn])|"
    r"(?:senk|steiger|erhöh|verringer|verbesser|verschlechter|verkürz|verlänger|beschleunig|förder|hemm|mindern?|"
    r"reduzier|beeinfluss|halbier|verdoppel)(?:t|en|te|ten) (?:die|den|das|ihre?n?|deren|dessen)|"
    r"(?:hebt|heben|drückt|drücken) (?:die|den|das|ihre?n?)|schützt vor|(?:die|der) (?:Ursache|Grund) (?:für|ist|dafür)"
)
_SPANISH = (
    r"provo(?:ca|can|có|caron)|caus(?:a|an|ó|aron)(?! de)|gracias al?|debido al?|a causa del?|se deben? a|"
    r"hacen? que|conducen? a|llevan? a que|"
    r"(?:aument|reduc|disminuy|mejor|empeor|baj|sub|elev|rebaj|acort|alarg)(?:a|e|an|en|ó) (?:el|la|los|las|su|sus) "
)
_FRENCH = (
    r"provo(?:que|quent|qué)|grâce (?:à|aux?)|à cause d|en raison d(?!e (?:valeurs|données) manq)|entraîne(?:nt)?|"
    r"(?:fait|font) (?:\w+ )?(?:monter|baisser|grimper|chuter|augmenter|diminuer|progresser|reculer)|"
    r"(?:est|sont) due?s? (?:à|aux?)|conduit à|mène(?:nt)? à|"
    r"(?:augment|rédui|diminu|amélior|accroî|abaiss|raccourci)(?:e|ent|t|sent) (?:le|la|les|leurs?|l')"
)
_OTHERS = (
    r"grazie (?:a|al|alla|ai)|a causa d[ie]|(?:fa|fanno) (?:salire|scendere|aumentare|diminuire|crescere|calare)|"
    r"(?:aument|riduc|abbass|miglior)(?:a|e|ano|ono) (?:il|la|i|le|lo) |porta(?:no)? a un|"
    r"graças (?:a|ao|à)|devido (?:a|ao|à)|por causa d|"
    r"zorgt voor|leidt tot|veroorzaak(?:t|te)|(?:verhoog|verlaag|verkort|verbeter)t (?:de|het)|dankzij"
)
_CAUSAL = re.compile(
    rf"\b(?:{_ENGLISH}|{_GERMAN}|{_SPANISH}|{_FRENCH}|{_OTHERS})(?<=\w)\b|"
    rf"\b(?:{_ENGLISH}|{_SPANISH}|{_OTHERS})(?<= )",
    re.I,
)
_MOVED_FORM = re.compile(rf"(?:{_MOVED}|{_MODAL}(?:{_MOVES}))", re.I)
_ADJECTIVE = re.compile(r"\b(?:the|an?|our|its|their|of|with|by|gradient)[ -]$", re.I)
"""What stands before a form in -ed that only describes a thing: the boosted trees, with reduced fares."""
_PASSIVE = re.compile(r"\b(?:be|been|being|was|were|is|are|get|gets|got)\s+(?:\w+ly )?$", re.I)
_NOUN = re.compile(
    r"\b(?:of|among|in|on|the|these|those|all|most|both|many|some|few|\d+|per|by|each|every|frequent|common(?:est)?|"
    r"rarest|recorded|reported|stated|listed|logged|known|unknown|other) $",
    re.I,
)
"""What stands before the name of a thing that is spelled like a verb: most lifts, the most frequent cause."""
_THINGS = re.compile(r"lifts|cuts|fuels|prompts|doubles|increases|decreases|boosts|causes?", re.I)
_REASON = re.compile(r"because|due|owing|wegen|aufgrund|en raison|à cause|debido|a causa|devido", re.I)
_OURSELVES = re.compile(r"\b(?:we|I|our|wir|man|unser\w*|nous|on|nos|se|nosotros|noi)\b", re.I)
"""Who gives reasons for what was done with the data, and claims no cause in them."""
_OF_MODEL = re.compile(
    r"R²|\bR2\b|\bAUC\b|accura|explain|RMSE|\bMAE\b|\bfit\b|model|precision|recall|interval|"
    r"variance|\bpower\b|uncertain|correlation|coefficient|estimate|\bp\b",
    re.I,
)
_QUOTED = re.compile(r"“[^”]{12,}”|\"[^\"\n]{12,}\"|«[^»]{12,}»|„[^“”]{12,}[“”]")
_DENIED = re.compile(
    r"\b(?:not|never|no|cannot|without|whether|n't|nothing|nobody|don't|neither|nor|"
    r"wrong|mistake\w*|mislead\w*|incorrect|unwarranted|premature|"
    r"nicht|kein\w*|nie|niemand|ohne|ob|weder|sin|ni|nunca|nadie|si|pas|ne|sans|aucun\w*|rien|non|senza|nessun\w*|"
    r"não|niet|geen)\b[^.;:]{0,60}$|correlation[^.]{0,20}$",
    re.I,
)
_LEFT_OPEN = re.compile(
    r"[^.;:,]{0,60}\b(?:(?:cannot|can't|could not|not|never) (?:\w+ ){0,2}(?:said|shown|known|told|concluded|proved|"
    r"proven|inferred|settled|decided)|(?:is|stays|remains) (?:left )?(?:open|unknown|unproven|untested))\b",
    re.I,
)
"""What stands behind a cause that is only spoken of: that they cause this cannot be said."""


def claimed_cause(text: str) -> str | None:
    """The first words of a text that claim a cause; none that are denied, doubted or asked."""
    text = _QUOTED.sub(lambda m: " " * len(m.group()), text)
    for match in _CAUSAL.finditer(text):
        before, after = text[: match.start()], re.match(r"[^.!?\n]*", text[match.end() :])
        rest = after.group() if after else ""
        asked = text[match.end() + len(rest) :][:1] == "?"
        described = _ADJECTIVE.search(before) and match.group().strip().endswith("ed")
        passive = _MOVED_FORM.fullmatch(match.group().strip()) and _PASSIVE.search(before)
        sentence = re.split(r"[.!?]\s|\n\n", before)[-1] + match.group() + rest
        method = _REASON.match(match.group()) and _OURSELVES.search(sentence)
        of_model = _MOVED_FORM.match(match.group().strip()) and _OF_MODEL.search(rest[:40])
        thing = _THINGS.fullmatch(match.group().strip()) and _NOUN.search(before)
        open_ = re.search(r"\b(?:that|whether|if) [^.;:,]{0,40}$", before, re.I) and _LEFT_OPEN.match(rest)
        if not (asked or described or passive or thing or method or of_model or open_ or denied(before)):
            return match.group().strip()
    return None


def denied(before: str) -> bool:
    """Whether what a text says so far denies or doubts what comes next in its sentence."""
    return _DENIED.search(before) is not None
