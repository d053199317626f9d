"""What a run shows while it works: a live display in a terminal, plain lines elsewhere, and always log.txt."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from splitsearch.searcher.cli.tables import front_table
from splitsearch.searcher.reporter import Reporter

__all__ = ["make_reporter"]


@contextmanager
def make_reporter(run: Path, mark: str = "run.yaml") -> Iterator[Reporter]:
    """Yields a reporter that writes to stderr, and to `log.txt` once the folder is known by its mark."""
    console = Console(stderr=True)
    log = _Log(run, mark)
    if not console.is_terminal:
        yield PlainReporter(console, log)
        return
    live = LiveReporter(console, log)
    with live.live:
        yield live


class _Log:
    """log.txt of a run; lines from before the folder exists are kept until then."""

    def __init__(self, run: Path, mark: str = "run.yaml") -> None:
        self._run, self._mark = run, mark
        self._waiting: list[str] = []

    def write(self, line: str) -> None:
        self._waiting.append(line)
        if (self._run / self._mark).is_file():
            with (self._run / "log.txt").open("a", encoding="utf-8") as file:
                file.writelines(f"{waiting}\n" for waiting in self._waiting)
            self._waiting.clear()


class PlainReporter:
    """One line per event."""

    def __init__(self, console: Console, log: _Log) -> None:
        self._console, self._log = console, log

    def say(self, text: str) -> None:
        """Prints a sentence."""
        self._log.write(text)
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def progress(self, text: str, done: int, total: int) -> None:
        """Prints at the start, at each tenth and at the end."""
        step = max(1, total // 10)
        if done % step == 0 or done == total:
            self._console.print(f"{text} {done}/{total}", markup=False, highlight=False)

    def trial(self, document: dict[str, Any], text: str, done: int, total: int) -> None:
        """Prints a trial and the size of the front."""
        self.say(f"[{done}/{total}] {text}; front of {len(document['front'])}")


class LiveReporter:
    """A bar for the step under way, a bar for the trials with the time left, and the front as it stands."""

    def __init__(self, console: Console, log: _Log) -> None:
        self._console, self._log = console, log
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._step = self._bars.add_task("starting", total=None)
        self._trials: Any = None
        self.live = Live(self._bars, console=console, refresh_per_second=4, transient=True)

    def say(self, text: str) -> None:
        """Prints a sentence above the display."""
        self._log.write(text)
        self._console.print(text, markup=False, highlight=False)

    def progress(self, text: str, done: int, total: int) -> None:
        """Moves the bar of the step under way."""
        self._bars.update(self._step, description=text, completed=done, total=total, visible=True)

    def trial(self, document: dict[str, Any], text: str, done: int, total: int) -> None:
        """Shows the trial, the bar of all trials and the front."""
        self.say(text)
        if self._trials is None:
            self._bars.update(self._step, visible=False)
            self._trials = self._bars.add_task("trials", total=total)
        self._bars.update(self._trials, completed=done, total=total)
        self.live.update(Group(front_table(document, limit=10), self._bars))
