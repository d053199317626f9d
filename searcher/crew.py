"""Several workers on this machine: started, watched, replaced when they die, while this process keeps the run's files.

Each worker is a process of its own that runs `splitsearch worker`, as it would on another machine.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from splitsearch.profilers.timing import pause
from splitsearch.searcher.engine.keeping import Keeper
from splitsearch.searcher.engine.results import describe, trained_count
from splitsearch.searcher.engine.sharing.artifacts import Artifacts
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.ground import Ground
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.searching import header_of
from splitsearch.spaces.errors import UserError

__all__ = ["STORAGE_VARIABLE", "Crew", "gpu_environment", "worker_name"]

STORAGE_VARIABLE = "SPLITSEARCH_STORAGE"
"""Names the storage to a worker: a command line is for all to see, and a URL may hold a password."""

_POLL = 0.5
_RESTARTS = 3  # of one worker without a trial told in between


def worker_name(folder: Path) -> str:
    """Unique among all workers: a machine's folder holds one at a time."""
    return f"{platform.node()}:{folder.resolve()}"


def gpu_environment(place: int, visible: str | None, count: int) -> dict[str, str]:
    """What a worker's environment says of its GPU, the GPUs going round.

    Args:
        place: of the worker, from 0.
        visible: CUDA_VISIBLE_DEVICES of this process, None if it is not set.
        count: GPUs that this process sees.
    """
    if count == 0:
        return {}
    names = visible.split(",") if visible else [str(number) for number in range(count)]
    return {"CUDA_VISIBLE_DEVICES": names[place % min(count, len(names))].strip()}


@dataclass(slots=True)
class _Member:
    place: int
    folder: Path
    process: "subprocess.Popen[bytes]"
    restarts: int = 0
    told: int = 0
    status: int | None = field(default=None)


class Crew:
    """The workers of one run on this machine.

    Args:
        folder: the run folder.
        study: described, and shared.
        ground: what is known before the first trial.
        reporter: hears what happens.
        artifacts: through which checkpoints travel.
    """

    def __init__(
        self, folder: Path, study: RunStudy, ground: Ground, reporter: Reporter, artifacts: Artifacts | None
    ) -> None:
        self._folder, self._study, self._settings, self._reporter = folder, study, ground.plan.settings, reporter
        self._keeper = Keeper(folder, study, header_of(ground, study.facts), artifacts)
        self._seen: set[int] = set()

    def run(self) -> dict[str, Any]:
        """Works until all workers have ended; returns the front.

        Raises:
            UserError: no worker could do its work.
        """
        self._keeper.begin()
        self._seen = {result.trial for result in self._study.results()}
        members: list[_Member] = []
        try:
            for place in range(self._settings.workers):
                folder = self._folder / "workers" / str(place)
                members.append(_Member(place=place, folder=folder, process=self._start(place, folder)))
            while any(member.status is None for member in members):
                pause(_POLL)
                self._look(members)
        finally:
            _end(members)
        self._report()
        self._study.withdraw()
        if all(member.status for member in members):
            raise UserError(f"no worker could work: {_last_line(members[0].folder)}")
        return self._keeper.finish()

    def _look(self, members: list[_Member]) -> None:
        self._report()
        for member in members:
            status = member.process.poll()
            if member.status is None and status is not None:
                self._ended(member, status)
        self._study.reap()

    def _ended(self, member: _Member, status: int) -> None:
        """A worker that was killed is replaced; what it left running is asked again first."""
        if status >= 0:
            member.status = status
            if status:
                self._reporter.say(f"warning: worker {member.place} ended: {_last_line(member.folder)}")
            return
        self._study.release(worker_name(member.folder))
        told = len(self._study.results())
        member.restarts = member.restarts + 1 if told == member.told else 1
        member.told = told
        if member.restarts > _RESTARTS:
            self._reporter.say(f"warning: worker {member.place} was killed {member.restarts} times: it is given up")
            member.status = 1
            return
        self._reporter.say(f"worker {member.place} was killed by signal {-status}: another takes its place")
        member.process = self._start(member.place, member.folder)

    def _start(self, place: int, folder: Path) -> "subprocess.Popen[bytes]":
        folder.parent.mkdir(parents=True, exist_ok=True)
        settings = self._settings
        command = [sys.executable, "-m", "splitsearch", "worker", "--study", self._study.place.study]
        command += ["--out", str(folder.resolve()), "--directory", settings.directory]
        command += ["--device", settings.device] if settings.device else []
        for flag, value in (("--cache-dir", settings.cache_dir), ("--data-dir", settings.data_dir)):
            command += [flag, str(settings.path(value).resolve())] if value else []
        artifacts = settings.artifacts or str((self._folder / "artifacts").resolve())
        command += ["--artifacts", artifacts if "://" in artifacts else str(settings.path(artifacts).resolve())]
        with _errors(folder).open("ab") as errors:
            return subprocess.Popen(
                command,
                env=self._environment(place),
                stdout=subprocess.DEVNULL,
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )

    def _environment(self, place: int) -> Mapping[str, str]:
        threads = max(1, (os.cpu_count() or 1) // self._settings.workers)
        own = {
            STORAGE_VARIABLE: self._study.place.url,
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
        }
        # A GPU that was named by its number is the one for all; else they go round.
        count = 0 if ":" in (self._settings.device or "") else torch.cuda.device_count()
        gpus = gpu_environment(place, os.environ.get("CUDA_VISIBLE_DEVICES"), count)
        return os.environ | own | gpus

    def _report(self) -> None:
        document = self._keeper.update()
        results = self._study.results()
        done = trained_count(results)
        for result in results:
            if result.trial not in self._seen:
                self._seen.add(result.trial)
                self._reporter.trial(document, describe(result), done, max(done, self._settings.trials))


def _end(members: list[_Member]) -> None:
    """Asks who still works to stop, and waits: an interrupted worker hands its trial back."""
    for member in members:
        if member.process.poll() is None:
            member.process.terminate()
    for member in members:
        try:
            member.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            member.process.kill()
            member.process.wait()


def _errors(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.txt")


def _last_line(folder: Path) -> str:
    lines = _errors(folder).read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1].removeprefix("splitsearch: ") if lines else "it said nothing"
