"""What the body of a creation asks for, checked: everything about a sandbox that its creator decides."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import Any

from kernel_gateway.egress import NOTHING, BadRules, Rules
from kernel_gateway.inside.http import ENVD_PORT, INTERPRETER_PORT

_MAX_SECONDS = 7 * 24 * 3600
_NOT_HERE = {  # of the wire's fields, what this host has nothing for
    "mcp": "Failed to start MCP gateway: this host has none. Leave out `mcp`, and start a server in the sandbox.",
    "iam": "This host gives sandboxes no identity; create the sandbox without `iam`.",
}
_NOT_IN_NETWORK = {
    "egressProxy": "This host passes nothing on to another proxy; leave out `egress_proxy`.",
}


_SYSTEM = (  # where no volume may be, nor above it
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/etc", "/boot", "/root"),
    *("/proc", "/dev", "/sys", "/run", "/var/run", "/opt/gristmill", "/opt/environment"),
)
_WHOLE = ("/", "/home", "/home/user", "/tmp", "/var", "/var/tmp", "/opt")  # where one may be beneath


class BadRequest(Exception):
    """The request asks for what cannot be; the message says why."""


class Conflict(Exception):
    """The request does not fit what is: a used idempotency key, a sandbox that is paused already, a taken name."""


@dataclass(frozen=True)
class Mount:
    """Which volume a sandbox is to have, by name, and where."""

    name: str
    path: str


@dataclass(frozen=True)
class Wanted:
    """What a sandbox is to be. `seconds` is how long it lives; `keeps_memory` says what a pause at its end keeps."""

    seconds: int = 300
    envs: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    auto_pause: bool = False
    keeps_memory: bool = True
    auto_resume: bool = False
    public: bool = True
    host_mask: str | None = None
    https_ports: frozenset[int] = frozenset()
    network: dict[str, Any] = field(default_factory=dict)
    access: bool | None = None
    rules: Rules = NOTHING
    mounts: tuple[Mount, ...] = ()

    @classmethod
    def parse(cls, body: dict[str, Any], internet: bool) -> Wanted:
        """From the body of `POST /v2/sandboxes`; `internet` says whether this host lets sandboxes out at all.

        Raises `BadRequest`.
        """
        for name, why in _NOT_HERE.items():
            if body.get(name):
                raise BadRequest(why)
        resuming = _object(body.get("autoResume"), "autoResume")
        network = _object(body.get("network"), "network")
        mask = network.get("maskRequestHost")
        if mask is not None and not (isinstance(mask, str) and mask.isprintable()):
            raise BadRequest("maskRequestHost must be printable text.")
        wanted = cls(
            seconds=check_seconds(body.get("timeout", 300)),
            envs=_strings(body.get("envVars"), "envVars"),
            metadata=_strings(body.get("metadata"), "metadata"),
            auto_pause=body.get("autoPause") is True,
            keeps_memory=body.get("autoPauseMemory") is not False,
            auto_resume=resuming.get("enabled") is True,
            public=network.get("allowPublicTraffic") is not False,
            host_mask=mask,
            https_ports=_ports(network.get("httpsPorts")),
            network=network,
            access=body.get("allow_internet_access"),
            rules=check_network(network, body.get("allow_internet_access"), internet),
            mounts=_mounts(body.get("volumeMounts")),
        )
        if wanted.auto_resume and not wanted.keeps_memory:
            raise BadRequest("A sandbox that is paused without its memory cannot be resumed by a request to it.")
        return wanted


def check_network(network: dict[str, Any], access: Any, internet: bool) -> Rules:
    """The rules that a `network` asks for; nothing may be reached where the host has no internet for sandboxes.

    A wish for the internet as such is met by none there, since older clients send it with every creation. A list of
    what to reach is refused. Raises `BadRequest`.
    """
    for name, why in _NOT_IN_NETWORK.items():
        if network.get(name):
            raise BadRequest(why)
    transforms = _object(network.get("rules"), "rules")
    lists = [rules for rules in transforms.values() if isinstance(rules, list)]
    if any(isinstance(rule, dict) and rule.get("transform") for rules in lists for rule in rules):
        raise BadRequest("This host changes nothing in a sandbox's requests; leave out the `transform` of `rules`.")
    try:
        rules = Rules.parse(access, network.get("allowOut"), network.get("denyOut"))
    except BadRules as bad:
        raise BadRequest(str(bad)) from None
    if internet:
        return rules
    if network.get("allowOut"):
        raise BadRequest("Sandboxes on this host have no network; start the gateway with --allow-internet for one.")
    return NOTHING


def check_seconds(value: Any) -> int:
    """A time-out in whole seconds; raises `BadRequest` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_SECONDS:
        raise BadRequest(f"The timeout must be whole seconds from 0 to {_MAX_SECONDS}, not {value!r}.")
    return value


def _mounts(value: Any) -> tuple[Mount, ...]:
    """The volumes that are asked for; raises `BadRequest`.

    No volume lies beneath another: what it is mounted on would be a path that a sandbox can make lead elsewhere.
    """
    found: list[Mount] = []
    for one in value if isinstance(value, list) else [] if value is None else [value]:
        if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in ("name", "path")):
            raise BadRequest("volumeMounts must be a list of objects with a name and a path.")
        path = one["path"].rstrip("/") or "/"
        if not path.isprintable() or not path.startswith("/") or posixpath.normpath(path) != path or path[:2] == "//":
            raise BadRequest(f"A volume cannot be at {one['path']!r}: give a whole path, as /mnt/data.")
        if path in _WHOLE or any(overlaps(path, place) for place in _SYSTEM):
            raise BadRequest(f"A volume cannot be at {path!r}, which is the system's; choose another, as /mnt/data.")
        if any(overlaps(path, other.path) for other in found):
            raise BadRequest(f"A volume cannot be at {path!r}, since another is there, or beneath or above it.")
        found.append(Mount(one["name"], path))
    return tuple(found)


def overlaps(path: str, place: str) -> bool:
    """Whether one of two absolute paths is, or lies beneath, the other."""
    return _within(path, place) or _within(place, path)


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _ports(value: Any) -> frozenset[int]:
    """The ports whose servers speak TLS; raises `BadRequest`."""
    ports = [] if value is None else value
    if not isinstance(ports, list) or not all(type(port) is int and 0 < port < 65536 for port in ports):
        raise BadRequest(f"httpsPorts must be a list of ports, not {value!r}.")
    if ENVD_PORT in ports or INTERPRETER_PORT in ports:
        raise BadRequest(f"The ports {ENVD_PORT} and {INTERPRETER_PORT} are the host's own; leave them out.")
    return frozenset(ports)


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object.")
    return value


def _strings(value: Any, name: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise BadRequest(f"{name} must be an object of strings.")
    return dict(value)
