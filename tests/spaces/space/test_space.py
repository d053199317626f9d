"""Spaces by name and from files; the shipped ones."""

from pathlib import Path

import pytest

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.space.space import SearchSpace, find_space, read_space


def shipped(name: str, graph: TracedGraph) -> SearchSpace:
    spec = read_space(find_space(name))
    if not isinstance(spec.values("cut")[0], str) or spec.values("cut")[0] not in ("stages", "blocks"):
        pytest.fail(f"{name} names cuts of one backbone")
    return spec.bind("net", graph)


def test_names_and_files(tmp_path: Path) -> None:
    assert find_space("small") == find_space("small.yaml")
    (tmp_path / "mine.yaml").touch()
    assert find_space(str(tmp_path / "mine.yaml")).name == "mine.yaml"
    with pytest.raises(UserError, match="did you mean 'small'"):
        find_space("smal")
    with pytest.raises(UserError, match="cannot read the space"):
        read_space(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff")
    with pytest.raises(UserError, match="is no YAML"):
        read_space(tmp_path / "bytes.yaml")


def test_the_default_space_holds_the_same_candidates_in_the_same_order_as_ever(graph: TracedGraph) -> None:
    space = shipped("small", graph)
    expected = [
        SplitConfig(backbone="net", image_size=32, cut=cut, head=head, channels=channels, bits=bits)
        for cut in ("0.2", "1.2")
        for head in ("original", "mimic")
        for channels in (1, 2, 3, 6, 9, 12, 24, 48)
        for bits in (2, 4, 8, 16)
    ]
    assert space.axes["cut"] == ("0.2", "1.2")
    assert list(space) == expected
    assert set(expected[0].to_json()) == {"backbone", "cut", "head", "channels", "bits", "image_size"}
    assert expected[0].key == "1fd4cb1f621099c9"


def test_every_shipped_space_can_be_read() -> None:
    folder = find_space("small").parent
    assert {file.stem for file in folder.glob("*.yaml")} >= {
        "small",
        "full",
        "hnd",
        "bottlefit",
        "splitnet",
        "edgecompress",
    }
    for file in folder.glob("*.yaml"):
        assert read_space(file).values("cut")


def test_the_full_space_is_counted_numbered_and_sampled_without_being_listed(graph: TracedGraph) -> None:
    space = shipped("full", graph)
    assert space.size > 10**12
    assert space._diagram.states < 1000
    assert space[0] == next(iter(space))
    assert space[-1] in space
    sampled = space.sample(50, seed=0)
    assert len({config.key for config in sampled}) == 50
    for config in sampled:
        assert config in space
        assert space.at(space.point(config)) == config
    assert not any(config.encoder != "compact" and config.stride > 1 for config in sampled)
    assert not any(config.head == "mimic" and config.division_scope != "tail" for config in sampled)
    # Every axis has a choice, but how to read a pruning, and how many channels runtimes are quick at.
    assert set(space.ranges) >= set(space.axes) - {"pruning_rule", "pruning_multiple"}
    assert {config.pruning_multiple for config in sampled if config.head_pruning or config.tail_pruning} == {8}


@pytest.mark.parametrize(
    ("name", "per_cut"),
    [
        ("hnd", 4 * 2),
        # Channels with 32 bits and with 8, of the three places.
        ("bottlefit", (4 + 4) + (6 + 4) + (8 + 4)),
        ("splitnet", 8 * 2 * (1 + 2 * 2)),
    ],
)
def test_published_grids(graph: TracedGraph, name: str, per_cut: int) -> None:
    space = shipped(name, graph)
    assert len(space) == per_cut * len(space.axes["cut"])


def test_edgecompress_shrinks_to_the_published_resolutions_and_leaves_early(graph: TracedGraph) -> None:
    space = shipped("edgecompress", graph)
    assert [round(224 * value, 1) for value in space.axes["resolution"]] == [184.0, 192.0, 208.0, 224.0]
    # At the first cut the exit may stand at it, at the second also at the first; five thresholds, two weights.
    assert len(space) == 5 * 2 * 3 * 5 * 4 * ((1 + 10) + (1 + 2 * 10))
