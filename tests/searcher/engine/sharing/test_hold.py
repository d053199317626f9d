"""One process at a time in a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from splitsearch.searcher.engine.sharing.hold import hold
from splitsearch.spaces.errors import UserError

HOLDER = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print(flush=True)
time.sleep(60)
"""


def test_the_second_is_refused_and_the_next_is_not(tmp_path: Path) -> None:
    with hold(tmp_path / "run"), pytest.raises(UserError, match="another process works in"), hold(tmp_path / "run"):
        pass
    with hold(tmp_path / "run"):
        pass


def test_the_lock_dies_with_its_owner(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UserError), hold(tmp_path):
            pass
        holder.kill()
        holder.wait()
        with hold(tmp_path):
            pass
