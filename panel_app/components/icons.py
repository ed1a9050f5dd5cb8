"""The few drawings that the dashboard uses, each on a 20 by 20 grid and in the colour of its text."""

from __future__ import annotations

from markupsafe import Markup

_PATHS = {
    "mill": '<circle cx="10" cy="10" r="7.6"/><circle cx="10" cy="10" r="2"/>'
    '<path d="M10 2.4v3.2M10 14.4v3.2M2.4 10h3.2M14.4 10h3.2M4.7 4.7l2 2M13.3 13.3l2 2M15.3 4.7l-2 2M6.7 13.3l-2 2"/>',
    "upload": '<path d="M10 13V4M6.5 7.2 10 3.8l3.5 3.4M4 13.5v2.3h12v-2.3"/>',
    "download": '<path d="M10 3.8V13M6.5 9.8 10 13.2l3.5-3.4M4 15.8h12"/>',
    "arrow": '<path d="M4 10h11M11 6l4 4-4 4"/>',
    "check": '<path d="m4.5 10.5 3.6 3.6 7.4-8"/>',
    "cross": '<path d="m5.5 5.5 9 9M14.5 5.5l-9 9"/>',
    "stop": '<rect x="5.5" y="5.5" width="9" height="9" rx="1.5"/>',
    "pause": '<path d="M7 5v10M13 5v10"/>',
    "play": '<path d="M6.5 4.6v10.8l8.6-5.4z"/>',
    "again": '<path d="M15.6 8.2A6 6 0 1 0 16 11M16 4.2v4.2h-4.2"/>',
    "file": '<path d="M5.5 2.8h6l3.5 3.6v10.8h-9.5zM11.3 3v3.6h3.5"/>',
    "table": '<rect x="3" y="4" width="14" height="12" rx="1.5"/><path d="M3 8h14M3 12h14M8 8v8"/>',
    "plot": '<path d="M3.5 3.5v13h13"/><path d="m6 12.5 3-4 3 2.5 4-5.5"/>',
    "notebook": '<rect x="4.5" y="3" width="12" height="14" rx="1.5"/><path d="M7.8 3v14M3 6.5h3M3 10h3M3 13.5h3"/>',
    "report": '<path d="M5 2.8h10v14.4H5z"/><path d="M7.6 6.5h4.8M7.6 9.6h4.8M7.6 12.7h2.8"/>',
    "warning": '<path d="M10 3.4 17.4 16H2.6zM10 8.2v3.6M10 13.8v.2"/>',
    "clock": '<circle cx="10" cy="10" r="7"/><path d="M10 6v4.3l2.8 1.7"/>',
    "sun": '<circle cx="10" cy="10" r="3.4"/><path d="M10 2.6v1.8M10 15.6v1.8M2.6 10h1.8M15.6 10h1.8M4.8 4.8 6 6'
    'M14 14l1.2 1.2M15.2 4.8 14 6M6 14l-1.2 1.2"/>',
    "moon": '<path d="M16 12.2A6.6 6.6 0 0 1 7.8 4a6.6 6.6 0 1 0 8.2 8.2z"/>',
    "auto": '<circle cx="10" cy="10" r="6.6"/><path d="M10 3.4a6.6 6.6 0 0 1 0 13.2z" fill="currentColor"/>',
    "search": '<circle cx="8.8" cy="8.8" r="5"/><path d="m12.6 12.6 4 4"/>',
    "copy": '<rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M4 13V4.8c0-.5.3-.8.8-.8H13"/>',
    "pen": '<path d="m4 16 .8-3.4L13.4 4l2.6 2.6-8.6 8.6zM11.6 5.8l2.6 2.6"/>',
    "dots": '<path d="M4.5 10h.1M10 10h.1M15.5 10h.1" stroke-width="2.6"/>',
    "undo": '<path d="M7.6 4.4 4 8l3.6 3.6M4 8h7.8a4.2 4.2 0 0 1 0 8.4h-3"/>',
    "redo": '<path d="M12.4 4.4 16 8l-3.6 3.6M16 8H8.2a4.2 4.2 0 0 0 0 8.4h3"/>',
    "branch": '<circle cx="6" cy="4.8" r="1.8"/><circle cx="6" cy="15.2" r="1.8"/><circle cx="14" cy="7" r="1.8"/>'
    '<path d="M6 6.6v6.8M14 8.8c0 3-5 2.4-7.2 4.8"/>',
    "question": '<circle cx="10" cy="10" r="7"/><path d="M8 8.2c0-2.6 4-2.6 4 0 0 1.6-2 1.8-2 3.4M10 13.8v.1"/>',
    "shield": '<path d="M10 2.8 16 5v4.6c0 3.6-2.4 6.3-6 7.6-3.6-1.3-6-4-6-7.6V5z"/><path d="m7.4 10 2 2 3.4-3.8"/>',
    "plus": '<path d="M10 4.5v11M4.5 10h11"/>',
    "up": '<path d="M10 15.5v-11M5.8 8.6 10 4.4l4.2 4.2"/>',
    "down": '<path d="M10 4.5v11M5.8 11.4l4.2 4.2 4.2-4.2"/>',
    "bin": '<path d="M4.5 6h11M8 6V4h4v2M6 6l.7 10.4h6.6L14 6M8.7 9v4.5M11.3 9v4.5"/>',
    "gear": '<path d="M3 6.5h7M14 6.5h3M3 13.5h3M10 13.5h7"/><circle cx="12" cy="6.5" r="1.9"/>'
    '<circle cx="8" cy="13.5" r="1.9"/>',
}


def icon(name: str) -> Markup:
    """A drawing by name; it is decoration, so the words beside it must say the same."""
    return Markup(
        f'<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" '
        f'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">{_PATHS[name]}</svg>'
    )


def file_icon(role: str) -> Markup:
    """The drawing for an artifact's role."""
    names = {"plot": "plot", "table": "table", "notebook": "notebook", "report": "report", "input": "table"}
    return icon(names.get(role, "file"))
