"""Device profiles: what is accepted, and the one line that says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from splitsearch.profilers.devices.device import load_device
from splitsearch.spaces.errors import UserError


@pytest.fixture
def data() -> dict[str, Any]:
    return {
        "schema": 1,
        "name": "mine",
        "description": "a test machine",
        "source": "measured",
        "runtime": {"name": "PyTorch eager", "dtype": "float32"},
        "compute": {"gmacs_per_s": 10, "memory_gbytes_per_s": 5.5, "operator_overhead_ms": 0},
        "codec": {"jpeg_encode_mpixels_per_s": 40, "jpeg_decode_mpixels_per_s": 50},
        "power": {"idle_w": 1.5, "active_w": 4},
        "memory_mib": 1024,
        "method": "made up",
    }


def refusal(content: str | bytes, folder: Path) -> str:
    """Returns the one line with which a file of that content is refused."""
    path = folder / "mine.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        load_device(str(path))
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


def test_a_file_is_read(data: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(data))
    profile = load_device(str(path))
    assert profile.compute.gmacs_per_s == 10
    assert profile.compute.operator_overhead_ms == 0
    assert profile.references == ()
    assert profile.schema_version == 1


def test_an_existing_file_wins_over_a_shipped_name(
    data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jetson.json").write_text(json.dumps(data))
    monkeypatch.chdir(tmp_path)
    assert load_device("jetson.json").name == "mine"
    assert load_device("jetson").name == "Jetson Nano 4GB"


@pytest.mark.parametrize("name", ["jetsen", "jetsen.json"])
def test_an_unknown_name_gets_the_nearest(name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}' is neither a file nor a shipped name; did you mean 'jetson'"):
        load_device(name)


@pytest.mark.parametrize("name", ["", "..", "x" * 5000, "nul\0byte"])
def test_impossible_paths_are_unknown_names(name: str) -> None:
    with pytest.raises(UserError, match="neither a file nor a shipped name"):
        load_device(name)


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1,}', b"\xff\xfe", "[" * 100_000])
def test_broken_json(content: str | bytes, tmp_path: Path) -> None:
    assert "not valid JSON" in refusal(content, tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"jetson"'])
def test_json_that_is_no_object(content: str, tmp_path: Path) -> None:
    assert "must hold a JSON object" in refusal(content, tmp_path)


@pytest.mark.parametrize("field", ["schema", "source", "runtime", "power", "memory_mib", "method"])
def test_a_missing_field(field: str, data: dict[str, Any], tmp_path: Path) -> None:
    del data[field]
    assert f"the field '{field}' is missing" in refusal(json.dumps(data), tmp_path)


def test_a_missing_inner_field_is_dotted(data: dict[str, Any], tmp_path: Path) -> None:
    del data["compute"]["gmacs_per_s"]
    assert "the field 'compute.gmacs_per_s' is missing" in refusal(json.dumps(data), tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-3, "-3"),
        (0, "0"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("12", "'12'"),
        (True, "True"),
        (None, "None"),
    ],
)
def test_a_bad_number(value: Any, shown: str, data: dict[str, Any], tmp_path: Path) -> None:
    data["compute"]["gmacs_per_s"] = value
    line = refusal(json.dumps(data), tmp_path)
    assert f"the field 'compute.gmacs_per_s' is {shown}: it should be" in line


def test_a_number_beyond_floats(data: dict[str, Any], tmp_path: Path) -> None:
    assert "'memory_mib'" in refusal(json.dumps(data).replace("1024", "1e999"), tmp_path)


def test_a_negative_overhead(data: dict[str, Any], tmp_path: Path) -> None:
    data["compute"]["operator_overhead_ms"] = -0.1
    assert "'compute.operator_overhead_ms' is -0.1: it should be greater than or equal to 0" in refusal(
        json.dumps(data), tmp_path
    )


def test_a_misspelt_inner_field_gets_the_nearest(data: dict[str, Any], tmp_path: Path) -> None:
    data["compute"]["gmac_per_s"] = data["compute"].pop("gmacs_per_s")
    line = refusal(json.dumps(data), tmp_path)
    assert "unknown field 'compute.gmac_per_s' = 10; did you mean 'gmacs_per_s'?" in line


def test_a_misspelt_outer_field_gets_the_name_of_the_file_format(data: dict[str, Any], tmp_path: Path) -> None:
    data["shema"] = data.pop("schema")
    assert "unknown field 'shema' = 1; did you mean 'schema'?" in refusal(json.dumps(data), tmp_path)


@pytest.mark.parametrize(
    ("field", "value"), [("schema", 2), ("source", "guessed"), ("name", ""), ("runtime", []), ("references", "a book")]
)
def test_a_wrong_value(field: str, value: Any, data: dict[str, Any], tmp_path: Path) -> None:
    data[field] = value
    assert f"the field '{field}' is {value!r}: " in refusal(json.dumps(data), tmp_path)


def test_an_estimate_needs_a_reference(data: dict[str, Any], tmp_path: Path) -> None:
    data["source"] = "estimated"
    assert "the field 'references' is (): at least one reference is needed" in refusal(json.dumps(data), tmp_path)


def test_a_long_value_is_cut_and_stays_on_one_line(data: dict[str, Any], tmp_path: Path) -> None:
    data["memory_mib"] = "line\n" * 1000
    line = refusal(json.dumps(data), tmp_path)
    assert "'memory_mib'" in line
    assert len(line) < 400
