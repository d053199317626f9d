"""A real PostgreSQL, and a search whose trainings are waits, as the benchmarks have them."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from splitsearch.searcher.engine.sharing.place import Place

sys.path.insert(0, str(Path(__file__).parents[4] / "benchmarks"))


@pytest.fixture(scope="session")
def database() -> Iterator[Callable[[str], Place]]:
    """Makes a database of its own for each test; skipped where no server is installed, but never in CI."""
    from postgres import Postgres, binaries

    if binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL is installed, and CI needs one")
        pytest.skip("no PostgreSQL is installed")
    server = Postgres(durable=False)
    try:
        server.start()
        yield lambda name: Place(url=server.create(name), beat_seconds=1, grace_seconds=2)
    finally:
        server.stop()
