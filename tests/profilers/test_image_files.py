"""Times of image files on other machines."""

import json
from typing import Any

import pytest

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.devices.measured import MeasuredCodec
from splitsearch.profilers.image_files import REFERENCE_QUALITY, CodecTimes, ImageFile, coding_time

FILE = ImageFile(
    codec="webp",
    quality=40,
    pixels=32 * 32,
    mean_bytes=100.0,
    here=CodecTimes(encode_ms=0.3, decode_ms=0.05),
    reference=CodecTimes(encode_ms=0.1, decode_ms=0.1),
)


def measured(**fields: Any) -> MeasuredCodec:
    series = {"n": 9, "p10": 1.0, "p50": 2.0, "p90": 3.0, "iqr": 1.349}
    data = {"op": "webp_encode", "elements": 32 * 32, "quality": 40, "bytes_out": 90, "series": series} | fields
    return MeasuredCodec.model_validate_json(json.dumps(data))


class Machine:
    """What a profile with measurements offers, of all that it must hold otherwise."""

    def __init__(self, device: DeviceProfile, *codec: MeasuredCodec) -> None:
        self.name, self.source, self.codec = "mine", device.source, device.codec
        self.measured = type("Measured", (), {"codec": codec})


def test_times_here_are_scaled_by_the_figure_for_jpeg(device: DeviceProfile) -> None:
    encode, how = coding_time(FILE, "encode", device)
    jpeg_ms = 32 * 32 / 1e3 / device.codec.jpeg_encode_mpixels_per_s
    assert encode.ms == pytest.approx(3 * jpeg_ms)
    assert encode.source == "estimated"
    assert device.name in how
    decode, _ = coding_time(FILE, "decode", device)
    assert decode.ms == pytest.approx(0.5 * 32 * 32 / 1e3 / device.codec.jpeg_decode_mpixels_per_s)


def test_the_reference_takes_what_the_profile_says(device: DeviceProfile) -> None:
    same = ImageFile(codec="jpeg", quality=REFERENCE_QUALITY, pixels=10**6, mean_bytes=1.0, here=FILE.here,
                     reference=FILE.here)  # fmt: skip
    encode, _ = coding_time(same, "encode", device)
    assert encode.ms == pytest.approx(1e3 / device.codec.jpeg_encode_mpixels_per_s)


def test_a_clock_too_coarse_to_see_a_file_costs_as_much_as_jpeg(device: DeviceProfile) -> None:
    blind = ImageFile(codec="webp", quality=40, pixels=10**6, mean_bytes=1.0, here=CodecTimes(encode_ms=0, decode_ms=0),
                      reference=CodecTimes(encode_ms=0, decode_ms=0))  # fmt: skip
    encode, _ = coding_time(blind, "encode", device)
    assert encode.ms == pytest.approx(1e3 / device.codec.jpeg_encode_mpixels_per_s)


def test_what_the_machine_itself_measured_comes_first(device: DeviceProfile) -> None:
    machine: Any = Machine(device, measured(quality=90), measured(), measured(op="jpeg_encode"))
    encode, how = coding_time(FILE, "encode", machine)
    assert (encode.ms, encode.source, how) == (2.0, "measured", "measured on mine")
    assert encode.deviation_ms == pytest.approx(1.0)
    decode, how = coding_time(FILE, "decode", machine)  # nothing was measured of it
    assert decode.source == "estimated"
    assert "scaled" in how


def test_another_size_or_quality_is_a_prediction(device: DeviceProfile) -> None:
    machine: Any = Machine(device, measured(elements=64 * 64), measured(elements=640 * 640))
    encode, _ = coding_time(FILE, "encode", machine)
    assert (encode.ms, encode.source, encode.in_range) == (0.5, "predicted", False)
    machine = Machine(device, measured(quality=90))
    encode, _ = coding_time(FILE, "encode", machine)
    assert (encode.ms, encode.source, encode.in_range) == (2.0, "predicted", True)
