"""Reading a study that another process wrote."""

from pathlib import Path

import pytest

from splitsearch.searcher.engine.objectives import parse_objectives
from splitsearch.searcher.engine.opening import load_study, open_study, stored_facts
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.space import SearchSpace

SPACE = SearchSpace(backbone="b", image_size=8, cuts=("x",), heads=("mimic",), channels=(1, 2), bits=(4,))


def begin(place: Place | Path) -> RunStudy:
    return RunStudy(place, SPACE, parse_objectives("accuracy,latency_ms"), make_sampler("random", 0))


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run folder: it has no study\.db"):
        open_study(tmp_path)


def test_a_storage_without_the_study_says_how_to_begin_one(tmp_path: Path) -> None:
    place = Place(url=f"journal:{tmp_path / 'journal'}", study="mine")
    begin(place)
    assert load_study(place).study_name == "mine"
    with pytest.raises(UserError, match="holds no study 'yours': start it with `splitsearch run`"):
        load_study(Place(url=place.url, study="yours"))


def test_facts_are_read_before_anything_is_written(tmp_path: Path) -> None:
    assert stored_facts(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
    begin(tmp_path).describe({"teacher": {"accuracy": 0.5}})
    assert stored_facts(tmp_path)["teacher"] == {"accuracy": 0.5}
