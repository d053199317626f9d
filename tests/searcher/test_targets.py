"""Targets from what users name."""

from pathlib import Path

import pytest

from splitsearch.profilers.devices.device import load_device
from splitsearch.profilers.networks.network import load_network
from splitsearch.searcher.targets import read_target
from splitsearch.spaces.errors import UserError

MACHINES = ("jetson.json", "server_t4.json")


def test_names_become_profiles() -> None:
    found = read_target(MACHINES, "wifi")
    assert (found.device, found.server) == (load_device("jetson"), load_device("server_t4"))
    assert found.network == load_network("wifi")
    assert found.server_load == 0.0


def test_wishes_are_heard() -> None:
    found = read_target(MACHINES, "wifi", server_load=0.5, uplink_mbps=3.0, rtt_ms=7.0)
    assert (found.server_load, found.network.uplink_mbps, found.network.rtt_ms) == (0.5, 3.0, 7.0)


def test_a_trace_is_a_network(tmp_path: Path) -> None:
    path = tmp_path / "drive.csv"
    path.write_text("time_s,uplink_mbps,rtt_ms\n0,8,20\n1,4,30\n")
    assert read_target(MACHINES, str(path)).network.trace is not None


def test_what_is_wrong_is_a_user_error() -> None:
    with pytest.raises(UserError, match="--server-load"):
        read_target(MACHINES, "wifi", server_load=1.5)
    with pytest.raises(UserError, match="--uplink-mbps must be a positive number, not -3"):
        read_target(MACHINES, "wifi", uplink_mbps=-3)
