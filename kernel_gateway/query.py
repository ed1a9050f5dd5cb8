"""What the query of a request asks for, read: pages, times, whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

from kernel_gateway.inside.http import Headers, Refused, Scope

_PAGE = 100

type Query = dict[str, list[str]]


def query_of(scope: Scope) -> Query:
    """The parameters of a request, each with all its values."""
    return parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)


def first(query: Query, name: str, default: str = "") -> str:
    """The first value of a parameter."""
    return query.get(name, [default])[0]


def listed(query: Query, name: str) -> list[str]:
    """All values of a parameter, which may be separated by commas."""
    return [one for value in query.get(name, []) for one in value.split(",") if one]


def number(query: Query, name: str, default: int) -> int:
    """A whole number that is not negative; the default for anything else."""
    value = first(query, name)
    return int(value) if value.isascii() and value.isdigit() else default


def now() -> int:
    """This moment, in seconds since 1970."""
    return int(datetime.now(UTC).timestamp())


def part[T](
    found: list[T], query: Query, key: Callable[[T], tuple[datetime, str]], ascending: bool
) -> tuple[list[T], Headers]:
    """One page of what was found, which is in the order of `key`, and the header that leads to the next."""
    try:
        limit = min(max(int(first(query, "limit", str(_PAGE))), 1), _PAGE)
    except ValueError:
        raise Refused(400, "limit must be a whole number.") from None
    if token := first(query, "nextToken"):
        moment, slash, name = token.rpartition("/")
        if not slash:
            raise Refused(400, f"{token!r} is not a token that this host gave out for a next page.")
        edge = (time(moment), name)
        found = [one for one in found if (key(one) > edge if ascending else key(one) < edge)]
    page = found[:limit]
    if len(found) <= limit:
        return page, []
    last, name = key(page[-1])
    return page, [(b"x-next-token", f"{last.isoformat()}/{name}".encode())]


def time(value: str) -> datetime:
    """A moment in ISO 8601, in UTC where it names no other zone; raises `Refused`."""
    try:
        moment = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        raise Refused(400, f"{value!r} is not a time in ISO 8601.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
