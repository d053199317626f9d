"""Tables of measured results: read by pandas, checked, scaled; a search is replayed on nothing that is not whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from splitsearch.searcher.engine.samplers.attainment import REFERENCE, Array
from splitsearch.searcher.engine.samplers.knowledge import Direction
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["Columns", "Table", "read_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns of a table mean.

    Attributes:
        parameters: that a search chooses; whole numbers, numbers or text.
        known: objectives that a search knows of every row.
        unknown: objectives that an evaluation finds out.
        maximize: objectives of which more is better; by default the unknown ones.
        minimize: of which less is better; by default the known ones.
        log: objectives that are taken on a log scale.
        curve: accuracies at rungs before the last, in order; they foretell the first unknown objective.
        nominal: parameters of numbers that stand for names, such as places of a cut.
    """

    parameters: tuple[str, ...]
    known: tuple[str, ...]
    unknown: tuple[str, ...]
    maximize: tuple[str, ...] = ()
    minimize: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    curve: tuple[str, ...] = ()
    nominal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for flag, names in (("--parameters", self.parameters), ("--unknown", self.unknown)):
            if not names:
                raise UserError(f"{flag} names no column")
        used = [*self.parameters, *self.objectives, *self.curve]
        for name in used:
            if used.count(name) > 1:
                raise UserError(f"the column '{name}' is named twice among --parameters, --known, --unknown, --curve")
        for flag, names in (("--maximize", self.maximize), ("--minimize", self.minimize), ("--log", self.log)):
            for name in names:
                if name not in self.objectives:
                    raise UserError(f"{flag} {name}: no objective of that name{nearest(name, self.objectives)}")
        for name in self.nominal:
            if name not in self.parameters:
                raise UserError(f"--nominal {name}: no parameter of that name{nearest(name, self.parameters)}")
        if both := set(self.maximize) & set(self.minimize):
            raise UserError(f"'{min(both)}' is both in --maximize and in --minimize")

    @property
    def objectives(self) -> tuple[str, ...]:
        """Unknown ones first."""
        return (*self.unknown, *self.known)

    def direction(self, name: str) -> Direction:
        """Which way of an objective is better."""
        if name in self.maximize or (name in self.unknown and name not in self.minimize):
            return "maximize"
        return "minimize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A checked table.

    Attributes:
        columns: what they mean.
        points: parameters of each row, as samplers see them: numbers by their rank, text as it is.
        values: objective to its value of each row.
        scaled: (rows, objectives) in the order of `columns.objectives`: minimised, 0 and 1 the ends of the table.
        curves: (rows, rungs before the last).
    """

    columns: Columns
    points: list[dict[str, Any]]
    values: dict[str, list[float]]
    scaled: Array
    curves: Array

    @property
    def reference(self) -> list[float]:
        """Of the hypervolume, in every scaled objective."""
        return [REFERENCE] * self.scaled.shape[1]


def read_table(path: Path, columns: Columns) -> Table:
    """Reads a CSV file.

    Raises:
        UserError: no such file or no CSV, a column that it lacks, a cell that is missing or no number, fewer than two
            rows, two rows with the same parameters, a log scale for what is not positive.
    """
    frame = _read(path)
    parameters, objectives = list(columns.parameters), list(columns.objectives)
    for name in (*parameters, *objectives, *columns.curve):
        if name not in frame.columns:
            raise UserError(f"{path.name} has no column '{name}'{nearest(name, map(str, frame.columns))}")
    if len(frame) < 2:
        raise UserError(f"{path.name} has {len(frame)} row{'s' * (len(frame) != 1)}: a search needs at least two")
    for name in (*parameters, *objectives, *columns.curve):
        _require_whole(frame[name], path.name)
    for name in (*objectives, *columns.curve):
        _require_numbers(frame[name], path.name, positive=name in columns.log)
    _require_distinct(frame[parameters], path.name)
    points = pd.DataFrame({name: _coded(frame[name]) for name in parameters}).to_dict("records")
    return Table(
        columns=columns,
        points=[{str(name): value for name, value in point.items()} for point in points],
        values={name: [float(value) for value in frame[name]] for name in objectives},
        scaled=np.column_stack([_scaled(frame[name].to_numpy(np.float64), name, columns) for name in objectives]),
        curves=frame[list(columns.curve)].to_numpy(np.float64),
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except OSError as error:
        raise UserError(f"cannot read the table '{path}': {error.strerror or error}") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"'{path}' is no CSV file: {error}") from error


def _line(row: int) -> int:
    """As an editor counts: the header is line 1."""
    return row + 2


def _require_whole(column: "pd.Series[Any]", file: str) -> None:
    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        raise UserError(f"{file}, line {_line(int(missing[0]))}: no value in the column '{column.name}'")


def _require_numbers(column: "pd.Series[Any]", file: str, *, positive: bool) -> None:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~np.isfinite(numbers) | (column.dtype == bool))
    if len(wrong):
        row = int(wrong[0])
        raise UserError(f"{file}, line {_line(row)}: '{column.iloc[row]}' in the column '{column.name}' is no number")
    if positive and numbers.min() <= 0:
        row = int(numbers.argmin())
        raise UserError(
            f"{file}, line {_line(row)}: {numbers[row]:g} in the column '{column.name}' has no logarithm; leave it "
            "out of --log"
        )


def _require_distinct(parameters: pd.DataFrame, file: str) -> None:
    again = np.flatnonzero(parameters.duplicated().to_numpy())
    if len(again):
        row = int(again[0])
        first = int(np.flatnonzero((parameters == parameters.iloc[row]).all(axis=1).to_numpy())[0])
        raise UserError(f"{file}: the lines {_line(first)} and {_line(row)} have the same parameters")


def _coded(column: "pd.Series[Any]") -> Sequence[Any]:
    """Numbers by rank, so that every sampler gets ordered integers; anything else as text."""
    if pd.api.types.is_numeric_dtype(column):
        return [int(rank) - 1 for rank in column.rank(method="dense")]
    return [str(value) for value in column]


def _scaled(values: Array, name: str, columns: Columns) -> Array:
    turned = np.log(values) if name in columns.log else values
    turned = -turned if columns.direction(name) == "maximize" else turned
    return np.asarray((turned - turned.min()) / (np.ptp(turned) or 1.0), dtype=np.float64)
