"""The one Jinja environment: it escapes everything, and refuses names that it does not know."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from notebooks import cron, schedule
from notebooks.telling import words as telling
from panel_app.components import code, icons, outputs, safe, words


@cache
def environment() -> Environment:
    """Templates are named from this package's folder: `pages/run.html`, `components/findings.html`."""
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        words.number,
        words.p_value,
        words.size,
        words.moment,
        words.took,
        words.spent,
        words.words,
        words.short,
        words.interval,
        words.fields,
        words.apart,
        words.for_page,
        code.highlight,
        safe.markdown,
        safe.ansi,
        outputs.show,
        outputs.is_picture,
        outputs.is_photo,
        telling.headline,
        telling.read_effect,
        telling.unit_of,
        telling.tied,
        telling.tells_size,
        telling.effect_name,
        icons.icon,
        icons.file_icon,
    ):
        env.globals[function.__name__] = function
        env.filters[function.__name__] = function
    env.globals.update(local_time=cron.local_time, in_words=cron.in_words, span=schedule.duration, TRIES=schedule.TRIES)
    for name in ("STATUS", "METRIC", "TYPE", "VERDICT", "ROLE", "DECISION", "OUTCOMES"):
        env.globals[name] = getattr(words, name)
    return env


def render(template: str, /, **values: Any) -> Markup:
    """A whole template as safe HTML."""
    return Markup(environment().get_template(template).render(**values))


def part(template: str, macro: str, /, *values: Any) -> Markup:
    """One macro of a template as safe HTML: the piece of a page that a live update replaces."""
    module = environment().get_template(template).module
    return Markup(getattr(module, macro)(*values))
