"""`profile` and `presets` on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

SIX_GROUPS = """
from torchvision.models.resnet import Bottleneck, ResNet


def make():
    return ResNet(Bottleneck, [1, 1, 1, 1], groups=6, width_per_group=4)
"""


def test_a_published_figure_on_the_command_line(command: Any) -> None:
    done = command("profile", "--preset", "hnd", "--backbone", "densenet169", "--channels", "12", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["preset"]["name"] == "hnd:densenet169"
    assert document["bottleneck"]["shape"] == [12, 29, 29]
    assert document["bottleneck"]["tensor_bytes"] == 10_092
    assert document["backbone_head"]["device_macs_saved"] == pytest.approx(0.942, abs=0.001)


def test_tables_name_stages_and_presets(command: Any) -> None:
    text = command(
        "profile", "--backbone", "resnet18", "--image-size", "64", "--cut", "layer1", "--exit-cut", "layer1"
    ).stdout
    assert "latency and energy are estimated" in text
    assert all(name in text for name in ("local", "server_raw", "encoder", "decoder", "exit"))
    listed = command("presets").stdout
    assert all(
        name in listed for name in ("hnd:resnet152", "bottlefit:resnet152_ver3", "splitnet:", "edgecompress:static1")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "hnd", "--backbone", "vgg11"), "is for resnet152"),
        (("--preset", "hdn"), "did you mean 'hnd'"),
        (("--backbone", "resnet18", "--cut", "layer9"), "the backbone has no cut 'layer9'; did you mean 'layer"),
        (
            ("--backbone", "six.py:make", "--image-size", "32", "--cut", "layer1", "--division", "4"),
            "6 groups cannot be",
        ),
        (("--backbone", "resnet18", "--cut", "layer1", "--channels", "65"), "above the 64 channels"),
        (("--backbone", "resnet18", "--cut", "layer1", "--exit-cut", "layer3"), "lies after the cut"),
        (("--backbone", "resnet18", "--cut", "layer1", "--division", "3"), "division must be one of 1, 2, 4, 8"),
        (("--backbone", "resnet18", "--cut", "layer1", "--tail-pruning", "0.9999"), "would leave"),
        (("--backbone", "vit_b_16", "--image-size", "100"), "100 x 100 pixels"),
        ((), "--backbone is missing"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    command: Any, workplace: Path, arguments: tuple[str, ...], message: str
) -> None:
    (workplace / "six.py").write_text(SIX_GROUPS, encoding="utf-8")
    done = command("profile", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert message in done.stderr
