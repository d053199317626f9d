"""Flags that several commands share."""

from typing import Any


def test_defaults_and_examples_are_shown(cli: Any) -> None:
    text = " ".join(cli("run", "--help").stdout.split())
    for words in ("[default: digits]", "[default: lte]", "[default: 30]", "Example: splitsearch run"):
        assert words in text
