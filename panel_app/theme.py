"""The dashboard's colours, in light and in dark, and the style sheet that uses them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

# Every pair of text and ground that the style sheet forms reaches a contrast of 4.5 to 1 (WCAG AA).
LIGHT = {
    "ground": "#f7f6f3",
    "card": "#ffffff",
    "sunken": "#f3f1ec",
    "line": "#e3e0d8",
    "line-strong": "#cbc6ba",
    "ink": "#1e2227",
    "soft": "#4d545c",
    "quiet": "#686e75",
    "accent": "#17645c",
    "accent-strong": "#0f4d47",
    "accent-wash": "#e4f0ee",
    "on-accent": "#ffffff",
    "wheat": "#a8641a",
    "good": "#1f6b3a",
    "good-wash": "#e5f2e8",
    "busy": "#23589c",
    "busy-wash": "#e6eef9",
    "warn": "#85520a",
    "warn-wash": "#fbf0dc",
    "bad": "#a52a2a",
    "bad-wash": "#fae9e7",
    "shadow": "0 1px 2px rgb(40 36 28 / 6%), 0 4px 16px rgb(40 36 28 / 5%)",
    "sheet": "#ffffff",
    "chart": "none",
    "code-keyword": "#8a2f73",
    "code-string": "#1f6b3a",
    "code-number": "#9a4a12",
    "code-comment": "#646970",
    "code-name": "#23589c",
    "code-error": "#a52a2a",
}
DARK = {
    "ground": "#14171a",
    "card": "#1c2024",
    "sunken": "#171a1e",
    "line": "#2d3237",
    "line-strong": "#454c53",
    "ink": "#e7e9eb",
    "soft": "#b6bcc2",
    "quiet": "#949ba2",
    "accent": "#5cbcae",
    "accent-strong": "#84d3c7",
    "accent-wash": "#1b312f",
    "on-accent": "#0c1b19",
    "wheat": "#d9a05b",
    "good": "#6fc48a",
    "good-wash": "#1a2e21",
    "busy": "#82b1ee",
    "busy-wash": "#1b2a3e",
    "warn": "#e0b062",
    "warn-wash": "#33290f",
    "bad": "#f0908a",
    "bad-wash": "#3a2020",
    "shadow": "0 1px 2px rgb(0 0 0 / 30%), 0 4px 16px rgb(0 0 0 / 22%)",
    "sheet": "#1f1f1f",
    "chart": "invert(.88) hue-rotate(180deg)",  # what is drawn on white turns dark and keeps its hues
    "code-keyword": "#d49ac6",
    "code-string": "#8cc99d",
    "code-number": "#e2ab7b",
    "code-comment": "#8b929a",
    "code-name": "#8fb8ee",
    "code-error": "#f0908a",
}


@cache
def style_sheet() -> str:
    """All of the page's CSS. `data-theme` on the root element is `light` or `dark`; without it the system decides."""
    light = ";".join(f"--{name}:{value}" for name, value in LIGHT.items())
    dark = ";".join(f"--{name}:{value}" for name, value in DARK.items())
    return (
        f":root{{color-scheme:light;{light}}}\n"
        f':root[data-theme="dark"]{{color-scheme:dark;{dark}}}\n'
        f'@media(prefers-color-scheme:dark){{:root:not([data-theme="light"]){{color-scheme:dark;{dark}}}}}\n'
        + (Path(__file__).parent / "theme.css").read_text(encoding="utf-8")
    )
