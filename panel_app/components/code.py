"""Code as a reader likes to see it: coloured by pygments, which escapes all of it."""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup

LONGEST = 60_000
"""Characters beyond which text is shown without colours: a lexer is slow, and nobody reads on."""


@lru_cache(maxsize=512)
def highlight(code: str, language: str = "python") -> Markup:
    """`code` as spans inside one `<pre>`. An unknown language, or very long text, is shown plain."""
    from pygments import highlight as colour
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if len(code) > LONGEST:
        return Markup('<div class="code"><pre>{}</pre></div>').format(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return Markup('<div class="code"><pre>{}</pre></div>').format(code)
    return Markup(_PLAIN.sub(r"\1", colour(code.rstrip("\n"), lexer, HtmlFormatter(cssclass="code"))))


_PLAIN = re.compile(r'<span class="(?:n|p|w|o|nn|nv|vm)">([^<]*)</span>')
"""Spans that no colour is given to: names, brackets, spaces. Without them a page is a third of its size."""
