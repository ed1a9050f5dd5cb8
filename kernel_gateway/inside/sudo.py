"""`sudo` of a sandbox: runs a command as the sandbox's root, without a password.

Called by its path, with an interpreter that reads nothing of the environment. The environment passes as it is, but for
the variables that name the user.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Mapping

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from kernel_gateway.inside.root import HOME, Command, environment

RUNTIME = "/run/gristmill"

_USAGE = "usage: sudo [-EHinSs] [-u user] [-D directory] [VAR=value] command [argument ...]"
_WITH_VALUE = ("u", "g", "p", "C", "D", "h", "r", "t", "T", "U")
_LONG = {
    "user": "u",
    "group": "g",
    "prompt": "p",
    "chdir": "D",
    "login": "i",
    "shell": "s",
    "validate": "v",
    "list": "l",
}
_SAYS_NOTHING = {"v", "k", "K", "l"}
_ROOT, _USER = ("root", "0", "#0"), ("user", "1000", "#1000")
_NOT_PLAIN = re.compile(r"[^\w$-]", re.ASCII)  # what a shell may take for more than a letter
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_PRIVILEGED = {
    *("mount", "umount", "losetup", "swapon", "swapoff", "chroot", "unshare", "modprobe", "insmod", "rmmod", "sysctl"),
    *("ip", "ifconfig", "route", "iptables", "nft", "systemctl", "service", "reboot", "shutdown", "date", "hostname"),
}
_CHANGES = {"install", "reinstall", "remove", "purge", "update", "upgrade", "full-upgrade", "dist-upgrade"}
_NO_PACKAGES = (
    "sudo: a sandbox of this host installs no packages of the system's; every sandbox sees the /usr of the gateway's "
    "machine, so install them there. Python's come with `pip install NAME`, or for many sandboxes with "
    "`gristmill template build NAME -r requirements.txt` on that machine."
)
_NO_PRIVILEGE = (
    "sudo: root of this sandbox may change its files, and holds no privilege beside that: no mounts, no network "
    "settings, no services, no settings of the kernel."
)


def parse(words: list[str]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The options by their letters, the variables and the command of a command line; raises ValueError."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("--"):
            name, given, value = word[2:].partition("=")
            letters = _LONG.get(name, "E")
        else:
            letters, given, value = word[1:], "", ""
        for at, letter in enumerate(letters):
            if letter in _WITH_VALUE:
                value = value if given else letters[at + 1 :]
                if not value and not rest:
                    raise ValueError(f"option -{letter} wants a value")
                options[letter] = value or rest.pop(0)
                break
            options[letter] = ""
    variables = {}
    while rest and (name := rest[0].partition("=")[0]) != rest[0] and name.isidentifier():
        variables[name] = rest.pop(0).partition("=")[2]
    return options, variables, rest


def main(words: list[str], variables: Mapping[str, str]) -> int:
    """Run what the words ask for; returns its status."""
    try:
        options, more, command = parse(words)
    except ValueError as error:
        return _say(f"sudo: {error}\n{_USAGE}")
    if "i" in options or "s" in options:
        shell = [variables.get("SHELL", "/bin/bash"), *(["-l"] if "i" in options else [])]
        command = (
            [*shell, "-c", " ".join(re.sub(_NOT_PLAIN, r"\\\g<0>", word) for word in command)] if command else shell
        )
    elif not command:
        if options.keys() & _SAYS_NOTHING:
            return 0
        return _say(_USAGE)
    whose = options.get("u", "root")
    cwd = options.get("D", HOME if "i" in options and whose in _ROOT else os.getcwd())
    if whose not in (*_ROOT, *_USER):
        return _say(f"sudo: unknown user {whose}; a sandbox of this host has root and user.")
    if whose in _USER and os.getuid() == 0:
        return _say("sudo: root of this sandbox cannot become user again; run the command without sudo, as user.")
    as_root = {**environment(variables), "SUDO_USER": "user", "SUDO_UID": "1000", "SUDO_GID": "1000", **more}
    if whose in _USER or os.getuid() == 0:
        return _become(command, cwd, as_root if whose in _ROOT else {**variables, **more})
    name = os.path.basename(command[0])
    if name in ("apt", "apt-get", "aptitude") and set(command) & _CHANGES:
        return _say(_NO_PACKAGES)
    status = _as_root(command, cwd, as_root)
    if status and name in _PRIVILEGED:
        _say(_NO_PRIVILEGE)
    return status


def _become(command: list[str], cwd: str, variables: Mapping[str, str]) -> int:
    try:
        os.chdir(cwd)
        os.execvpe(command[0], command, dict(variables))
    except OSError as error:
        return _say(f"sudo: {command[0]}: {error.strerror}")


def _as_root(command: list[str], cwd: str, variables: Mapping[str, str]) -> int:
    try:
        running = Command(RUNTIME, command, cwd, variables, (0, 1, 2))
    except OSError as error:
        return _say(f"sudo: {error}")
    for number in _PASSED_ON:
        signal.signal(number, lambda number, frame: _pass_on(running.pid, number))
    try:
        status = running.wait()
    except OSError:
        return _say("sudo: the sandbox has ended")
    return status if status >= 0 else 128 - status


def _pass_on(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _say(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
