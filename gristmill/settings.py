"""Every setting in one place: its name in the environment, its default, and what it is for.

docs/settings.md holds the same table, which a test compares with this one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artifacts.home import default_home
from gristmill.errors import Misuse


@dataclass(frozen=True)
class Setting:
    """One environment variable. `default` is what a reader of the docs sees; "" means not set."""

    env: str
    default: str
    help: str


SETTINGS: tuple[Setting, ...] = (
    Setting("GRISTMILL_HOME", "the user's data folder", "Where the record, the files and the server's address live."),
    Setting("GRISTMILL_MODEL", "playbook", "The model of a run that names none, as `--model` takes it."),
    Setting(
        "GRISTMILL_IMAGES",
        "",
        "`1`: models are shown plots as pictures; `0`: none is; not set: those that are known to read them.",
    ),
    Setting(
        "GRISTMILL_BUDGET",
        "",
        "What a run may use that is given no `--budget`, in the same words: `usd=2,usd=0.25/turn`.",
    ),
    Setting("GRISTMILL_RERUN", "1", "`0`: no review runs the notebook again in a fresh sandbox; reports say so."),
    Setting(
        "GRISTMILL_MAX_RUNS",
        "two for each core, as far as there are 2 GiB of memory for each",
        "Runs that work at the same time; those beyond wait in line.",
    ),
    Setting("GRISTMILL_ISOLATION", "bubblewrap", "`bubblewrap`, or `none` on a machine that is itself disposable."),
    Setting("GRISTMILL_SANDBOX", "", "`local` keeps code on this machine even where `E2B_API_KEY` is set."),
    Setting(
        "GRISTMILL_SANDBOX_MEMORY",
        "six tenths of this machine's",
        "Memory of one sandbox here, in MiB, 256 or more.",
    ),
    Setting("GRISTMILL_SANDBOX_PROCESSES", "1024", "Processes and threads of one sandbox here, 32 or more."),
    Setting("GRISTMILL_VOLUME_SIZE", "4096", "What one volume of this machine's sandboxes may hold, in MiB."),
    Setting("GRISTMILL_PACKAGES", "1", "`0`: sandboxes on this machine may install no packages."),
    Setting(
        "GRISTMILL_PRELOAD",
        "",
        "Modules that kernels here have imported from the start, such as `scipy.stats,sklearn.linear_model`.",
    ),
    Setting("GRISTMILL_KERNEL_FILES", "", "Files that a `gristmill-sandbox` kernel starts with, separated as in PATH."),
    Setting("GRISTMILL_TEMPLATES", "`templates` in the data folder", "A team's own template notebooks."),
    Setting("GRISTMILL_HOST", "127.0.0.1", "The address that `gristmill serve` listens on."),
    Setting("GRISTMILL_PORT", "5006", "The port that `gristmill serve` listens on."),
    Setting("GRISTMILL_TOKEN", "kept in the data folder", "The token of `gristmill serve`, 16 characters or more."),
    Setting("GRISTMILL_ALLOWED_HOSTS", "", "More host names, comma-separated, that a browser may use for the server."),
    Setting("GRISTMILL_MAX_UPLOAD_MB", "2048", "The largest upload that the server takes, in MiB."),
    Setting(
        "GRISTMILL_NOTIFY",
        "`notify.yaml` in the data folder",
        "Whom schedules may notify: lines `name: URL`, as Apprise takes them, mode 0600.",
    ),
    Setting(
        "GRISTMILL_WEBHOOKS",
        "`webhooks.yaml` in the data folder",
        "Which programs are told of events, by HTTP: see below the table, mode 0600.",
    ),
    Setting("GRISTMILL_TIMEZONE", "this machine's", "The time zone of a schedule that names none (an IANA name)."),
    Setting("E2B_API_KEY", "", "With it, sandboxes run in E2B's cloud instead of on this machine."),
    Setting("E2B_API_URL", "E2B's cloud", "Another host of sandboxes that speaks E2B's protocol."),
    Setting("E2B_SANDBOX_URL", "told by that host", "Where that host's sandboxes are reached."),
    Setting("OPENAI_API_KEY", "", "The key for `--model openai:NAME`."),
    Setting("OPENAI_BASE_URL", "OpenAI's", "Another OpenAI-compatible endpoint for `--model openai:NAME`."),
    Setting("NO_COLOR", "", "Any value: no colour in the terminal."),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one process, checked. Made by `load`; passed on, never read from the environment again."""

    home: Path
    model: str | None
    rerun: bool
    max_runs: int | None
    isolation: str
    packages: bool
    templates: Path
    host: str
    port: int
    token: str | None
    allowed_hosts: tuple[str, ...]
    max_upload: int  # bytes
    timezone: str
    notify: Path
    webhooks: Path
    images: bool | None = None
    budget: str | None = None


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Raises Misuse, naming the variable, for a value that makes no sense."""
    env = os.environ if env is None else env
    isolation = env.get("GRISTMILL_ISOLATION") or "bubblewrap"
    if isolation not in ("bubblewrap", "none"):
        raise Misuse(f"GRISTMILL_ISOLATION is {isolation!r}; it can be bubblewrap or none.")
    rerun = env.get("GRISTMILL_RERUN") or "1"
    if rerun not in ("0", "1"):
        raise Misuse(f"GRISTMILL_RERUN is {rerun!r}; it can be 1 or 0.")
    images = env.get("GRISTMILL_IMAGES") or ""
    if images not in ("", "0", "1"):
        raise Misuse(f"GRISTMILL_IMAGES is {images!r}; it can be 1 or 0.")
    packages = env.get("GRISTMILL_PACKAGES") or "1"
    if packages not in ("0", "1"):
        raise Misuse(f"GRISTMILL_PACKAGES is {packages!r}; it can be 1 or 0.")
    token = env.get("GRISTMILL_TOKEN") or None
    if token is not None and not re.fullmatch(r"[\w.~-]{16,}", token, re.ASCII):
        raise Misuse("GRISTMILL_TOKEN must be 16 or more letters, digits, '.', '_', '~' or '-'.")
    webhooks = env.get("GRISTMILL_WEBHOOKS")
    home, templates, notify = _home(env), env.get("GRISTMILL_TEMPLATES"), env.get("GRISTMILL_NOTIFY")
    return Settings(
        home=home,
        model=env.get("GRISTMILL_MODEL") or None,
        rerun=rerun == "1",
        max_runs=_number(env, "GRISTMILL_MAX_RUNS", 0, 1, 1000) or None,
        isolation=isolation,
        packages=packages == "1",
        templates=Path(templates).expanduser() if templates else home / "templates",
        host=env.get("GRISTMILL_HOST") or "127.0.0.1",
        port=_number(env, "GRISTMILL_PORT", 5006, 0, 65535),
        token=token,
        allowed_hosts=tuple(h.strip().lower() for h in env.get("GRISTMILL_ALLOWED_HOSTS", "").split(",") if h.strip()),
        max_upload=_number(env, "GRISTMILL_MAX_UPLOAD_MB", 2048, 1, 1 << 20) * 1024 * 1024,
        timezone=env.get("GRISTMILL_TIMEZONE") or _local_zone(env),
        notify=Path(notify).expanduser().absolute() if notify else home / "notify.yaml",
        webhooks=Path(webhooks).expanduser().absolute() if webhooks else home / "webhooks.yaml",
        images=images == "1" if images else None,
        budget=env.get("GRISTMILL_BUDGET") or None,
    )


def _home(env: Mapping[str, str]) -> Path:
    if chosen := env.get("GRISTMILL_HOME"):
        return Path(chosen).expanduser().absolute()
    return default_home()


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name)
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise Misuse(f"{name} is {text!r}, which is not a whole number.") from None
    if not low <= value <= high:
        raise Misuse(f"{name} is {value}; it can be {low} to {high}.")
    return value


def _local_zone(env: Mapping[str, str]) -> str:
    """The IANA name of this machine's zone, from TZ or from where /etc/localtime points; UTC when neither says."""
    import zoneinfo

    named = env.get("TZ", "").lstrip(":")
    linked = os.path.realpath("/etc/localtime").rpartition("zoneinfo/")[2]
    for name in (named, linked):
        if name and not name.startswith("/"):
            try:
                zoneinfo.ZoneInfo(name)
            except (ValueError, zoneinfo.ZoneInfoNotFoundError):
                continue
            return name
    return "UTC"
