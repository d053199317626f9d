"""YAML with line numbers."""

import pytest

from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.document import Document, Entry


def test_keys_and_scalars_know_their_lines() -> None:
    document = Document("# a comment\na: 1\nb:\n  - x\n  - null\n", "f.yaml")
    mapping = document.mapping(document.root, "a mapping")
    assert [(key.value, key.line) for key in mapping] == [("a", 2), ("b", 3)]
    one, several = mapping.values()
    assert document.scalars(one, "") == (Entry(1, 2),)
    assert document.scalars(several, "") == (Entry("x", 4), Entry(None, 5))
    assert len(document.items(several, "")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: what it must be"),
        ("- 1", "line 1: what it must be"),
        ("a: 1\n2: 3", "line 2: what it must be"),
        ("a: 1\n[b]: 3", "line 2: what it must be"),
        ("a: 1\na: 2", "line 2: the key 'a' stands there twice"),
        ("a: 1\n!!python/name:os.system x: 1", "line 2: 'x' cannot be read"),
        ("!!int x: 1", "line 1: 'x' cannot be read"),
        ("!!bool x: 1", "line 1: 'x' cannot be read"),
    ],
)
def test_what_is_no_such_mapping_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^f\.yaml, {message}") as caught:
        (document := Document(text, "f.yaml")).mapping(document.root, "what it must be")
    assert "\n" not in str(caught.value)


def test_lists_hold_scalars_only() -> None:
    document = Document("a: [1, [2]]\nb: {c: 1}", "f.yaml")
    nested, mapping = document.mapping(document.root, "").values()
    for node in (nested, mapping):
        with pytest.raises(UserError, match="scalars, please"):
            document.scalars(node, "scalars, please")
    with pytest.raises(UserError, match="line 2: a list, please"):
        document.items(mapping, "a list, please")


@pytest.mark.parametrize(
    "text", ["a: [", "\t- a", '"\\UFFFFFFFF": 1', "a: &x [*y]", "\x00", "--- a\n--- b", "[" * 1500]
)
def test_what_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^f\.yaml is no YAML"):
        Document(text, "f.yaml")
