"""Every shipped profile loads, says where its figures come from, and survives a round trip."""

import json
from pathlib import Path

import pytest
from torchvision.models import get_model

from splitsearch.profilers.devices.device import DeviceProfile, device_names, load_device
from splitsearch.profilers.networks.network import NetworkProfile, load_network, network_names
from splitsearch.profilers.shipped import shipped_names


def test_the_shipped_names_are_the_promised_ones() -> None:
    assert device_names() == (
        "jetson",
        "jetson_orin_nano",
        "jetson_xavier",
        "raspberry_pi_4",
        "server_cpu",
        "server_t4",
    )
    assert network_names() == (
        "3g",
        "3g_huang2012",
        "5g",
        "5g_low",
        "5g_mid",
        "5g_mmwave",
        "ble",
        "ethernet",
        "lora",
        "lte",
        "lte_huang2012",
        "wifi",
        "wifi_huang2012",
    )
    assert load_network("5g") == load_network("5g_mid")


def test_names_are_listed_without_the_other_files_of_the_package() -> None:
    assert "__init__" not in shipped_names("splitsearch.configs.devices")
    assert shipped_names("splitsearch.configs") == ()


@pytest.mark.parametrize("name", device_names())
def test_a_shipped_device_loads_and_names_its_sources(name: str) -> None:
    profile = load_device(name)
    assert profile == load_device(f"{name}.json")
    assert profile.source == "estimated"
    assert len(profile.references) >= 2
    assert profile.power.active_w > profile.power.idle_w


@pytest.mark.parametrize("name", network_names())
def test_a_shipped_network_loads_and_names_its_sources(name: str) -> None:
    profile = load_network(name)
    assert profile == load_network(f"{name}.json")
    assert profile.source == "estimated"
    assert profile.references
    assert profile.method
    assert profile.radio is not None
    assert profile.radio.transmit_w >= profile.radio.idle_w


def test_the_phones_of_2012_stand_in_presets_of_that_name_alone() -> None:
    """Watts at the rate of the profile, by the coefficients that papers quote."""
    models = {"lte": (438.39, 1288.04), "3g": (868.98, 817.88), "wifi": (283.17, 132.86)}
    for name, (slope, base) in models.items():
        old, new = load_network(f"{name}_huang2012"), load_network(name)
        assert old.radio is not None
        assert old.radio.transmit_w == pytest.approx((slope * old.uplink_mbps + base) / 1e3, abs=1e-3)
        assert new.radio is not None
        assert "2012 phone" not in new.method
        assert new.radio != old.radio


@pytest.mark.parametrize("name", device_names())
def test_a_device_survives_a_round_trip(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(load_device(name).to_json()))
    again = load_device(str(path))
    assert isinstance(again, DeviceProfile)
    assert again == load_device(name)
    assert hash(again) == hash(load_device(name))


@pytest.mark.parametrize("name", network_names())
def test_a_network_survives_a_round_trip(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(load_network(name).to_json()))
    again = load_network(str(path))
    assert isinstance(again, NetworkProfile)
    assert again == load_network(name)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
@pytest.mark.parametrize(
    ("device", "model", "images_per_s"),
    [
        ("jetson", "resnet18", 29.4),
        ("jetson", "resnet50", 12.4),
        ("jetson", "squeezenet1_1", 76.6),
        ("jetson_xavier", "resnet18", 140),
        ("jetson_xavier", "resnet50", 55.5),
    ],
)
def test_the_fitted_boards_reproduce_the_published_throughput(device: str, model: str, images_per_s: float) -> None:
    # Here rather than above: fvcore warns when it is imported, and a mark does not reach the collection of a file.
    from splitsearch.profilers.counting.operators import operator_costs
    from splitsearch.profilers.predict.roofline import stage_ms

    costs = operator_costs(get_model(model, weights=None).eval(), (3, 224, 224))
    assert stage_ms(costs.values(), load_device(device)) == pytest.approx(1e3 / images_per_s, rel=0.12)
