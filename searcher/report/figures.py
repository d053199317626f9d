"""All figures of a run, in the order in which a reader wants them."""

from collections.abc import Sequence

from splitsearch.searcher.report.curves_figure import curves_figure
from splitsearch.searcher.report.figure import Figure
from splitsearch.searcher.report.front_figure import front_figures
from splitsearch.searcher.report.importance_figure import importance_figure
from splitsearch.searcher.report.latency_figure import latency_figure
from splitsearch.searcher.report.progress_figure import progress_figure
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.whatif import Option, fault, options
from splitsearch.searcher.report.winner_figure import winner_figure

__all__ = ["figures_of", "map_fault"]


def map_fault(record: Record, found: Sequence[Option]) -> str:
    """Why there is no winner map; empty if there is one."""
    reason = fault(record, found)
    if not reason and record.target is not None and record.target.network.trace is not None:
        return f"The network '{record.target.network.name}' is a trace, which has its own rates."
    return reason


def figures_of(record: Record) -> list[Figure]:
    """What can be drawn of a run; a figure that lacks its data is left out."""
    found = options(record)
    figures: list[Figure | None] = [*front_figures(record), latency_figure(record)]
    if record.target is not None and found and not map_fault(record, found):
        figures.append(winner_figure(record, found, record.target))
    figures += [importance_figure(record), progress_figure(record), curves_figure(record)]
    return [figure for figure in figures if figure is not None]
