"""What differs between those who work on one study."""

from typing import Any

import pytest

from splitsearch.searcher.agreement import VERSIONED, differences, require_agreement, versions
from splitsearch.spaces.errors import UserError

KNOWN: dict[str, Any] = {"data": "a" * 64, "teacher": "b" * 64, "versions": {"torch": "2.6.0", "pandas": "2.2.0"}}


def test_equal_things_agree_and_patches_do_too() -> None:
    found = KNOWN | {"space": "c" * 64, "versions": {"torch": "2.6.1+cu124", "pandas": "3.0.0"}}
    assert differences(KNOWN, found) == []
    require_agreement(KNOWN, found, "the study")
    require_agreement({}, found, "a study of an older release")


@pytest.mark.parametrize(
    ("changed", "phrase"),
    [
        ({"data": "d" * 64}, r"data \(aaaaaaaa there, dddddddd here\)"),
        ({"versions": {"torch": "2.7.0"}}, r"torch 2\.6\.0 there, 2\.7\.0 here"),
        ({"teacher": "d" * 64}, "give --artifacts"),
    ],
)
def test_what_differs_is_said(changed: dict[str, Any], phrase: str) -> None:
    with pytest.raises(UserError, match=phrase):
        require_agreement(KNOWN, KNOWN | changed, "the study")


def test_versions_name_what_results_depend_on() -> None:
    assert set(versions()) == {"python", *VERSIONED}
