"""Files of figures."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from splitsearch.searcher.report.figures import figures_of
from splitsearch.searcher.report.images import WIDTH, write_figures
from splitsearch.searcher.report.record import Record
from splitsearch.spaces.errors import UserError


def test_numbers_are_written_also_without_a_browser(
    make: Callable[..., Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = figures_of(make())
    known = importlib.util.find_spec
    monkeypatch.setattr(
        "splitsearch.searcher.report.images.find_spec", lambda name: None if name == "kaleido" else known(name)
    )
    written, lacking = write_figures(figures, tmp_path / "new")
    assert [path.name for path in written] == [f"{figure.name}.csv" for figure in figures]
    assert "splitsearch[figures]" in lacking
    assert len(pd.read_csv(written[0])) == len(figures[0].table)


def test_a_folder_that_is_a_file_is_refused(make: Callable[..., Record], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_figures(figures_of(make())[:1], tmp_path / "file")


@pytest.mark.slow
def test_pictures_are_drawn(make: Callable[..., Record], tmp_path: Path) -> None:
    pytest.importorskip("kaleido")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))):
        pytest.skip("no Chromium that kaleido would find")
    written, lacking = write_figures(figures_of(make())[:1], tmp_path)
    assert lacking == ""
    csv, svg, png = written
    assert "<svg" in svg.read_text()
    assert "teacher 90.0" in svg.read_text()
    with Image.open(png) as picture:
        assert picture.size[0] == 2 * WIDTH
    assert csv.suffix == ".csv"
