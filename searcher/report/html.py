"""The report: one HTML file that needs no network, with its figures, scripts and data inside."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.engine.front import against_baselines
from splitsearch.searcher.report.figure import FONT, Figure
from splitsearch.searcher.report.figures import figures_of, map_fault
from splitsearch.searcher.report.page_table import columns, rows
from splitsearch.searcher.report.palette import CANDIDATES, DARK, LIGHT, baseline_role
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.summary import head, provenance, reasons, search_note
from splitsearch.searcher.report.whatif import LOADS, RATES_MBPS, Option, constants, fault, options
from splitsearch.searcher.report.winner_figure import ALLOWED_DROP
from splitsearch.spaces.errors import UserError

__all__ = ["report_html", "write_report"]

_LONG = 60  # characters
_MARK = "\N{START OF HEADING}"
_PAGE = "splitsearch.searcher.report.page"


def write_report(record: Record, path: Path, figures: Sequence[Figure] | None = None) -> None:
    """Writes the report of a run, atomically.

    Raises:
        UserError: the file cannot be written there.
    """
    text = report_html(record, figures_of(record) if figures is None else figures)
    try:
        write_atomic(path, text)
    except OSError as error:
        raise UserError(f"the report '{path}' cannot be written: {error.strerror}") from error


def report_html(record: Record, figures: Sequence[Figure]) -> str:
    """The page; whatever a run's files hold is escaped."""
    found = options(record)
    named = {figure.name: figure for figure in figures}
    fronts = [figure for figure in figures if figure.name.startswith("front_")]
    whatif = None if fault(record, found) or not found else _whatif(record, found, fronts[0])
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    style = environment.from_string(_text("report.css")).render(light=LIGHT, dark=DARK, font=Markup(FONT))
    return environment.from_string(_text("report.html")).render(
        release=version("splitsearch"),
        head=head(record),
        style=Markup(style),
        fronts=fronts,
        latency=named["latency_terms"],
        winner=named.get("winner_map"),
        search=[named[name] for name in ("importance", "hypervolume", "learning_curves") if name in named],
        whatif=whatif,
        whatif_source=_elsewhere(record),
        whatif_note=_trace_note(record),
        map_fault=map_fault(record, found),
        table_note=_table_note(record),
        columns=columns(record),
        rows=rows(record),
        search_note=search_note(record),
        reasons=reasons(record),
        provenance=provenance(record),
        data=_json(_data(figures, whatif)),
        plotly=_script(get_plotlyjs()),
        whatif_script=_script(_text("whatif.js")),
        report_script=_script(_text("report.js")),
    )


def _text(name: str) -> str:
    return (files(_PAGE) / name).read_text(encoding="utf-8")


def _script(text: str) -> Markup:
    """A script inside HTML ends at the first closing tag, also at one inside a string of it."""
    return Markup(text.replace("</script", "<\\/script"))


def _json(data: Any) -> Markup:
    """JSON inside HTML: no `<` may stand in it, or a name could end the element."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _data(figures: Sequence[Figure], whatif: dict[str, Any] | None) -> dict[str, Any]:
    shared: dict[str, int] = {}
    plots = {figure.name: _compact(figure.plot, shared) for figure in figures}
    return {
        "themes": {"light": LIGHT, "dark": DARK},
        "shared": list(shared),
        "figures": [
            {
                "name": f.name,
                "plot": plots[f.name],
                "height": f.height,
                "csv": f.table.to_csv(index=False),
                "short": _short(f),
            }
            for f in figures
        ],
        "whatif": whatif,
    }


def _compact(value: Any, shared: dict[str, int]) -> Any:
    """What is drawn needs no more than six digits; a long text, such as a candidate's in every pair, is kept once.

    Args:
        value: of a figure.
        shared: long texts to their numbers; texts are replaced by `_MARK` and the number.
    """
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, str) and len(value) >= _LONG:
        return f"{_MARK}{shared.setdefault(value, len(shared))}"
    if isinstance(value, dict):
        return {name: _compact(part, shared) for name, part in value.items()}
    return [_compact(part, shared) for part in value] if isinstance(value, list | tuple) else value


def _short(figure: Figure) -> list[str] | None:
    """Names for a narrow screen, where bars need the room."""
    if figure.name != "latency_terms":
        return None
    rows = figure.table.to_dict("records")
    return [row["name"] if row["kind"] == "candidate" else row["what"] for row in rows]


def _whatif(record: Record, found: Sequence[Option], front: Figure) -> dict[str, Any]:
    assert record.target is not None
    baselines = [option.name for option in found if option.trial is None]
    return {
        "constants": constants(record.target),
        "options": [asdict(option) for option in found],
        "teacher_accuracy": record.document["teacher"]["accuracy"],
        "drop": ALLOWED_DROP,
        "rates": RATES_MBPS,
        "loads": LOADS,
        "blues": CANDIDATES,
        "colours": {name: LIGHT[baseline_role(name)] for name in baselines},
        "front": front.name,
        "source": _elsewhere(record),
    }


def _elsewhere(record: Record) -> str:
    """What was measured on one target is a prediction on another."""
    return "predicted" if record.source == "measured" else record.source


def _trace_note(record: Record) -> str:
    if record.target is None or record.target.network.trace is None:
        return ""
    return " The network is a recorded trace: its rates and round trips stay as they are."


def _table_note(record: Record) -> str:
    return (
        f"{against_baselines(record.document)} Beside an accuracy stands its 95 % interval; the "
        "headings sort; the button copies the command that exports a candidate."
    )
