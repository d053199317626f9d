"""The grid of candidates."""

from pathlib import Path

import pytest

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.space.space import SearchSpace, find_space, read_space

GOOD = "cuts: stages\nheads: [original, mimic]\nchannels: [4, 1]\nbits: [8, 4]\n"


def space(tmp_path: Path, graph: TracedGraph, text: str = GOOD) -> SearchSpace:
    file = tmp_path / "space.yaml"
    file.write_text(text, encoding="utf-8")
    return read_space(file).bind("net", graph)


def test_every_point_is_another_candidate(tmp_path: Path, graph: TracedGraph) -> None:
    found = space(tmp_path, graph)
    keys = {config.key for config in found}
    assert len(keys) == len(found) == len(found.cuts) * 8
    assert found.channels == (1, 4)


def test_point_and_at_are_inverse(tmp_path: Path, graph: TracedGraph) -> None:
    found = space(tmp_path, graph)
    assert all(found.at(found.point(config)) == config for config in found)


class Dictionary:
    def suggest_int(self, name: str, low: int, high: int) -> int:
        return high


def test_a_dict_can_stand_in_for_a_trial(tmp_path: Path, graph: TracedGraph) -> None:
    found = space(tmp_path, graph)
    assert found.suggest(Dictionary()) == list(found)[-1]


def test_named_cuts_and_blocks(tmp_path: Path, graph: TracedGraph) -> None:
    assert space(tmp_path, graph, GOOD.replace("stages", "['0']")).cuts == ("0.2",)
    assert set(space(tmp_path, graph, GOOD.replace("stages", "blocks")).cuts) >= {"0.2", "1.2"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("channels", "chanels", "unknown axis 'chanels'; did you mean 'channels'"),
        ("bits: [8, 4]", "", "lacks the axis 'bits'"),
        ("[8, 4]", "[8, 9]", "bits holds 9"),
        ("[8, 4]", "[8, 8]", "names 8 twice"),
        ("[4, 1]", "[0]", "channels holds 0"),
        ("[4, 1]", "[]", "'channels' is empty"),
        ("[4, 1]", "[true]", "channels holds True"),
        ("mimic", "mimik", "heads holds 'mimik'"),
        ("stages", "[3]", "cuts must be"),
        ("cuts: stages", "cuts: [", "is no YAML"),
        ("stages", "stage", "no cut 'stage'"),
    ],
)
def test_bad_files_are_refused_in_one_line(
    tmp_path: Path, graph: TracedGraph, old: str, new: str, message: str
) -> None:
    with pytest.raises(UserError, match=message.replace("[", r"\[")) as caught:
        space(tmp_path, graph, GOOD.replace(old, new))
    assert "\n" not in str(caught.value)


def test_a_list_is_no_space(tmp_path: Path, graph: TracedGraph) -> None:
    with pytest.raises(UserError, match="must map axes"):
        space(tmp_path, graph, "[1, 2]")


def test_shipped_spaces(tmp_path: Path) -> None:
    assert read_space(find_space("small")).channels[0] == 1
    with pytest.raises(UserError, match="did you mean 'small'"):
        find_space("smal")
    with pytest.raises(UserError, match="cannot read the space"):
        read_space(tmp_path / "none.yaml")
