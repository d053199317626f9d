"""`profile` and `presets` on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

TRACES = {
    "good": "0,8,20\n1,0,30\n2,8,20\n3,8,20\n",
    "gap": "0,8,20\n1,8,20\n2,8,20\n62,8,20\n",
    "back": "0,8,20\n2,8,20\n1,8,20\n",
    "minus": "0,8,20\n1,-8,20\n",
    "hole": "0,8,20\n1,8,\n",
}


@pytest.fixture(scope="module")
def traces(workplace: Path) -> None:
    """Files of recorded links in the caller's folder."""
    for name, rows in TRACES.items():
        (workplace / f"{name}.csv").write_text("time_s,uplink_mbps,rtt_ms\n" + rows, encoding="utf-8")


def test_a_recorded_link_gives_percentiles(command: Any, traces: None) -> None:
    done = command(
        "profile", "--backbone", "resnet18", "--image-size", "64", "--cut", "layer1", "--network", "good.csv",
        "--server-load", "0.5", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    latency = document["profiles"]["candidate"]["latency"]
    assert latency["varies"] == ["transfer", "queue"]
    assert latency["p50_ms"] < latency["total_ms"] < latency["p95_ms"]
    assert 750 < latency["p95_ms"] < 1100, "a fifth of the outage's second is a twentieth of the trace"
    assert document["profiles"]["candidate"]["energy"]["radio_known"] is False


def test_tables_show_queue_percentiles_and_a_sweep(command: Any, traces: None) -> None:
    cut = ("profile", "--backbone", "resnet18", "--image-size", "64", "--cut", "layer1")
    text = command(*cut, "--server-load", "0.5", "--bandwidth-sweep").stdout
    assert all(word in text for word in ("queue", "p95", "uplink Mbit/s", "fastest", "computing counts as fixed"))
    assert "energy mJ without radio" in command(*cut, "--network", "good.csv").stdout


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
            ("--backbone", "grouped.py:make", "--image-size", "32", "--cut", "layer1", "--division", "4"),
            "6 groups cannot be",
        ),
        (("--backbone", "resnet18", "--cut", "layer1", "--channels", "65"), "above the 64 channels"),
        (("--backbone", "resnet18", "--cut", "layer1", "--exit-cut", "layer3"), "lies after the cut"),
        (("--backbone", "resnet18", "--cut", "layer1", "--division", "3"), "division must be one of 1, 2, 4, 8"),
        (("--backbone", "resnet18", "--cut", "layer1", "--tail-pruning", "0.9999"), "would leave"),
        (("--backbone", "vit_b_16", "--image-size", "100"), "100 x 100 pixels"),
        ((), "--backbone is missing"),
        (("--backbone", "resnet18", "--server-load", "1"), "--server-load: the load of the server must lie in 0"),
        (("--backbone", "resnet18", "--uplink-mbps", "0"), "--uplink-mbps must be a positive number, not 0"),
        (("--backbone", "resnet18", "--network", "wify"), "did you mean 'wifi'"),
        (("--backbone", "resnet18", "--network", "gap.csv"), "line 5: a gap of 60 s, where 1 s are usual"),
        (("--backbone", "resnet18", "--network", "back.csv"), "line 4: the time 1 s does not come after 2 s"),
        (("--backbone", "resnet18", "--network", "minus.csv"), "line 3: 'uplink_mbps' is -8; it should be 0 or more"),
        (("--backbone", "resnet18", "--network", "hole.csv"), "line 3: no value for 'rtt_ms'"),
        (("--backbone", "resnet18", "--network", "good.csv", "--rtt-ms", "3"), "is a trace with its own"),
        (("--backbone", "resnet18", "--network", "good.csv", "--bandwidth-sweep"), "needs a network of one rate"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    command: Any, traces: None, workplace: Path, arguments: tuple[str, ...], message: str
) -> None:
    (workplace / "grouped.py").write_text(SIX_GROUPS, encoding="utf-8")
    done = command("profile", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert message in done.stderr
