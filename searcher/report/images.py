"""Files of each figure: its numbers always, its picture where a browser can draw it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from splitsearch.searcher.engine.files import write_atomic, write_bytes_atomic
from splitsearch.searcher.report.figure import Figure
from splitsearch.spaces.errors import UserError

__all__ = ["WIDTH", "write_figures"]

WIDTH = 960
"""Pixels of a picture in a file; PNG has twice as many."""

_TITLE = 44


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
    if find_spec("kaleido") is None:
        return written, 'SVG and PNG need kaleido: pip install "splitsearch[figures]"'
    try:
        return [*written, *_write_pictures(figures, folder)], ""
    except Exception as error:  # of another program, the browser: whatever it says, the numbers are there
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return written, f"SVG and PNG need Chromium or Chrome, which did not do it: {first}"


def _write_table(figure: Figure, folder: Path) -> Path:
    path = folder / f"{figure.name}.csv"
    write_atomic(path, figure.table.to_csv(index=False))
    return path


def _write_pictures(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """One browser draws all."""
    import kaleido

    paths = []
    kaleido.start_sync_server(n=1, silence_warnings=True)
    try:
        for figure in figures:
            for kind, scale in (("svg", 1), ("png", 2)):
                options = {"format": kind, "width": WIDTH, "height": figure.height + _TITLE, "scale": scale}
                path = folder / f"{figure.name}.{kind}"
                write_bytes_atomic(path, kaleido.calc_fig_sync(_titled(figure), opts=options))
                paths.append(path)
    finally:
        kaleido.stop_sync_server(silence_warnings=True)
    return paths


def _titled(figure: Figure) -> dict[str, Any]:
    """A file stands alone, so its title stands in it."""
    layout = figure.plot["layout"]
    place = {"x": 0, "xref": "paper", "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 16}}
    title = {"text": figure.title, "font": {"size": 17}} | place
    margin = layout["margin"] | {"t": layout["margin"]["t"] + _TITLE}
    size = {"width": WIDTH, "height": figure.height + _TITLE}
    legend = layout["legend"] | {"yref": "container", "y": 0.01, "yanchor": "bottom"}  # the top belongs to the title
    return {
        "data": figure.plot["data"],
        "layout": layout | size | {"title": title, "margin": margin, "legend": legend},
    }
