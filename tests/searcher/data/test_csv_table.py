"""Data sets that two CSV files list."""

from pathlib import Path

import pytest

from splitsearch.searcher.data.csv_table import open_csv
from splitsearch.spaces.errors import UserError


def relabel(root: Path, train: str, val: str) -> str:
    """Gives the images of `train.csv` and the one of `val.csv` other labels."""
    rows = "".join(f"images/{i}.png,{label}\n" for i, label in enumerate(train.split()))
    (root / "train.csv").write_text("path,label\n" + rows)
    (root / "val.csv").write_text(f"path,label\nimages/4.png,{val}\n")
    return str(root)


def test_integer_labels_keep_their_values_over_both_files(listed: Path) -> None:
    pair = open_csv(str(listed), None)
    assert pair.val is not None
    assert pair.classes == ("0", "1", "2", "3", "4")
    assert pair.train.labels().tolist() == [0, 2, 0, 2]
    assert pair.val.labels().tolist() == [4]
    assert pair.val.image(0).mean() == 80


def test_text_labels_are_the_sorted_names_of_both_files(listed: Path) -> None:
    pair = open_csv(relabel(listed, "dog cat 7 dog", "ant"), None)
    assert pair.classes == ("7", "ant", "cat", "dog")
    assert pair.train.labels().tolist() == [3, 2, 0, 3]


def test_other_columns_any_order_and_a_byte_order_mark_are_fine(listed: Path) -> None:
    (listed / "val.csv").write_text("label,who,path\n4,me,images/4.png\n\n", encoding="utf-8-sig")
    pair = open_csv(str(listed), None)
    assert pair.val is not None
    assert pair.val.labels().tolist() == [4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na,1\n", "lacks the column 'path'; its first line is 'file,label'"),
        ("path,class\na,1\n", "lacks the column 'label'"),
        ("", "lacks the column 'path'"),
        ("path,label\n", "names no images"),
        ("path,label\nimages/0.png\n", "line 2 lacks a label"),
        ("path,label\nimages/0.png,1\n,1\n", "line 3 lacks a path"),
        ("path,label\nimages/nine.png,1\n", "line 2: no file 'images/nine.png'"),
        ("path,label\nimages,1\n", "line 2: no file 'images'"),
        ("path,label\nimages/0.png,-1\n", "line 2: label -1 is out of range"),
        ("path,label\nimages/0.png,123456789\n", "line 2: label 123456789 is out of range"),
        ("path,label\nimages/0.png," + "9" * 5000 + "\n", "line 2: label 9+… is out of range"),
    ],
)
def test_a_wrong_table_is_one_line_with_its_place(text: str, message: str, listed: Path) -> None:
    (listed / "train.csv").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        open_csv(str(listed), None)
    assert "train.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_are_refused(listed: Path) -> None:
    (listed / "val.csv").write_bytes(b"path,label\n\xff\xfe,1\n")
    with pytest.raises(UserError, match="not a CSV file in UTF-8"):
        open_csv(str(listed), None)


@pytest.mark.parametrize("name", ["train.csv", "val.csv"])
def test_both_tables_are_needed(name: str, listed: Path) -> None:
    (listed / name).unlink()
    with pytest.raises(UserError, match=f"no file '.*{name}'"):
        open_csv(str(listed), None)
