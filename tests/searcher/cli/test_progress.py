"""What a run shows."""

import io
import json
from pathlib import Path

from rich.console import Console

from splitsearch.searcher.cli.progress import LiveReporter, PlainReporter, _Log, make_reporter


def test_plain_lines_and_a_log_once_the_folder_exists(tmp_path: Path) -> None:
    stream = io.StringIO()
    reporter = PlainReporter(Console(file=stream), _Log(tmp_path))
    reporter.say("before")
    assert not (tmp_path / "log.txt").exists()
    (tmp_path / "run.yaml").touch()
    reporter.trial({"front": [1, 2]}, "trial 0", 1, 3)
    assert (tmp_path / "log.txt").read_text() == "before\n[1/3] trial 0; front of 2\n"
    assert stream.getvalue().splitlines() == ["before", "[1/3] trial 0; front of 2"]


def test_progress_is_told_in_tenths(tmp_path: Path) -> None:
    stream = io.StringIO()
    reporter = PlainReporter(Console(file=stream), _Log(tmp_path))
    for done in range(101):
        reporter.progress("costs", done, 100)
    assert len(stream.getvalue().splitlines()) == 11


def test_a_terminal_sees_bars_and_the_front(tmp_path: Path, finished: Path) -> None:
    document = json.loads((finished / "front.json").read_text())
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    reporter = LiveReporter(console, _Log(tmp_path))
    reporter.progress("teacher", 1, 5)
    reporter.trial(document, "trial 0", 1, 30)
    console.print(reporter.live.renderable)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "trials" in shown
    assert "1/30" in shown
    assert "Front of" in shown


def test_without_a_terminal_lines_are_plain(tmp_path: Path) -> None:
    with make_reporter(tmp_path) as reporter:
        assert isinstance(reporter, PlainReporter)
