"""Lets any Jupyter client run its kernels in our sandboxes: the kernel provisioner of `gristmill-sandbox`.

JupyterLab, nbclient, `jupyter console` and papermill choose it by a kernelspec that `install` writes. The kernel sees
the sandbox only: not the client's folder, but for the files that GRISTMILL_KERNEL_FILES names, nor its environment.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.connect import port_names
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Integer, Unicode

from kernel_gateway.errors import GatewayError
from kernel_gateway.remote_kernel import Order, RemoteKernel

KERNEL = "gristmill-sandbox"
_LEASE_SECONDS = 300


class KernelFiles(GatewayError):
    """GRISTMILL_KERNEL_FILES names what is not there."""


class SandboxProvisioner(KernelProvisionerBase):  # type: ignore[misc]
    """Starts the kernel of a kernelspec in a sandbox, and forwards its sockets to it.

    A restart keeps the sandbox and the files in it; the end of the kernel, or of its client, ends the sandbox.
    """

    home = Unicode(help="The data folder whose gateway is used; GRISTMILL_HOME wins over it.").tag(config=True)
    template = Unicode(help="The environment to run in; none is the default one.").tag(config=True)
    lease = Integer(_LEASE_SECONDS, help="Seconds that a sandbox outlives a client that died.").tag(config=True)

    _remote: RemoteKernel | None = None
    _running = False
    _listening: tuple[int, ...] = ()

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel whose end has not been waited for."""
        return self._running

    async def poll(self) -> int | None:
        """The kernel's exit status, None while it runs."""
        return 0 if self._remote is None else self._remote.status

    async def wait(self) -> int | None:
        """Return the exit status when the kernel has ended."""
        while (status := await self.poll()) is None:  # noqa: ASYNC110 - the kernel ends on another loop
            await asyncio.sleep(0.05)
        self._running = False
        return status

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel's process group, inside."""
        if self._remote is not None and signum:
            await self._remote.call(self._remote.send_signal(signum))

    async def kill(self, restart: bool = False) -> None:
        """End the kernel at once; the sandbox goes with `cleanup`."""
        await self.send_signal(9)

    async def terminate(self, restart: bool = False) -> None:
        """Ask the kernel to end."""
        await self.send_signal(15)

    async def cleanup(self, restart: bool = False) -> None:
        """End the sandbox, unless another kernel is about to start in it."""
        if self._remote is not None and not restart:
            remote, self._remote = self._remote, None
            self._running, self._listening = False, ()
            await remote.call(remote.close())
            remote.stop()
            atexit.unregister(remote.abandon)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Listen on the sockets that clients will connect to, and write the connection file that names them."""
        manager = self.parent
        ports = tuple(getattr(manager, name) for name in port_names)
        if self._remote is None:
            folder = Path(kwargs.get("cwd") or os.getcwd())
            self._remote = RemoteKernel(
                Path(os.environ.get("GRISTMILL_HOME") or self.home or Path.home() / ".gristmill"),
                os.environ.get("GRISTMILL_ISOLATION") or "bubblewrap",
                self.template or None,
                self.lease,
                lambda: list(chosen_files(os.environ.get("GRISTMILL_KERNEL_FILES", ""), folder)),
                self.log.debug,
                self.log.warning,
            )
            atexit.register(self._remote.abandon)
        if ports != self._listening:
            try:
                await self._remote.call(self._remote.listen(self._bind(manager)))
            except OSError:
                await self.cleanup()
                raise
            self._listening = tuple(getattr(manager, name) for name in port_names)
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        command = [*self.kernel_spec.argv, *kwargs.pop("extra_arguments", [])]
        ready: dict[str, Any] = await super().pre_launch(cmd=command, **kwargs)
        return ready

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Start the kernel in its sandbox; raises this room's errors when that does not work."""
        assert self._remote is not None
        key = self.connection_info["key"]
        connection = {
            "key": key.decode() if isinstance(key, bytes) else str(key),
            "signature_scheme": str(self.connection_info["signature_scheme"]),
            "kernel_name": str(self.connection_info.get("kernel_name", "")),
        }
        # Of the client's environment only what the kernelspec itself names.
        env = {name: kwargs["env"][name] for name in self.kernel_spec.env}
        try:
            await self._remote.call(self._remote.start(Order(tuple(cmd), env, connection)))
        except BaseException:
            await self.cleanup()
            raise
        self._running = True
        info: dict[str, Any] = self.connection_info
        return info

    async def get_provisioner_info(self) -> dict[str, Any]:
        """Beside what every provisioner tells, the sandbox's id."""
        told: dict[str, Any] = await super().get_provisioner_info()
        return told | {"sandbox_id": self._remote.sandbox_id if self._remote else None}

    def _bind(self, manager: Any) -> dict[str, socket.socket]:
        """A socket for each channel, listening where the manager's connection file will say."""
        channels = {name: name.removesuffix("_port") for name in port_names}
        if manager.transport == "ipc":
            manager.write_connection_file()
            return {channel: _unix(f"{manager.ip}-{getattr(manager, name)}") for name, channel in channels.items()}
        sockets = {}
        for name, channel in channels.items():
            sockets[channel] = socket.create_server((manager.ip, getattr(manager, name)))
            setattr(manager, name, sockets[channel].getsockname()[1])
        return sockets


def _unix(path: str) -> socket.socket:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    Path(path).unlink(missing_ok=True)
    one.bind(path)
    one.listen()
    return one


def chosen_files(patterns: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files that `patterns` name, as (file, path in the sandbox's home).

    Patterns are separated as in PATH and relative to `folder`, the kernel's working folder; `*` and `**` mean what they
    mean to a shell, and a folder means all files in it. What lies in `folder` keeps its place, anything else comes to
    the top. Raises `KernelFiles` for a pattern that nothing fits.
    """
    import glob

    for pattern in filter(None, patterns.split(os.pathsep)):
        found = [Path(place) for place in glob.glob(str(folder / Path(pattern).expanduser()), recursive=True)]
        if not found:
            raise KernelFiles(f"GRISTMILL_KERNEL_FILES names {pattern!r}, and nothing in {folder} fits that.")
        for place in found:
            base = folder if place.is_relative_to(folder) else place.parent
            files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
            yield from ((file, file.relative_to(base).as_posix()) for file in files)


def install(home: Path, *, template: str | None = None, user: bool = False, prefix: str | None = None) -> Path:
    """Write the kernelspec, for this Python environment if neither `user` nor `prefix` says otherwise.

    It holds no secret: the gateway is found by way of `home`. Returns its folder.
    """
    config: dict[str, Any] = {"home": str(home)} | ({"template": template} if template else {})
    spec = {
        "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"Python 3 (sandbox{', ' + template if template else ''})",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"kernel_provisioner": {"provisioner_name": KERNEL, "config": config}},
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernel.json").write_text(json.dumps(spec, indent=1))
        where = None if user else (prefix or sys.prefix)
        made = KernelSpecManager().install_kernel_spec(folder, _name(template), user=user, prefix=where)
    return Path(made)


def remove(template: str | None = None) -> Path | None:
    """Remove the kernelspec that Jupyter finds first; returns the folder that it was in, None when there is none."""
    manager = KernelSpecManager()
    try:
        folder = Path(manager.get_kernel_spec(_name(template)).resource_dir)
    except NoSuchKernel:
        return None
    shutil.rmtree(folder)
    return folder


def _name(template: str | None) -> str:
    return f"{KERNEL}-{template}" if template else KERNEL
