"""Space files: what they mean, and how they are refused."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.space.axes import AXES
from splitsearch.spaces.space.grid import SearchSpace
from splitsearch.spaces.space.spec import parse_space

GOOD = "cuts: stages\nheads: [original, mimic]\nchannels: [4, 1]\nbits: [8, 4]\n"


def bound(graph: TracedGraph, text: str = GOOD) -> SearchSpace:
    return parse_space(text, "f.yaml").bind("net", graph)


def test_lists_scalars_singular_and_plural(graph: TracedGraph) -> None:
    space = bound(graph, "cut: stages\nhead: mimic\nchannels: [4, 1]\nbits: 8\nencoder_widths: [64, 16]\n")
    assert space.axes["channels"] == (1, 4)
    assert space.axes["encoder_width"] == (16, 64)
    assert space.axes["coding"] == ("none",)
    assert set(space.ranges) == {"cut", "channels", "encoder_width"}


def test_cuts_by_set_or_by_name_in_the_order_of_the_network(graph: TracedGraph) -> None:
    def cuts(text: str) -> tuple[str, ...]:
        return bound(graph, GOOD.replace("stages", text)).axes["cut"]

    assert cuts("['1', '0']") == ("0.2", "1.2")
    assert cuts("'0'") == ("0.2",)
    for name in ("blocks", "all"):
        # The logits are a cut, and no place in a space: nothing would be left for the server.
        *offered, logits = find_cuts(graph, "all" if name == "all" else "blocks")
        assert cuts(name) == tuple(cut.name for cut in offered)
        assert logits.node == graph.output.name


def test_an_exit_comes_before_the_cut_or_at_it(graph: TracedGraph) -> None:
    space = bound(
        graph, GOOD.replace("stages", "['0', '1']") + "exit_cuts: [before, null]\nexit_thresholds: [0.5, 1]\n"
    )
    assert space.axes["exit_cut"] == (None, "0.2", "1.2")
    pairs = {(config.cut, config.exit_cut) for config in space if config.head == "original"}
    assert pairs == {("0.2", None), ("0.2", "0.2"), ("1.2", None), ("1.2", "0.2"), ("1.2", "1.2")}
    # A mimic head replaces the layers in which an exit before the cut would stand.
    assert {(config.cut, config.exit_cut) for config in space if config.head == "mimic"} == pairs - {("1.2", "0.2")}
    assert len(space) == 4 * (2 + 3 * 2) + 4 * (2 + 2 * 2)
    late = {"cut": 0, "exit_cut": 2, "exit_threshold": 0, "head": 0, "channels": 0, "bits": 0}
    assert space.excluded(late) == "the exit lies behind the cut 0.2"
    early = late | {"cut": 1, "exit_cut": 1}
    assert space.excluded(early) is None
    assert "mimic head has no layers" in str(space.excluded(early | {"head": 1}))


def test_exits_by_name(graph: TracedGraph) -> None:
    text = GOOD.replace("stages", "['0', '1']")
    assert bound(graph, text + "exit_cuts: '0'\n").axes["exit_cut"] == ("0.2",)
    assert bound(graph, text + "exit_cuts: null\n").axes["exit_cut"] == (None,)
    with pytest.raises(UserError, match=r"^f\.yaml, line 5: the exit 2\.2 lies behind every cut"):
        bound(graph, text + "exit_cuts: [null, '2']\n")
    with pytest.raises(UserError, match=r"^f\.yaml, line 6: the backbone has no cut 'x'"):
        bound(graph, text + "exit_cuts: [null,\n x]\n")
    with pytest.raises(UserError, match=r"^f\.yaml, line 5: no block ends before"):
        bound(graph, GOOD.replace("stages", "'0.0'") + "exit_cuts: before\n")


def test_exclusions(graph: TracedGraph) -> None:
    text = GOOD + "exclude:\n  - {head: mimic, channels: '>1'}\n  - {cut: '1', bits: [4]}\n"
    space = bound(graph, text)
    assert {(c.head, c.channels) for c in space} == {("original", 1), ("original", 4), ("mimic", 1)}
    assert {c.bits for c in space if c.cut == "1.2"} == {8}
    excluded = {"cut": 0, "head": 1, "channels": 1, "bits": 0}
    assert space.excluded(excluded) == "excluded by f.yaml, line 6: head mimic and channels >1"


def test_what_does_not_matter_is_not_excluded(graph: TracedGraph) -> None:
    text = GOOD + "encoders: [compact, hnd]\nexclude: [{encoder: compact}]\n"
    assert {(c.head, c.encoder) for c in bound(graph, text)} == {("original", "compact"), ("mimic", "hnd")}


def test_exclusions_are_checked_before_a_backbone_is_loaded() -> None:
    with pytest.raises(UserError, match=r"^f\.yaml, line 5: exclude names the bits 16"):
        parse_space(GOOD + "exclude: [{bits: 16, cut: x}]", "f.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("channels", "chanels", "f.yaml, line 3: unknown axis 'chanels'; did you mean 'channels'"),
        ("bits: [8, 4]", "", "f.yaml lacks the axis 'bits'"),
        ("[8, 4]", "[8, 9]", "f.yaml, line 4: bits must be .*not 9"),
        ("[8, 4]", "[8,\n 8]", "f.yaml, line 5: the axis 'bits' names 8 twice"),
        ("[4, 1]", "[0]", "f.yaml, line 3: channels must be .*not 0"),
        ("[4, 1]", "[]", "f.yaml, line 3: the axis 'channels' is empty"),
        ("[4, 1]", "[true]", "f.yaml, line 3: channels must be an integer, not True"),
        ("[4, 1]", "[[1]]", "f.yaml, line 3: channels must be a value or a list of values"),
        ("mimic", "mimik", "f.yaml, line 2: head must be .*'mimik'; did you mean 'mimic'"),
        ("stages", "[3]", "f.yaml, line 1: cut must be text, not 3"),
        ("cuts: stages", "cuts: [", "f.yaml is no YAML"),
        ("stages", "stage", "f.yaml, line 1: the backbone has no cut 'stage'"),
        ("stages", "['0', '0.2']", "f.yaml, line 1: cuts names '0' and '0.2', which are one cut"),
        ("bits:", "cut: all\nbits:", "f.yaml, line 4: the axis 'cuts' stands there twice"),
        ("bits:", "bits: 8\nbits:", "f.yaml, line 5: the key 'bits' stands there twice"),
        ("bits:", "exclude: {bits: 8}\nbits:", "f.yaml, line 4: exclude must be a list of mappings"),
        ("bits:", "exclude:\n - {bits: 8}\n - bits: 16\nbits:", "f.yaml, line 6: exclude names the bits 16"),
        ("bits:", "exclude: [{cut: '2.2'}]\nbits:", "f.yaml, line 4: exclude names the cut '2.2', which"),
        ("bits:", "exclude: [{channels: [1, 4]}]\nbits:", "f.yaml: no candidate is left"),
    ],
)
def test_bad_files_are_refused_in_one_line(graph: TracedGraph, old: str, new: str, message: str) -> None:
    text = GOOD.replace(old, new) if new.startswith("exclude: [{cut") else GOOD.replace(old, new, 1)
    with pytest.raises(UserError, match=f"^{message}") as caught:
        bound(graph, text.replace("cuts: stages", "cuts: ['0']") if "cut '2.2'" in message else text)
    assert "\n" not in str(caught.value)


def refusal(text: str) -> str:
    try:
        parse_space(text, "f.yaml")
    except UserError as error:
        return str(error)
    return ""


KEYS = st.sampled_from([*(axis.plural for axis in AXES), *(axis.name for axis in AXES), "exclude", "<<", "x", "0x1"])
PLAIN = "stages before mimic null 1 0.5 -1 1e400 .nan 2001-99-99 0b_ 1:99:99 = | ? - --- {} [] &a *a >4 '>4' '!=null'"
TAGGED = (
    "!!int x",
    "!!bool x",
    "!!timestamp x",
    "!!binary é",
    "!!omap x",
    "!!set x",
    "!!python/object:os.x y",
    "!no x",
)
ODD = ("'>= nan'", '"\\ud800"', '"\\UFFFFFFFF"', '"\\n"', "9" * 5000, "0x" + "f" * 5000, "? ", "- ")
WORDS = st.sampled_from([*PLAIN.split(), *TAGGED, *ODD])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
LINES = st.lists(st.tuples(KEYS, WORDS | st.text(max_size=8)), max_size=6)


@given(
    st.text()
    | st.dictionaries(KEYS, TREES, max_size=6).map(lambda tree: GOOD + yaml.safe_dump(tree))
    | LINES.map(lambda lines: GOOD + "".join(f"{key}: {value}\n" for key, value in lines))
    | LINES.map(lambda lines: GOOD + "exclude:\n" + "".join(f"- {{{key}: {value}}}\n" for key, value in lines))
    | LINES.map(lambda lines: "\n".join(f"{key}: [{value}]" for key, value in lines))
)
@settings(max_examples=400, deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused(text: str) -> None:
    assert "\n" not in refusal(text)
