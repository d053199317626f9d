"""Colours of figures and page by what they mean, light and dark, so that a reader learns each of them once.

Splits are blue, the device alone is green, image files are orange and violet, raw pixels brown; stages of a latency are
told apart by lightness too. Text reaches a contrast of 4.5 : 1 with its page in both themes (WCAG 2.1, 1.4.3).
"""

__all__ = ["CANDIDATES", "DARK", "LIGHT", "baseline_role", "contrast"]

LIGHT = {
    "page": "#ffffff",
    "panel": "#f6f8fa",
    "ink": "#1f2328",
    "muted": "#57606a",
    "grid": "#e3e7ec",
    "axis": "#8c959f",
    "other": "#aab4bf",
    "front": "#0a58b0",
    "front_soft": "#8fb9e6",
    "local": "#1a7f37",
    "model": "#4a8f2a",
    "raw": "#7a5230",
    "jpeg": "#b45309",
    "webp": "#7c3fc4",
    "head": "#2f6fb1",
    "encode": "#9cc3e8",
    "round_trip": "#d98f2b",
    "uplink": "#b54a1c",
    "network_rest": "#efcf9c",
    "queue": "#a33a5b",
    "tail": "#3f8f74",
}
"""Role to colour on a white page."""

DARK = {
    "page": "#0f1318",
    "panel": "#171d24",
    "ink": "#e6edf3",
    "muted": "#9aa7b4",
    "grid": "#29313a",
    "axis": "#6f7b87",
    "other": "#525d69",
    "front": "#6cb0ff",
    "front_soft": "#34618f",
    "local": "#56c271",
    "model": "#9ccc65",
    "raw": "#d0a27a",
    "jpeg": "#f2a14a",
    "webp": "#bb98f5",
    "head": "#5c9ee0",
    "encode": "#2c567f",
    "round_trip": "#e6a94e",
    "uplink": "#e07b45",
    "network_rest": "#7a5c2b",
    "queue": "#d66c8f",
    "tail": "#5fbf9f",
}
"""The same roles on a dark page."""

CANDIDATES = ("#0b5cba", "#5b9bd8", "#123a66", "#2aa5b5", "#84aede", "#5566c8", "#0f6b78", "#a9c8e8")
"""Blues that tell candidates apart where several of them win, none of them a role of its own."""


def baseline_role(name: str) -> str:
    """The role of a baseline, by its name in front.json."""
    for start, role in (("server_jpeg", "jpeg"), ("server_webp", "webp"), ("server", "raw"), ("local_", "model")):
        if name.startswith(start):
            return role
    return "local"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours `#rrggbb`, between 1 and 21 (WCAG 2.1, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
