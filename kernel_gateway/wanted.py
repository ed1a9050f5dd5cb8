"""What the body of a creation asks for, checked: everything about a sandbox that its creator decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernel_gateway.egress import NOTHING, BadRules, Rules
from kernel_gateway.inside.http import ENVD_PORT, INTERPRETER_PORT

_MAX_SECONDS = 7 * 24 * 3600
_NOT_HERE = {  # of the wire's fields, what this host has nothing for
    "mcp": "Failed to start MCP gateway: this host has none. Leave out `mcp`, and start a server in the sandbox.",
    "volumeMounts": "This host has no volumes; create the sandbox without `volume_mounts` and write files to it.",
    "iam": "This host gives sandboxes no identity; create the sandbox without `iam`.",
}
_NOT_IN_NETWORK = {
    "egressProxy": "This host passes nothing on to another proxy; leave out `egress_proxy`.",
}


class BadRequest(Exception):
    """The request asks for what cannot be; the message says why."""


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
