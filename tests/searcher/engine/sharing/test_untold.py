"""Results that wait for their storage."""

from pathlib import Path

from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sharing.untold import Untold


def test_kept_until_told(tmp_path: Path) -> None:
    results = [TrialResult(trial=n, state="complete", key=f"k{n}", config={"n": n}) for n in range(2)]
    untold = Untold(tmp_path)
    assert untold.all() == []
    for result in results:
        untold.keep(result)
    assert Untold(tmp_path).all() == results
    untold.told(results[0])
    assert untold.all() == results[1:]
    untold.told(results[1])
    assert list(tmp_path.iterdir()) == []
