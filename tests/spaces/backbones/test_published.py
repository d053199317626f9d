"""Networks of the published systems by name."""

from pathlib import Path

import pytest
import torch

from splitsearch.spaces.backbones.published import PUBLISHED, load_published, published_module
from splitsearch.spaces.errors import UserError


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_name_makes_a_classifier(name: str) -> None:
    with torch.device("meta"):
        module = published_module(name, 7)
    side = 32 if name.startswith("cifar") else 224
    assert module(torch.empty(2, 3, side, side, device="meta")).shape == (2, 7)


def test_weights_come_from_a_file_or_from_nowhere(tmp_path: Path) -> None:
    fresh = load_published("cifar_resnet110", 10, "auto")
    assert (fresh.origin, fresh.new_classifier) == ("scratch", False)
    assert "no published weights" in fresh.note
    file = tmp_path / "w.pth"
    torch.save(fresh.module.state_dict(), file)
    found = load_published("cifar_resnet110", 4, str(file))
    assert (found.origin, found.new_classifier) == ("file", True)
    with pytest.raises(UserError, match="no published weights of cifar_resnet110"):
        load_published("cifar_resnet110", 10, "default")
