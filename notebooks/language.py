"""Which language a notebook is written in, and the names that papermill asks an engine for."""

from __future__ import annotations

from typing import Any

from papermill.engines import Engine

from notebooks.errors import BadNotebook


class PythonEngine(Engine):  # type: ignore[misc]  # papermill carries no types
    """An engine for which a notebook that does not say otherwise is one of Python."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """The kernel's name; a notebook that names none is taken for Python."""
        return name or nb.metadata.get("kernelspec", {}).get("name") or "python3"

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """The notebook's language, Python if it names none."""
        return language or language_of(nb) or "python"


def check_language(notebook: Any, kernel_name: str | None = None) -> None:
    """Raise BadNotebook for a notebook of another language than Python, or for a kernel of one."""
    own = notebook.metadata.get("kernelspec", {}).get("name")
    name = kernel_name or own or "python3"
    language = language_of(notebook) if own in (None, name) else None
    language = (language or _language_of_kernel(name)).lower()
    if language != "python":
        raise BadNotebook(
            f"This notebook is for the kernel {name} ({language}), and Gristmill runs notebooks of Python. "
            "Run it with `papermill` and no `--engine`, or choose a Python kernel for it."
        )


def language_of(notebook: Any) -> str | None:
    """The language that a notebook says it is written in."""
    metadata = notebook.metadata
    said = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    return str(said) if said else None


def _language_of_kernel(name: str) -> str:
    """The language of a kernel that is only named: what its name says, or else its kernelspec on this machine."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    if "py" in name.lower():
        return "python"
    try:
        return str(KernelSpecManager().get_kernel_spec(name).language)
    except NoSuchKernel:
        return "a language unknown here"
