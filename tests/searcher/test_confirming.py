"""Finalists, from end to end."""

import json
import shutil
from pathlib import Path
from typing import Any


def test_the_front_is_confirmed_once(command: Any, workplace: Path, finished: Path) -> None:
    run = workplace / "confirmed"
    shutil.copytree(finished, run)
    done = command("run", "--resume", "confirmed", "--confirm", "2", "--confirm-epochs", "1")
    assert done.returncode == 0, done.stderr
    document = json.loads((run / "front.json").read_text())
    assert 1 <= len(document["front"]) <= 2
    for entry in document["front"]:
        second = entry["confirmed"]
        low, high = second["accuracy_interval"]
        assert low <= second["accuracy"] == entry["values"]["accuracy"] <= high
        assert (second["seed"], second["epochs"]) == (1, 1)
        assert (run / second["checkpoint"]).is_file()
    assert len(document["search_front"]) >= len(document["front"])
    again = command("run", "--resume", "confirmed", "--confirm", "2", "--confirm-epochs", "1", "--json")
    assert json.loads(again.stdout)["front"] == document["front"]  # seconds too: nothing was trained again
