"""The command line of retarget."""

from typing import Any


def test_what_is_no_run_is_refused(command: Any) -> None:
    done = command("retarget", "nothing", "--network", "wifi")
    assert (done.returncode, "no run folder" in done.stderr) == (2, True)
