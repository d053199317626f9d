"""Networks of timm: names, weights, classifiers, and cuts that hold."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from splitsearch.spaces.backbones.loading import load_backbone, meta_backbone
from splitsearch.spaces.backbones.timm import check_timm, load_timm, timm_module
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.cuts import find_cuts
from splitsearch.spaces.graph.trace import trace


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"pip install 'splitsearch\[timm\]'"):
        load_backbone("timm:resnet18", classes=10)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no network 'vit_tiny_patch16_225'; did you mean 'vit_tiny_patch16_224'\?"):
        check_timm("timm:vit_tiny_patch16_225")
    check_timm("timm:resnet18.a1_in1k")


def test_from_scratch_it_has_the_classes_of_the_data() -> None:
    backbone = load_timm("timm:lcnet_050", 7, "none")
    assert (backbone.origin, backbone.new_classifier, backbone.name) == ("scratch", False, "timm:lcnet_050")
    assert backbone.module(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    assert not backbone.module.training


def test_without_a_network_auto_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def refuse(name: str, pretrained: bool, **options: Any) -> Any:
        if pretrained:
            raise ConnectionError("no route\nat all")
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", refuse)
    backbone = load_timm("timm:lcnet_050", 7, "auto")
    assert backbone.origin == "scratch"
    assert "from scratch" in backbone.note
    with pytest.raises(UserError, match=r"cannot be had here: no route$"):
        load_timm("timm:lcnet_050", 7, "default")


def test_published_weights_come_from_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **options: create(name, **options))
    same, other = (load_timm("timm:lcnet_050", classes, "auto") for classes in (1000, 7))
    assert (same.origin, same.new_classifier) == ("pretrained", False)
    assert other.new_classifier
    assert other.module(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    assert (
        load_timm("timm:resnet18.a1_in1k", 7, "auto").fingerprint
        != load_timm("timm:resnet18.a3_in1k", 7, "auto").fingerprint
    )


def test_a_weights_file_is_loaded_and_its_classifier_replaced(tmp_path: Path) -> None:
    state = timm_module("timm:lcnet_050", 7).state_dict()
    file = tmp_path / "weights.pth"
    torch.save(state, file)
    same, other = (load_timm("timm:lcnet_050", classes, str(file)) for classes in (7, 3))
    assert (same.origin, same.new_classifier, other.new_classifier) == ("file", False, True)
    assert all(torch.equal(value, state[key]) for key, value in same.module.state_dict().items())
    assert other.module(torch.randn(2, 3, 32, 32)).shape == (2, 3)


# name: side in pixels. The first three follow fx throughout; the blocks of mobilevit branch on sizes and stay whole.
REPRESENTATIVE = {
    "resnet50d": 64,
    "vit_tiny_patch16_224": 224,
    "mobilenetv4_conv_small": 64,
    "mobilevit_xxs": 64,
}


@pytest.mark.parametrize(("name", "size"), REPRESENTATIVE.items())
def test_head_and_tail_equal_the_whole(name: str, size: int, identity: Callable[..., int]) -> None:
    assert identity(timm_module(f"timm:{name}", 10), size) >= 15


@pytest.mark.parametrize(
    ("name", "opaque"),
    [
        ("resnet50d", set()),
        ("vit_tiny_patch16_224", set()),
        ("mobilenetv4_conv_small", set()),
        ("tf_efficientnet_b0", {"conv_stem", *(f"blocks.{k}.0.conv_dw" for k in (1, 2, 3, 5))}),
        ("mobilevit_xxs", {"stages.2.1", "stages.3.1", "stages.4.1"}),
    ],
)  # fmt: skip
def test_parts_that_resist_stay_whole(name: str, opaque: set[str]) -> None:
    graph = trace(meta_backbone(f"timm:{name}", 1000), 256 if "vit_xx" in name else 224)
    assert set(graph.opaque) == opaque
    assert len(find_cuts(graph, "all")) > 30
    assert all("timm" in place for place in graph.opaque.values())


def test_a_network_whose_own_forward_resists_says_where() -> None:
    with pytest.raises(UserError, match=r"CrossVit cannot be traced: .*crossvit\.py:\d+"):
        trace(meta_backbone("timm:crossvit_tiny_240", 10), 240)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "resnet50d", "vit_tiny_patch16_224", "convnext_atto", "efficientnet_lite0", "mobilenetv4_conv_small",
        "tf_efficientnet_b0", "mobilevit_xxs", "mobilevitv2_050", "efficientvit_b0", "efficientvit_m0",
        "deit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "coatnet_nano_rw_224", "regnety_002", "repvgg_a0",
        "ghostnet_100", "lcnet_050", "mixnet_s", "res2net50_26w_4s", "hrnet_w18_small", "dla34", "densenet121", "dpn68",
        "inception_v3", "xception41", "cspresnet50", "edgenext_xx_small", "poolformer_s12", "pvt_v2_b0",
        "mixer_s16_224", "cait_xxs24_224", "levit_128s", "pit_ti_224", "convit_tiny", "xcit_nano_12_p16_224",
        "fastvit_t8", "repvit_m0_9", "efficientformer_l1", "inception_next_atto", "starnet_s1", "davit_tiny",
        "hiera_tiny_224", "nest_tiny", "visformer_tiny", "nfnet_l0", "dm_nfnet_f0", "rexnet_100", "tiny_vit_5m_224",
    ],
)  # fmt: skip
def test_head_and_tail_equal_the_whole_across_families(name: str, identity: Callable[..., int]) -> None:
    module: Any = timm_module(f"timm:{name}", 10)
    assert identity(module, module.pretrained_cfg["input_size"][-1]) >= 10
