"""CSV traces: lenient about names, strict about numbers."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from splitsearch.profilers.networks.trace_file import read_trace
from splitsearch.spaces.errors import UserError


def write(folder: Path, text: str) -> Path:
    path = folder / "drive.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "time_s,uplink_mbps,rtt_ms\n0,8,20\n1,4,25\n",
        "time,uplink,rtt\n0,8,20\n1,4,25\n",
        "Time (s),Upload (Mbit/s),Ping (ms)\n0,8,20\n1,4,25\n",
        "\ufeffrtt_ms;time_ms;UL kbit/s\n20;0;8000\n25;1000;4000\n",
        "# a logger's remark\nlatency [s]\tt\tup_bps\tdownlink_mbps\n\n0.020\t0\t8e6\t50\n0.025\t1\t4e6\t50\n\n",
        "timestamp,ul_bitrate_kbps,rtt_us,cell\n0,8000,20000,a\n1,4000,25000,b\n",
    ],
)
def test_columns_are_found_by_name_and_unit(text: str, tmp_path: Path) -> None:
    found = read_trace(write(tmp_path, text))
    assert found.time_s == (0.0, 1.0)
    assert found.uplink_mbps == pytest.approx((8.0, 4.0))
    assert found.rtt_ms == pytest.approx((20.0, 25.0))


ROWS = "time_s,uplink_mbps,rtt_ms\n0,8,20\n1,4,25\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("time_s,uplink_mbps,rtt_ms\n", "at least two rows, not 0"),
        ("time_s,uplink_mbps,rtt_ms\n0,8,20\n", "at least two rows, not 1"),
        ("0,8,20\n1,4,25\n", "the first line names no column time_s"),
        ("time_s,uplink_mbps\n0,8\n1,4\n", "the first line names no column rtt_ms"),
        ("time_s,uplink_mbps,upload,rtt_ms\n", "'uplink_mbps' and 'upload' both look like the column uplink_mbps"),
        (ROWS + "2,-3,20\n", "line 4: 'uplink_mbps' is -3; it should be 0 or more"),
        (ROWS + "2,3,0\n", "line 4: 'rtt_ms' is 0; it should be more than 0"),
        (ROWS + "2,nan,20\n", "line 4: 'uplink_mbps' is nan; it should be 0 or more"),
        (ROWS + "2,3,inf\n", "line 4: 'rtt_ms' is inf"),
        (ROWS + "2,many,20\n", "line 4: 'uplink_mbps' is 'many', which is no number"),
        (ROWS + "2,,20\n", "line 4: no value for 'uplink_mbps'; fill the gap or cut the trace there"),
        (ROWS + "2,3\n", "line 4: no value for 'rtt_ms'"),
        (ROWS + "# lost\n\n1,3,20\n", "line 6: the time 1 s does not come after 1 s"),
        (ROWS + "2,3,20\n30,3,20\n", "line 5: a gap of 28 s, where 1 s are usual; fill it or cut the trace there"),
        ("time_s,uplink_mbps,rtt_ms\n0,0,20\n1,0,25\n", "0 in every row"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_number(text: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_trace(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"network trace {path}: ")
    assert "\n" not in str(caught.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "drive.csv"
    path.write_bytes(b"\xff\xfe\x00time")
    with pytest.raises(UserError, match="no text in UTF-8"):
        read_trace(path)


SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
STEPS = st.lists(st.tuples(st.floats(0.5, 1.5), st.floats(0.001, 1e4), st.floats(0.01, 1e4)), min_size=2, max_size=20)


@SLOW
@given(STEPS, st.sampled_from(",;\t"), st.permutations(["time_s", "uplink_mbps", "rtt_ms", "remark"]))
def test_what_was_written_is_read(
    tmp_path: Path, steps: list[tuple[float, float, float]], delimiter: str, columns: list[str]
) -> None:
    now, lines = 0.0, [delimiter.join(columns)]
    for step, rate, trip in steps:
        now += step
        cells = {"time_s": repr(now), "uplink_mbps": repr(rate), "rtt_ms": repr(trip), "remark": "x"}
        lines.append(delimiter.join(cells[name] for name in columns))
    found = read_trace(write(tmp_path, "\n".join(lines)))
    assert found.uplink_mbps == tuple(rate for _, rate, _ in steps)
    assert found.rtt_ms == tuple(trip for _, _, trip in steps)
    assert found.time_s[-1] == now


@SLOW
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_one_line(tmp_path: Path, text: str) -> None:
    """Nothing but a trace or a UserError comes out."""
    path = tmp_path / "drive.csv"
    path.write_bytes(("time_s,uplink_mbps,rtt_ms\n" + text).encode("utf-8", errors="replace"))
    with contextlib.suppress(UserError):
        assert len(read_trace(path).time_s) >= 2


@SLOW
@given(STEPS, st.data())
def test_one_wrong_row_is_named(tmp_path: Path, steps: list[tuple[float, float, float]], data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, len(steps) - 1))
    cell = data.draw(st.sampled_from(["-1", "", "nan", "x"]))
    now, lines = 0.0, ["time_s,uplink_mbps,rtt_ms"]
    for place, (step, rate, trip) in enumerate(steps):
        now += step
        lines.append(f"{now!r},{cell if place == bad else repr(rate)},{trip!r}")
    with pytest.raises(UserError, match=f": line {bad + 2}: "):
        read_trace(write(tmp_path, "\n".join(lines)))
