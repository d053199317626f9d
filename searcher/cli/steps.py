"""What a command shows that takes minutes and has no run folder: one bar for the step under way, on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["steps"]

Steps = Callable[[str, int, int], None]


@contextmanager
def steps() -> Iterator[Steps]:
    """Yields what is called with the step, how much of it is done, and of how much."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("starting", total=None)
        yield lambda what, done, total: bars.update(task, description=what, completed=done, total=total)


def _lines(console: Console) -> Steps:
    """A line when a step begins and ends."""

    def say(what: str, done: int, total: int) -> None:
        if done in (0, total):
            console.print(f"{what} {done}/{total}", markup=False, highlight=False)

    return say
