"""Tables: whole, or refused in one line that says where."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.searcher.engine.simulation.table import Columns, read_table
from splitsearch.spaces.errors import UserError

COLUMNS = Columns(parameters=("cut", "head"), known=("ms",), unknown=("accuracy",))
HEADER = "cut,head,ms,accuracy\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "t.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_numbers_become_ranks_text_stays_and_objectives_are_scaled(tmp_path: Path) -> None:
    columns = Columns(parameters=("cut", "head"), known=("ms",), unknown=("accuracy",), log=("ms",))
    table = read_table(write(tmp_path, HEADER + "2,a,1,0.5\n16,b,10,0.7\n7,a,100,0.6\n"), columns)
    assert table.points == [{"cut": 0, "head": "a"}, {"cut": 2, "head": "b"}, {"cut": 1, "head": "a"}]
    assert table.scaled.tolist() == [pytest.approx([1, 0]), pytest.approx([0, 0.5]), pytest.approx([0.5, 1])]
    assert table.values["ms"] == [1.0, 10.0, 100.0]
    assert table.reference == [1.1, 1.1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no CSV file"),
        (HEADER, r"t.csv has 0 rows: a search needs at least two"),
        (HEADER + "1,a,1,0.5\n", r"t.csv has 1 row: a search needs"),
        ("cut,head,msec,accuracy\n1,a,1,1\n2,a,1,1\n", "t.csv has no column 'ms'; did you mean 'msec'"),
        (HEADER + "1,a,1,0.5\n2,a,,0.5\n", "t.csv, line 3: no value in the column 'ms'"),
        (HEADER + "1,,1,0.5\n2,a,1,0.5\n", "t.csv, line 2: no value in the column 'head'"),
        (HEADER + "1,a,1,0.5\n2,a,1,good\n", "t.csv, line 3: 'good' in the column 'accuracy' is no number"),
        (HEADER + "1,a,1,0.5\n2,a,inf,0.5\n", "t.csv, line 3: 'inf' in the column 'ms' is no number"),
        (HEADER + "1,a,1,0.5\n2,a,2,0.5\n1,a,3,0.5\n", "the lines 2 and 4 have the same parameters"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_table(write(tmp_path, text), COLUMNS)
    assert "\n" not in str(caught.value).strip()


def test_no_file_and_no_logarithm(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the table"):
        read_table(tmp_path / "none.csv", COLUMNS)
    log = Columns(parameters=("cut",), known=("ms",), unknown=("accuracy",), log=("ms",))
    with pytest.raises(UserError, match="line 3: 0 in the column 'ms' has no logarithm"):
        read_table(write(tmp_path, HEADER + "1,a,1,0.5\n2,a,0,0.5\n"), log)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameters": ()}, "--parameters names no column"),
        ({"unknown": ()}, "--unknown names no column"),
        ({"known": ("accuracy",)}, "'accuracy' is named twice"),
        ({"maximize": ("mss",)}, "--maximize mss: no objective of that name; did you mean 'ms'"),
        ({"log": ("cut",)}, "--log cut: no objective"),
        ({"nominal": ("cuts",)}, "--nominal cuts: no parameter of that name; did you mean 'cut'"),
        ({"maximize": ("ms",), "minimize": ("ms",)}, "'ms' is both in --maximize and in --minimize"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(change: dict[str, tuple[str, ...]], message: str) -> None:
    good: dict[str, tuple[str, ...]] = {"parameters": ("cut",), "known": ("ms",), "unknown": ("accuracy",)}
    with pytest.raises(UserError, match=message):
        Columns(**good | change)


def test_directions_have_defaults_and_flags() -> None:
    columns = Columns(parameters=("p",), known=("a", "b"), unknown=("c", "d"), maximize=("a",), minimize=("d",))
    assert [columns.direction(name) for name in "abcd"] == ["maximize", "minimize", "maximize", "minimize"]


CELLS = st.text(alphabet=st.sampled_from("01.9-ea, \n\"'"), max_size=40)


@given(CELLS)
def test_any_text_is_a_table_or_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = write(tmp_path_factory.mktemp("t"), HEADER + text)
    try:
        table = read_table(file, COLUMNS)
    except UserError:
        return
    assert len(table.points) >= 2
    assert table.scaled.min() >= 0
    assert table.scaled.max() <= 1


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.floats(-1e6, 1e6), st.floats(0, 1)), min_size=2, unique_by=lambda r: r[0])
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float, float]]
) -> None:
    text = HEADER + "".join(f"{cut},x,{ms!r},{accuracy!r}\n" for cut, ms, accuracy in rows)
    table = read_table(write(tmp_path_factory.mktemp("t"), text), COLUMNS)
    assert table.values["ms"] == pytest.approx([ms for _, ms, _ in rows])
    order = sorted(cut for cut, _, _ in rows)
    assert [point["cut"] for point in table.points] == [order.index(cut) for cut, _, _ in rows]
