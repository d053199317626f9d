"""Rules that every kind of data set keeps."""

from pathlib import Path

import pytest

from splitsearch.searcher.data import prepare  # noqa: F401 - registers the kinds
from splitsearch.searcher.data.registry import DATASETS, keeps_label_mirrored, open_pair
from splitsearch.spaces.errors import UserError

WITH_ARGUMENT = [name for name in DATASETS if DATASETS.get(name).argument]
WITHOUT_ARGUMENT = [name for name in DATASETS if not DATASETS.get(name).argument]


def test_every_kind_of_the_contract_is_registered() -> None:
    assert set(DATASETS) == {"digits", "cifar10", "cifar100", "imagenet", "folder", "npz", "csv"}


@pytest.mark.parametrize(("wrong", "right"), [("cifr10", "cifar10"), ("digit", "digits"), ("foldr:x", "folder")])
def test_an_unknown_name_gets_the_nearest_one(wrong: str, right: str) -> None:
    with pytest.raises(UserError, match=f"did you mean '{right}'"):
        open_pair(wrong, None)


@pytest.mark.parametrize("name", WITH_ARGUMENT)
def test_a_kind_with_an_argument_asks_for_it(name: str) -> None:
    for spec in (name, f"{name}:"):
        with pytest.raises(UserError, match=f"write {name}:[A-Z]+$"):
            open_pair(spec, None)


@pytest.mark.parametrize("name", WITH_ARGUMENT)
def test_a_path_that_does_not_exist_is_named_in_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere") as error:
        open_pair(f"{name}:{tmp_path / 'nowhere'}", None)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", WITHOUT_ARGUMENT)
def test_a_kind_without_an_argument_refuses_one(name: str) -> None:
    with pytest.raises(UserError, match="takes nothing after its name, not ':x'"):
        open_pair(f"{name}:x", None)


def test_mirroring_is_known_of_photographs_and_digits_and_the_users_word_on_the_rest() -> None:
    assert [keeps_label_mirrored(spec) for spec in ("folder:x", "cifar10", "imagenet")] == [True] * 3
    assert [keeps_label_mirrored(spec) for spec in ("digits", "npz:x", "csv:x")] == [False] * 3
    assert keeps_label_mirrored("npz:x", True)
    assert not keeps_label_mirrored("folder:x", False)
    with pytest.raises(UserError, match="--flips: images of 'digits' mean something else"):
        keeps_label_mirrored("digits", True)
