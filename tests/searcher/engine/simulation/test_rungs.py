"""Rungs of a table."""

from pathlib import Path

import pytest

from splitsearch.searcher.engine.simulation.rungs import Rungs
from splitsearch.searcher.engine.simulation.table import Columns, Table, read_table
from splitsearch.spaces.errors import UserError


def table(folder: Path, sign: int = 1, **more: tuple[str, ...]) -> Table:
    """Ten rows that gain 10 after the rung, the first the best and cheapest; then one that is far behind."""
    rows = [f"{n},x,{n + 1},{sign * (60 - n)},{sign * (70 - n)},1" for n in range(10)] + [
        f"10,x,50,{sign * 20},{sign * 90},1"
    ]
    file = folder / "t.csv"
    file.write_text("cut,head,ms,early,accuracy,other\n" + "\n".join(rows), encoding="utf-8")
    good = {"parameters": ("cut", "head"), "known": ("ms",), "unknown": ("accuracy",), "curve": ("early",)}
    return read_table(file, Columns(**good | more))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_row_that_is_far_behind_is_stopped_with_an_estimate_in_the_units_of_the_table(
    tmp_path: Path, sign: int
) -> None:
    more: dict[str, tuple[str, ...]] = {} if sign == 1 else {"minimize": ("accuracy",)}
    rungs = Rungs(table(tmp_path, sign, **more), [0.25], None)
    found = rungs.replay(10, range(10))
    assert found.cost == 0.25
    assert found.verdict is not None
    assert found.verdict.estimate == pytest.approx(sign * 30, abs=3)
    assert rungs.replay(10, range(7)).cost == 1.0  # too few have finished
    assert rungs.replay(0, range(1, 10)).verdict is None


@pytest.mark.parametrize(
    ("shares", "depth", "message"),
    [
        ([], None, "--curve-shares needs 1 rising numbers between 0 and 1, not ''"),
        ([1.5], None, "not '1.5'"),
        ([0.3], "ms", "--depth ms is none of the parameters cut, head"),
        ([0.3], "head", "--depth head must be a parameter of numbers"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, shares: list[float], depth: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Rungs(table(tmp_path), shares, depth)


def test_curves_foretell_one_objective(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--unknown may name one alone"):
        Rungs(table(tmp_path, unknown=("accuracy", "other")), [0.3], None)
