"""What a sandbox may reach outside: its creator's rules, and what no rule can open.

A name is resolved once, here, and the connection goes to the address that was checked: a name that leads somewhere else
a moment later leads nowhere. Addresses that are not public are refused always, whatever stands in a rule.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from kernel_gateway.errors import GatewayError

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

_EVERYTHING = "0.0.0.0/0"
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_MOST_RULES = 256
_RESOLVE_SECONDS = 10.0
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_TRANSLATED_HERE = ipaddress.ip_network("64:ff9b:1::/48")  # by the local network, nobody else knows to where: RFC 8215


class BadRules(GatewayError):
    """The rules of a sandbox's network cannot be; the message says why."""


class Denied(Exception):
    """What was asked for may not be reached; the message says why, and what to do."""


@dataclass(frozen=True)
class Rules:
    """What one sandbox may reach of what is public. `open` is false where it may reach nothing at all.

    As E2B has it, what is allowed is allowed even where it is denied, too. With nothing denied, a list of what is
    allowed is the whole of it.
    """

    open: bool
    names: tuple[str, ...] = ()
    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, access: Any, allow: Any, deny: Any) -> Rules:
        """From the wire's `allow_internet_access`, `allowOut` and `denyOut`; raises `BadRules`."""
        if access not in (None, True, False):
            raise BadRules("allow_internet_access must be true or false.")
        names, allowed = [], []
        for entry in _entries(allow, "allowOut"):
            if (network := _network(entry)) is not None:
                allowed += _both(network)
            elif _DOMAIN.fullmatch(entry.lower()):
                names.append(entry.lower())
            else:
                raise BadRules(f"allowOut takes addresses, networks, names and *.names, not {entry!r}.")
        denied = []
        for entry in _entries(deny, "denyOut"):
            if (network := _network(entry)) is None:
                raise BadRules(f"denyOut takes addresses and networks such as {_EVERYTHING}, not {entry!r}.")
            denied += _both(network)
        everything = ipaddress.ip_network(_EVERYTHING)
        if access is False or ((names or allowed) and not denied):
            denied += _both(everything)
        is_open = bool(names or allowed) or everything not in denied
        return cls(is_open, tuple(names), tuple(allowed), tuple(denied))

    def allows_name(self, name: str) -> bool:
        """Whether the name itself is on the list; `*.name` is every name below `name`, and not `name`."""
        return any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in self.names)

    def allows_address(self, address: Address) -> bool:
        """Whether an address may be reached by whatever name; it is denied also where it leads to one that is."""
        if _within(address, self.allowed):
            return True
        inner = _inner(address)
        return not _within(address, self.denied) and (inner is None or not _within(inner, self.denied))


NOTHING = Rules(open=False)


async def look_up(name: str) -> list[Address]:
    """The addresses of a name, by this machine's own resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found))


def is_private(address: Address) -> bool:
    """Whether an address is anything but a public one of somebody else's.

    Private, loopback, link-local (with the clouds' 169.254.169.254), shared (100.64.0.0/10), multicast and reserved
    ones, however they are written as IPv6, and this machine's own public addresses.
    """
    if isinstance(address, IPv6Address):
        if (inner := _inner(address)) is not None and is_private(inner):
            return True
        if address.is_site_local or address in _TRANSLATED_HERE or address.packed[:12] == bytes(12):
            return True
    return not address.is_global or address.is_multicast or address.is_reserved or _is_ours(address)


def _inner(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, 6to4, Teredo or translated; None for any other."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo is not None else None)


def _is_ours(address: Address) -> bool:
    """Whether a packet to this address stays on this machine: only such an address can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((str(address), 0))
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Policy:
    """What no sandbox's rules can change: how names are looked up, what is refused always, and the ports there are."""

    look_up: Callable[[str], Awaitable[list[Address]]] = look_up
    is_refused: Callable[[Address], bool] = is_private
    ports: frozenset[int] = frozenset({80, 443})

    async def admit(self, rules: Rules, host: str, port: int) -> list[Address]:
        """The addresses that a sandbox with these rules may connect to when it asks for `host`; raises `Denied`."""
        if not rules.open:
            raise Denied(
                "This sandbox has no access to the internet; whoever creates it can give it some "
                "(allow_internet_access, network)."
            )
        if port not in self.ports:
            known = " and ".join(map(str, sorted(self.ports)))
            raise Denied(f"Port {port} cannot be reached from a sandbox, only {known} can.")
        name = host.strip("[]").rstrip(".").lower()
        try:
            found = [ipaddress.ip_address(name)]
            named = False
        except ValueError:
            named = rules.allows_name(name)
            if not named and not self._leaves_names(rules):
                raise Denied(f"{host} is not among what this sandbox may reach.") from None
            found = await self._resolve(name)
        public = [address for address in found if not self.is_refused(address)]
        if not public:
            raise Denied(f"{host} is an address of this machine or of a private network, which no sandbox may reach.")
        admitted = [address for address in public if named or rules.allows_address(_plain(address))]
        if not admitted:
            raise Denied(f"{host} is not among what this sandbox may reach.")
        return admitted

    @staticmethod
    def _leaves_names(rules: Rules) -> bool:
        """Whether a name that is on no list may be looked up; a question to a name server can carry things out."""
        return ipaddress.ip_network(_EVERYTHING) not in rules.denied

    async def _resolve(self, name: str) -> list[Address]:
        if not _DOMAIN.fullmatch(name) or len(name) > 253 or name.startswith("*"):
            raise Denied(f"{name!r} is not the name of a host.")
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                return await self.look_up(name)
        except (OSError, TimeoutError, UnicodeError):
            raise Denied(f"The name {name} cannot be resolved.") from None


PUBLIC = Policy()


def _entries(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value) or len(value) > _MOST_RULES:
        raise BadRules(f"{name} must be a list of at most {_MOST_RULES} strings.")
    return value


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry.strip(), strict=False)
    except ValueError:
        return None


def _both(network: Network) -> list[Network]:
    """The wire's word for all traffic is IPv4's; it means IPv6's as well."""
    return [network, ipaddress.ip_network("::/0")] if str(network) == _EVERYTHING else [network]


def _plain(address: Address) -> Address:
    """An IPv4 address that is written as IPv6 counts as what it is."""
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
