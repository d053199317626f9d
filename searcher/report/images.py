"""Files of each figure: its numbers always, its picture where a browser can draw it."""

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go

from splitsearch.searcher.engine.files import write_atomic, write_bytes_atomic
from splitsearch.searcher.report.figure import Figure
from splitsearch.spaces.errors import UserError

__all__ = ["WIDTH", "write_figures"]

WIDTH = 960
"""Pixels of a picture in a file; PNG has twice as many."""


def write_figures(figures: Sequence[Figure], folder: Path) -> tuple[list[Path], str]:
    """Writes `<name>.csv`, and `<name>.svg` and `<name>.png` where that can be done.

    Args:
        figures: of a run.
        folder: is made where it does not exist.

    Returns:
        What was written, and why no picture was; empty if pictures were.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [_write_table(figure, folder) for figure in figures]
    except OSError as error:
        raise UserError(f"the folder '{folder}' cannot be written: {error.strerror}") from error
    missing = _missing()
    if missing:
        return written, missing
    try:
        for figure in figures:
            written += _write_pictures(figure, folder)
    except (RuntimeError, OSError, ValueError) as error:  # of the browser: whatever it says, the numbers are there
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return written, f"the browser that draws SVG and PNG failed: {first}"
    return written, ""


def _write_table(figure: Figure, folder: Path) -> Path:
    path = folder / f"{figure.name}.csv"
    write_atomic(path, figure.table.to_csv(index=False))
    return path


def _missing() -> str:
    """What drawing lacks."""
    try:
        import kaleido  # noqa: F401
        from choreographer.browsers.chromium import get_browser_path
    except ImportError:
        return 'SVG and PNG need kaleido, which `pip install "splitsearch[figures]"` brings, and Chromium or Chrome'
    del get_browser_path
    return ""


def _write_pictures(figure: Figure, folder: Path) -> list[Path]:
    drawn = go.Figure(figure.plot)
    drawn.update_layout(title={"text": figure.title, "x": 0, "xref": "paper", "font": {"size": 17}})
    drawn.update_layout(margin={**(figure.plot["layout"].get("margin") or {}), "t": 60}, width=WIDTH)
    paths = []
    for format, scale in (("svg", 1), ("png", 2)):
        path = folder / f"{figure.name}.{format}"
        write_bytes_atomic(path, drawn.to_image(format=format, width=WIDTH, height=figure.height + 48, scale=scale))
        paths.append(path)
    return paths
