"""`python -m kernel_gateway`: the sandbox host as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import resource
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
import uvloop

from kernel_gateway.egress import PUBLIC, Policy
from kernel_gateway.errors import GatewayError, GatewayUnavailable, NoIsolation
from kernel_gateway.front import Front
from kernel_gateway.host import Host
from kernel_gateway.inside.tunnel import Tunnel
from kernel_gateway.isolation import check_bubblewrap, find_bubblewrap, sources
from kernel_gateway.outside import ordinary, prepare
from kernel_gateway.packages import Packages
from kernel_gateway.place import Place, lock
from kernel_gateway.router import Router
from kernel_gateway.sandboxes import Sandboxes
from kernel_gateway.self_check import require_isolation
from kernel_gateway.sizes import Sizes, volume_size
from kernel_gateway.snapshots import Snapshots
from kernel_gateway.volumes import Volumes
from kernel_gateway.wheels import Wheels

log = logging.getLogger("kernel_gateway")

_PACKING = 64 << 20  # bytes that a packed sandbox may hold beside its files: their names and the rounding
_OPEN_FILES = 65536
_SPARE = 4  # each takes some 12 MiB
_SNAPSHOTS = 16 << 30  # bytes of all snapshots together
_WHEELS = 4 << 30  # bytes of all packages that are kept for sandboxes

_ENDING = 30.0  # seconds that a gateway which answers nobody any more may take to end: whoever started us found none

_BANNER = """\
============================================================================
 NO ISOLATION: code in sandboxes runs as this user, with this user's files
 and network. Only for a machine that is itself disposable.
============================================================================"""


def main(argv: list[str] | None = None) -> int:
    """Run the gateway until it is told to stop or has been idle; returns the exit status."""
    options = _options(argv)
    _raise_open_files()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        uvloop.run(serve(options))
    except GatewayError as error:
        _tell(options.ready_fd, {"error": type(error).__name__, "message": str(error)})
        print(error, file=sys.stderr)
        return 1
    return 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kernel_gateway", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=3000, help="port on the loopback; 0 takes a free one (default 3000)"
    )
    parser.add_argument("--api-key", help="the API key, which other users see in the list of processes")
    parser.add_argument(
        "--api-key-file", type=Path, help="file that holds the API key (else E2B_API_KEY, else a new one)"
    )
    parser.add_argument(
        "--home", type=Path, default=Path.home() / ".gristmill", help="data folder (default ~/.gristmill)"
    )
    parser.add_argument("--idle-exit", type=float, default=0.0, help="end after so many seconds without use (0: never)")
    parser.add_argument("--isolation", choices=("bubblewrap", "none"), default="bubblewrap")
    parser.add_argument("--domain", help="domain of <port>-<id>.<domain> (default localhost:PORT)")
    parser.add_argument("--parked", type=int, default=2, help="sandboxes kept started for the next who ask (default 2)")
    parser.add_argument(
        "--spare",
        type=int,
        help=f"sandboxes kept made for those who find none parked (default {_SPARE}, none with --parked 0)",
    )
    parser.add_argument(
        "--allow-internet",
        action="store_true",
        help="let sandboxes reach public addresses on ports 80 and 443 where their creator does not forbid it",
    )
    packages = parser.add_mutually_exclusive_group()
    packages.add_argument(
        "--allow-packages",
        dest="packages",
        action="store_const",
        const="1",
        help="let sandboxes install packages from the index of this machine's pip (the default; GRISTMILL_PACKAGES)",
    )
    packages.add_argument(
        "--no-packages", dest="packages", action="store_const", const="0", help="let sandboxes install nothing"
    )
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _raise_open_files() -> None:
    """Allow ourselves as many open files as we may have: each stream takes two, and the usual 1,024 are soon used."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Server(uvicorn.Server):
    """uvicorn, less its handling of signals: it raises them again when it has stopped, and we could not tidy up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        """Stop taking requests, give those under way a second, and return from `serve`."""
        self.should_exit = True


async def serve(options: argparse.Namespace, policy: Policy = PUBLIC) -> None:
    """Start everything, say that it is ready, and serve; leaves no process and no file behind.

    `policy` is for what sandboxes may reach where they are let out; no option of the command changes it.
    """
    folder = _take(options.home, _ENDING if options.ready_fd is not None else 0.0)
    sizes = Sizes.of_machine()
    program, outside = "", ordinary()
    if options.isolation == "none":
        print(_BANNER, file=sys.stderr, flush=True)
    else:
        find_bubblewrap()
        outside = prepare(sources(), folder.absolute())
        program = check_bubblewrap(outside)
    listener = _listen(options.port)
    port = listener.getsockname()[1]
    domain = options.domain or f"localhost:{port}"
    key = options.api_key or _api_key(options.api_key_file)
    place = Place.make(folder / "run")
    cache = folder / "cache"
    cache.mkdir(mode=0o700, exist_ok=True)
    spare = options.spare if options.spare is not None else _SPARE if options.parked else 0
    host = Host(place, options.isolation, program, sizes, outside, cache, spare, _preloaded())
    if program:  # only now, so that the nursery has loaded half of what it needs by the time the probes have failed
        try:
            require_isolation(program, sizes, outside)
        except NoIsolation:
            await host.close()
            place.close()
            raise
    snapshots = Snapshots(folder / "snapshots", sizes.home + sizes.tmp + _PACKING, _SNAPSHOTS)
    way_out = policy if options.allow_internet and options.isolation != "none" else None
    volumes = Volumes(folder.absolute() / "volumes", volume_size())
    packages = None
    if options.isolation != "none":
        wheels = Wheels(folder / "packages", _WHEELS, sizes.home) if _may_install(options.packages) else None
        packages = Packages(wheels)
    sandboxes = Sandboxes(host, domain, options.home, snapshots, volumes, options.parked, way_out, packages)
    sandboxes.park()
    url = f"http://127.0.0.1:{port}"
    facts = {"pid": os.getpid(), "isolation": options.isolation, "url": url}
    router = Router(sandboxes, key, domain, facts)
    server = _Server(
        uvicorn.Config(
            router,
            http=Front,
            ws=Tunnel,
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            timeout_keep_alive=3600,  # the SDK keeps idle connections for 300 s
            timeout_graceful_shutdown=1,
            server_header=False,
            date_header=False,
        )
    )
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    endpoint = folder / "endpoint.json"
    _write_private(endpoint, json.dumps({**facts, "api_key": key}))
    _tell(options.ready_fd, {**facts, "api_key": key})
    if options.ready_fd is None:
        urls = "".join(f"export {name}={url}\n" for name in ("E2B_API_URL", "E2B_SANDBOX_URL", "E2B_VOLUME_API_URL"))
        print(f"{urls}export E2B_API_KEY={key}", flush=True)
    log.info("serving %s, isolation %s", url, options.isolation)
    idle = asyncio.create_task(_stop_when_idle(server, router, sandboxes, options.idle_exit))
    try:
        await server.serve(sockets=[listener])
    finally:
        idle.cancel()
        endpoint.unlink(missing_ok=True)
        await router.close()
        await sandboxes.close()
        await volumes.close()
        await host.close()
        place.close()


def _may_install(option: str | None) -> bool:
    """Whether sandboxes may install packages; raises `GatewayError`."""
    chosen = option or os.environ.get("GRISTMILL_PACKAGES") or "1"
    if chosen not in ("0", "1"):
        raise GatewayError(f"GRISTMILL_PACKAGES is {chosen!r}; it can be 1 or 0.")
    return chosen == "1"


def _preloaded() -> tuple[str, ...]:
    """The modules that kernels are to have from the start; raises `GatewayError`."""
    names = tuple(filter(None, map(str.strip, os.environ.get("GRISTMILL_PRELOAD", "").split(","))))
    for name in names:
        if not all(map(str.isidentifier, name.split("."))):
            raise GatewayError(f"GRISTMILL_PRELOAD names {name!r}; it takes modules, such as scipy.stats,sklearn.")
    return names


def _take(home: Path, patience: float) -> Path:
    """Our folder in `home`, which is ours alone while we live; whoever has it may take so many seconds to end."""
    folder, until, told = home / "gateway", time.monotonic() + patience, False
    while True:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock(folder / "gateway.lock")
        except BlockingIOError:
            if time.monotonic() >= until:
                text = f"Another gateway already serves {home}; use that one or another --home."
                raise GatewayUnavailable(text) from None
            if not told:
                log.info("waiting for the gateway before this one to end")
                told = True
            time.sleep(0.05)
        except OSError as error:
            raise GatewayUnavailable(f"The data folder {home} cannot be written: {error.strerror}.") from None
        else:
            return folder


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)  # whoever is told that we are ready can connect, though we may not yet accept
    except OSError as error:
        raise GatewayUnavailable(f"Port {port} cannot be used: {error.strerror}. Choose another with --port.") from None
    return listener


def _api_key(file: Path | None) -> str:
    if file is not None:
        return file.read_text().strip()
    return os.environ.get("E2B_API_KEY") or "e2b_" + secrets.token_hex(20)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _tell(descriptor: int | None, value: dict[str, object]) -> None:
    """Say to whoever started us, once, how it went."""
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.write(descriptor, json.dumps(value).encode())
            os.close(descriptor)


async def _stop_when_idle(server: _Server, router: Router, sandboxes: Sandboxes, seconds: float) -> None:
    while seconds > 0:
        idle = time.monotonic() - sandboxes.last_used
        if not len(sandboxes) and not router.open_requests and idle >= seconds:
            log.info("idle for %.0f s; ending", idle)
            server.stop()
            return
        await asyncio.sleep(max(0.1, min(seconds - idle, 5.0)))


if __name__ == "__main__":
    sys.exit(main())
