"""Commands that list and cost."""

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("cuts", "--backbone", "resnet18", "--image-size", "64"), "cuts"),
        (("profile", "--backbone", "resnet18", "--image-size", "64", "--cut", "layer1"), "profiles"),
        (("backbones",), "backbones"),
        (("devices",), "devices"),
        (("networks",), "networks"),
    ],
)
def test_json_is_one_document(command: Any, arguments: tuple[str, ...], key: str) -> None:
    done = command(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[key]


def test_what_ships_is_listed_with_figures_sources_and_the_names_to_use(command: Any) -> None:
    links = command("networks").stdout
    assert all(word in links for word in ("5g_mmwave", "lora", "uplink Mbit/s", "18.88", "first reference", "Ofcom"))
    machines = command("devices").stdout
    assert all(word in machines for word in ("jetson_xavier", "GMAC/s", "90.3", "NVIDIA"))
    document = json.loads(command("networks", "--json").stdout)
    assert len(document["names"]) == len(document["networks"])
    lte = document["networks"][document["names"].index("lte")]
    assert (lte["name"], lte["uplink_mbps"]) == ("4G LTE", 6.0)
    assert lte["references"]


def test_help_names_every_kind_of_backbone(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("run", "cuts", "profile"):
        text = command(name, "--help").stdout
        assert "timm:NAME" in text
        assert "FILE.py:FUNCTION" in text


def test_tables_say_what_is_estimated_and_what_a_mac_is(command: Any) -> None:
    assert "estimated" in command("devices").stdout
    assert "1 MAC = 1 multiply-add = 2 FLOPs" in command("cuts", "--backbone", "resnet18", "--image-size", "64").stdout
    assert (
        "latency and energy are estimated" in command("profile", "--backbone", "resnet18", "--image-size", "64").stdout
    )
    assert "resnet152" in command("backbones").stdout.splitlines()
