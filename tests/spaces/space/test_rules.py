"""The exclude list."""

import pytest

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.document import Document
from splitsearch.spaces.space.rules import Rule, parse_rule

VALUES = {"channels": (1, 4, 12), "head": ("original", "mimic"), "exit_cut": (None, "a"), "width": (0.5, 1.0)}


def rule(text: str) -> Rule:
    document = Document(text, "f.yaml")
    assert document.root is not None
    return parse_rule(document, document.root)


@pytest.mark.parametrize(
    ("text", "axis", "expected"),
    [
        ("channels: 4", "channels", [4]),
        ("channels: [4, 1]", "channels", [4, 1]),
        ("channels: '>4'", "channels", [12]),
        ("channels: '>= 4'", "channels", [4, 12]),
        ("channels: '<4.5'", "channels", [1, 4]),
        ("channels: '<4'", "channels", [1]),
        ("channels: ['<=1', '>4']", "channels", [1, 12]),
        ("channels: '!=4'", "channels", [1, 12]),
        ("width: '!=1'", "width", [0.5]),
        ("widths: 1", "width", [1.0]),
        ("head: '!=mimic'", "head", ["original"]),
        ("exit_cut: '!=null'", "exit_cut", ["a"]),
        ("exit_cut: null", "exit_cut", [None]),
        ("channels: '>12'", "channels", []),
    ],
)
def test_values_and_comparisons(text: str, axis: str, expected: list[object]) -> None:
    assert rule(text).exclusion(VALUES, "f.yaml").terms == {axis: expected}


def test_the_reason_says_what_and_where() -> None:
    excluded = rule("# why\n{head: mimic, channels: [1, '>4']}").exclusion(VALUES, "f.yaml")
    assert excluded.reason == "excluded by f.yaml, line 2: head mimic and channels 1 or channels >4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "line 1: exclude must be a list of mappings"),
        ("{}", "line 1: an entry of exclude must name at least one axis"),
        ("chanels: 1", "line 1: exclude names the unknown axis 'chanels'; did you mean 'channels'"),
        ("head: mimic\nheads: mimic", "line 2: exclude names the axis 'head' twice"),
        ("head: []", "line 1: exclude compares head with nothing"),
        ("head: {a: 1}", "line 1: exclude compares head with a value or a list"),
        ("head: mimik", "line 1: exclude: head must be .*did you mean 'mimic'"),
        ("head: '>mimic'", "line 1: exclude: head has no order"),
        ("head: '!=mimik'", "line 1: exclude: head must be"),
        ("channels: '>x'", "line 1: exclude: channels is compared with a number, not 'x'"),
        ("channels: '>nan'", "line 1: exclude: channels is compared with a number, not 'nan'"),
        ("channels: >4\n", "line 1: exclude: .*comparisons stand in quotes"),
        ("channels: 5", "line 1: exclude names the channels 5, which the space does not have; known: 1, 4, 12"),
        ("channels:\n  - 4\n  - '!=5'", "line 3: exclude names the channels 5"),
    ],
)
def test_mistakes_are_refused_with_their_line(text: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^f\.yaml, {message}"):
        rule(text).exclusion(VALUES, "f.yaml")
