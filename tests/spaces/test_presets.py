"""Published configurations by name."""

from dataclasses import fields

import pytest

from splitsearch.spaces.bottleneck.published import DECODERS, ENCODERS
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.presets import find_preset, presets


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_every_preset_is_a_configuration(preset: object) -> None:
    found = find_preset(preset.name)  # type: ignore[attr-defined]
    assert set(found.fields) <= {f.name for f in fields(SplitConfig)}
    config = SplitConfig(**({"cut": "x", "head": "original", "channels": 1, "bits": 8} | found.fields))
    assert config.encoder in {"compact", *ENCODERS}
    assert config.decoder in {"light", *DECODERS}
    assert len(found.source) > 20


def test_a_system_is_its_first_variant_or_that_of_a_backbone() -> None:
    assert find_preset("hnd").name == "hnd:resnet152"
    assert find_preset("hnd", "densenet201").name == "hnd:densenet201"
    assert find_preset("bottlefit:resnet152_ver3", "resnet152").name == "bottlefit:resnet152_ver3"


def test_presets_for_another_backbone_and_unknown_ones_are_refused() -> None:
    with pytest.raises(UserError, match=r"the preset 'hnd' is for resnet152, densenet169, .* not for vgg11"):
        find_preset("hnd", "vgg11")
    with pytest.raises(UserError, match="is for resnet152, not for densenet169"):
        find_preset("bottlefit:resnet152_ver3", "densenet169")
    with pytest.raises(UserError, match="unknown preset 'hdn'; did you mean 'hnd'"):
        find_preset("hdn")
