"""`profile` and `presets` in a subprocess."""

import json
from typing import Any

import pytest


def test_a_published_figure_on_the_command_line(cli: Any) -> None:
    done = cli("profile", "--preset", "hnd", "--backbone", "densenet169", "--channels", "12", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["preset"]["name"] == "hnd:densenet169"
    assert document["bottleneck"]["shape"] == [12, 29, 29]
    assert document["bottleneck"]["tensor_bytes"] == 10_092
    assert document["backbone_head"]["device_macs_saved"] == pytest.approx(0.942, abs=0.001)


def test_tables_name_stages_and_presets(cli: Any) -> None:
    text = cli(
        "profile", "--backbone", "resnet18", "--image-size", "64", "--cut", "layer1", "--exit-cut", "layer1"
    ).stdout
    assert "latency and energy are estimated" in text
    assert all(name in text for name in ("local", "server_raw", "encoder", "decoder", "exit"))
    listed = cli("presets").stdout
    assert all(
        name in listed for name in ("hnd:resnet152", "bottlefit:resnet152_ver3", "splitnet:", "edgecompress:static1")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "hnd", "--backbone", "vgg11"), "is for resnet152"),
        (("--preset", "hdn"), "did you mean 'hnd'"),
        (("--backbone", "resnet18", "--cut", "layer9"), "no cut 'layer9'"),
        (("--backbone", "resnet18", "--cut", "layer1", "--channels", "65"), "above the 64 channels"),
        (("--backbone", "resnet18", "--cut", "layer1", "--exit-cut", "layer3"), "lies after the cut"),
        (("--backbone", "resnet18", "--cut", "layer1", "--division", "3"), "division must be one of 1, 2, 4, 8"),
        (("--backbone", "resnet18", "--cut", "layer1", "--tail-pruning", "0.9999"), "would leave"),
        (("--backbone", "vit_b_16", "--image-size", "100"), "100 x 100 pixels"),
        ((), "--backbone is missing"),
    ],
)
def test_bad_input_is_one_line_and_status_2(cli: Any, arguments: tuple[str, ...], message: str) -> None:
    done = cli("profile", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert message in done.stderr
