"""The documents name what there is, and their examples are read."""

import re
from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from splitsearch.spaces.backbones.torchvision import torchvision_names
from splitsearch.spaces.graph.cuts import CUT_SETS, find_cuts
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.presets import presets
from splitsearch.spaces.space.axes import AXES
from splitsearch.spaces.space.space import find_space
from splitsearch.spaces.space.spec import parse_space

DOCS = Path(__file__).parents[2] / "docs"
SPACES = (DOCS / "spaces.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (DOCS / "cuts.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \w+ \| \d", line)
]


def test_every_axis_space_and_preset_is_described() -> None:
    rows = "".join(line.partition("|")[2].partition("|")[0] for line in SPACES.splitlines() if line.startswith("| `"))
    assert {axis.plural for axis in AXES} <= set(re.findall(r"`(\w+)`", rows))
    shipped = {path.stem for path in find_space("small").parent.glob("*.yaml")}
    assert shipped <= set(re.findall(r"`(\w+)`", rows))
    assert {preset.system for preset in presets()} <= set(re.findall(r"`(\w+)[:`]", rows))


@pytest.mark.parametrize(
    ("document", "size"),
    # Channels of an original and of a mimic head; bits undivided and divided; prunings of layer1 and of layer2.
    [("docs/spaces.md", (5 + 4) * (3 + 1) * (1 + 2)), ("README.md", (5 + 4) * 2 * (2 + 2))],
)
def test_the_example_of_a_space_is_one(document: str, size: int) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (DOCS.parent / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    with torch.device("meta"):
        space = parse_space(text, document).bind("resnet18", trace(resnet18(), 64))
    assert space.size == size


def test_the_table_of_cuts_counts_what_is_found() -> None:
    assert len(ROWS) >= 80
    assert {row[0] for row in ROWS} <= set(torchvision_names())
    row = next(row for row in ROWS if row[0] == "resnet18")
    with torch.device("meta"):
        graph = trace(resnet18(), 224)
    counts = [len(find_cuts(graph, which)) for which in reversed(CUT_SETS)]
    assert row[1:5] == [str(len(list(graph))), *map(str, counts)]


def test_no_published_figure_is_missed() -> None:
    lines = (DOCS / "published.md").read_text(encoding="utf-8").splitlines()
    ours = [line.strip("| ").rpartition(": ")[2] for line in lines if re.match(r"\| (\w+:|features|classifier)", line)]
    assert len(ours) > 100
    assert all(cell == "equal" or abs(float(cell.removesuffix("%"))) < 8 for cell in ours)
