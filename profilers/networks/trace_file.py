"""Traces as CSV files: what a logger writes, read leniently where names differ and strictly where numbers are wrong.

The first line names the columns, in any order; others beside them are ignored. A name holds a word for what it is and
may hold a unit: `time_s`, `Time (ms)`, `timestamp`; `uplink_mbps`, `UL kbit/s`, `upload`; `rtt_ms`, `ping`. Without a
unit, times are seconds, rates Mbit/s and round trips milliseconds. Empty lines and lines that begin with # are skipped.
"""

import csv
import math
import re
from pathlib import Path

from splitsearch.profilers.networks.trace import Trace, find_fault
from splitsearch.spaces.errors import UserError

__all__ = ["read_trace"]

_COLUMNS = {
    "time_s": {"time", "timestamp", "t", "elapsed", "seconds"},
    "uplink_mbps": {"uplink", "upload", "up", "ul"},
    "rtt_ms": {"rtt", "ping", "latency"},
}
_UNITS = {
    "time_s": {"s": 1.0, "ms": 1e-3, "min": 60.0},
    "uplink_mbps": {"mbps": 1.0, "kbps": 1e-3, "gbps": 1e3, "bps": 1e-6},
    "rtt_ms": {"ms": 1.0, "s": 1e3, "us": 1e-3},
}
_RATE = re.compile(r"([kmg]?)b(?:it)?s?(?:/|_?per_?)s(?:ec(?:ond)?)?\b")
_LEAST = {"time_s": -math.inf, "uplink_mbps": 0.0, "rtt_ms": math.ulp(0.0)}


def read_trace(path: Path) -> Trace:
    """Reads a trace.

    Raises:
        UserError: the file cannot be read, a column is missing or named twice, or a row is wrong; names the line.
    """
    lines = _lines(path)
    if not lines:
        raise UserError(f"network trace {path}: is empty")
    header = lines[0][1]
    delimiter = max(",;\t", key=header.count)
    columns = _columns(path, next(csv.reader([header], delimiter=delimiter)))
    rows: dict[str, list[float]] = {name: [] for name in columns}
    for number, line in lines[1:]:
        cells = next(csv.reader([line], delimiter=delimiter))
        for name, (place, header_name, factor) in columns.items():
            cell = cells[place].strip() if place < len(cells) else ""
            rows[name].append(_number(f"network trace {path}: line {number}", name, header_name, cell, factor))
    fault = find_fault(rows["time_s"], rows["uplink_mbps"])
    if fault is not None:
        where = "" if fault[0] is None else f"line {lines[fault[0] + 1][0]}: "
        raise UserError(f"network trace {path}: {where}{fault[1]}")
    return Trace(**{name: tuple(values) for name, values in rows.items()})


def _lines(path: Path) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"network trace {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"network trace {path}: is no text in UTF-8") from error
    numbered = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]


def _columns(path: Path, header: list[str]) -> dict[str, tuple[int, str, float]]:
    """Column to its place, its name in the file, and the factor to our unit."""
    found: dict[str, tuple[int, str, float]] = {}
    for place, name in enumerate(header):
        words = re.findall(r"[a-z]+", _RATE.sub(r"\1bps", name.lower()))
        column = next((ours for ours, known in _COLUMNS.items() if known & set(words)), None)
        if column is None:
            continue
        if column in found:
            twice = f"'{found[column][1]}' and '{name.strip()}'"
            raise UserError(f"network trace {path}: {twice} both look like the column {column}; rename one")
        factor = next((_UNITS[column][word] for word in reversed(words) if word in _UNITS[column]), 1.0)
        found[column] = (place, name.strip(), factor)
    missing = next((name for name in _COLUMNS if name not in found), None)
    if missing is not None:
        given = ", ".join(name.strip() for name in header)
        wanted = ",".join(_COLUMNS)
        raise UserError(
            f"network trace {path}: the first line names no column {missing}: {wanted} are needed, not {given}"
        )
    return found


def _number(place: str, column: str, header: str, cell: str, factor: float) -> float:
    if not cell:
        raise UserError(f"{place}: no value for '{header}'; fill the gap or cut the trace there")
    try:
        value = float(cell) * factor
    except ValueError as error:
        raise UserError(f"{place}: '{header}' is '{cell}', which is no number") from error
    if not math.isfinite(value) or value < _LEAST[column]:
        wanted = {"time_s": "finite", "uplink_mbps": "0 or more", "rtt_ms": "more than 0"}[column]
        raise UserError(f"{place}: '{header}' is {cell}; it should be {wanted}")
    return value
