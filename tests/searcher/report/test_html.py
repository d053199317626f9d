"""The report in a browser: every figure drawn, no fault, no network, wide and narrow, light and dark, on paper."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from splitsearch.profilers.networks.network import load_network
from splitsearch.searcher.report.figures import figures_of
from splitsearch.searcher.report.html import report_html, write_report
from splitsearch.searcher.report.record import Record, read_record
from splitsearch.searcher.report.whatif import Scenario, constants, energy_mj, latency_ms, options
from splitsearch.searcher.report.winner_figure import ALLOWED_DROP
from splitsearch.spaces.errors import UserError

MOST_BYTES = 6_000_000


class Page:
    """A report opened in a browser, with all that it complained about."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.set_default_timeout(120_000)
        self.page.goto(path.as_uri())

    def draw_all(self) -> None:
        for element in self.page.query_selector_all("[data-plot], #whatif-front"):
            element.evaluate("(element) => element.scrollIntoView({ block: 'center', behavior: 'instant' })")
            self.page.wait_for_function("(element) => element.dataset.drawn", arg=element)
        undrawn = '!document.querySelector("[data-plot]:not([data-drawn]), #whatif-front:not([data-drawn])")'
        self.page.wait_for_function(undrawn)


@pytest.fixture(scope="module")
def report(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(read_record(finished), path)
    return path


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def open_page(path: Path = report, **context: Any) -> Page:
        pages.append(Page(browser, path, **context))
        return pages[-1]

    yield open_page
    for page in pages:
        page.context.close()


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_figure_is_drawn_without_a_fault(opened: Callable[..., Page], width: int, scheme: str) -> None:
    view = opened(viewport={"width": width, "height": 844}, color_scheme=scheme)
    view.draw_all()
    assert view.complaints == []
    assert len(view.requests) == 1, "the page asked for something else than itself"
    drawn = view.page.evaluate('document.querySelectorAll(".plot .main-svg").length')
    assert drawn >= view.page.evaluate('document.querySelectorAll(".plot").length') >= 7
    assert view.page.evaluate("document.documentElement.scrollWidth") <= width
    colour = view.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 19, 24)"}[scheme]
    text = view.page.evaluate('getComputedStyle(document.querySelector("#front .xtitle")).fill')
    assert text == {"light": "rgb(87, 96, 106)", "dark": "rgb(154, 167, 180)"}[scheme]


def test_it_is_one_file_of_bounded_size_that_allows_no_network(report: Path) -> None:
    text = re.sub(r"<script>.*?</script>", "", report.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert report.stat().st_size <= MOST_BYTES
    assert "default-src 'none'" in text
    assert not re.search(r'(src|href)="https?:', text)


def test_browser_and_python_cost_alike(opened: Callable[..., Page], finished: Path) -> None:
    record, view = read_record(finished), opened()
    assert record.target is not None
    scenarios = [
        Scenario(),
        Scenario(device_factor=2.5, server_factor=0.3, uplink_mbps=0.7, rtt_ms=12.0, server_load=0.55),
        Scenario(device_factor=0.1, uplink_mbps=300.0, rtt_ms=210.0, server_load=0.0),
    ]
    for scenario in scenarios:
        place = {
            "device_factor": scenario.device_factor,
            "server_factor": scenario.server_factor,
            "uplink_mbps": scenario.uplink_mbps or record.target.network.uplink_mbps,
            "rtt_ms": scenario.rtt_ms or record.target.network.rtt_ms,
            "server_load": record.target.server_load if scenario.server_load is None else scenario.server_load,
        }
        seen = view.page.evaluate(
            "(place) => DATA.whatif.options.map((option) => "
            "['latency', 'energy'].map((cost) => WhatIf[cost](DATA.whatif.constants, option, place)))",
            place,
        )
        for option, (latency, energy) in zip(options(record), seen, strict=True):
            assert latency == pytest.approx(latency_ms(option, record.target, scenario))
            assert energy == pytest.approx(energy_mj(option, record.target, scenario))


@pytest.mark.parametrize("network", ["lora", "lte_huang2012", "wifi_huang2012"])
def test_networks_with_messages_losses_and_radio_states_cost_alike_too(
    opened: Callable[..., Page], make: Callable[..., Record], tmp_path: Path, network: str
) -> None:
    record = make(network, load=0.25)
    assert record.target is not None
    lossy = replace(record.target, network=record.target.network.model_copy(update={"loss": 0.02}))
    costs = [
        (latency_ms(o, lossy, Scenario(uplink_mbps=1.5)), energy_mj(o, lossy, Scenario(uplink_mbps=1.5)))
        for o in options(record)
    ]
    write_report(record, tmp_path / "page.html")
    seen = opened(tmp_path / "page.html").page.evaluate(
        "([constants]) => DATA.whatif.options.map((option) => { const place = { device_factor: 1, server_factor: 1, "
        "uplink_mbps: 1.5, rtt_ms: constants.rtt_ms, server_load: constants.server_load }; "
        "return [WhatIf.latency(constants, option, place), WhatIf.energy(constants, option, place)]; })",
        [constants(lossy)],
    )
    for (latency, energy), (expected_ms, expected_mj) in zip(seen, costs, strict=True):
        assert latency == pytest.approx(expected_ms)
        assert energy == pytest.approx(expected_mj)


def test_a_slider_moves_front_winner_and_map_by_keyboard(opened: Callable[..., Page]) -> None:
    view = opened()
    view.draw_all()
    page = view.page
    before = page.inner_text("#winner")
    placed = 'document.querySelector("#whatif-front").data.flatMap((trace) => trace.x).join()'
    points = page.evaluate(placed)
    page.focus("#device_factor")
    page.keyboard.press("Home")
    page.wait_for_function("(before) => document.getElementById('winner').textContent !== before", arg=before)
    assert page.inner_text("#device_factor-value") == "\N{MULTIPLICATION SIGN} 0.1"
    assert page.get_attribute("#device_factor", "aria-valuetext") == "\N{MULTIPLICATION SIGN} 0.1"
    assert page.evaluate(placed) != points
    page.click("form button[type=reset]")
    page.wait_for_function("(before) => document.getElementById('winner').textContent === before", arg=before)
    assert page.evaluate(placed) == points
    assert view.complaints == []


def test_the_map_of_the_browser_is_that_of_python(opened: Callable[..., Page], finished: Path) -> None:
    record, view = read_record(finished), opened()
    expected = next(f for f in figures_of(record) if f.name == "winner_map").plot["data"][0]
    view.draw_all()
    seen = view.page.evaluate(
        '(({ z, text }) => ({ z, text }))(document.querySelector("[data-plot=winner_map]").data[0])'
    )
    assert seen["z"] == expected["z"]
    assert data_of(report_html(record, figures_of(record)))["whatif"]["drop"] == ALLOWED_DROP


def test_the_table_sorts_and_copies_by_keyboard(opened: Callable[..., Page], finished: Path) -> None:
    view = opened()
    page = view.page
    column = (
        'Array.from(document.querySelectorAll("#table tbody tr td:nth-child(3)"), (cell) => Number(cell.dataset.value))'
    )
    page.focus("#table th:nth-child(3) button")
    page.keyboard.press("Enter")
    assert page.evaluate(column) == sorted(page.evaluate(column))
    assert page.get_attribute("#table th:nth-child(3)", "aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert page.evaluate(column) == sorted(page.evaluate(column), reverse=True)
    page.focus("#table tbody tr:first-child button")
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('said').textContent !== ''")
    assert "splitsearch export" in page.inner_text("#said")
    assert view.complaints == []


@pytest.mark.parametrize("format", ["csv", "svg", "png"])
def test_a_figure_can_be_saved(opened: Callable[..., Page], tmp_path: Path, format: str) -> None:
    view = opened()
    view.draw_all()
    with view.page.expect_download() as waiting:
        view.page.click(f'button[data-figure="front_latency_ms_accuracy"][data-format="{format}"]')
    waiting.value.save_as(tmp_path / "saved")
    start = (tmp_path / "saved").read_bytes()[:200]
    assert {"csv": b"name,kind,latency_ms", "svg": b"<svg", "png": b"\x89PNG"}[format] in start
    assert waiting.value.suggested_filename == f"front_latency_ms_accuracy.{format}"
    assert view.complaints == []


def test_it_prints_light_whatever_the_screen_is(opened: Callable[..., Page]) -> None:
    view = opened(color_scheme="dark")
    assert view.page.pdf()[:5] == b"%PDF-"
    view.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    light = "getComputedStyle(document.querySelector('#front .xtitle')).fill === 'rgb(87, 96, 106)'"
    view.page.wait_for_function(light)
    view.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    view.page.wait_for_function(f"!({light})")
    assert view.complaints == []


def test_names_cannot_break_out_of_the_page(make: Callable[..., Record]) -> None:
    record = make()
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    document = record.document | {"backbone": hostile, "verdict": hostile}
    changed = make(document=document, command=hostile)
    text = report_html(changed, figures_of(changed))
    assert "<script>alert" not in text
    assert "<img" not in text
    trial = record.trials[0].to_json()
    trial["config"] = trial["config"] | {"cut": hostile}
    changed = make(trials=(type(record.trials[0]).from_json(trial), *record.trials[1:]))
    text = report_html(changed, figures_of(changed))
    assert "<script>alert" not in text
    assert hostile in json.dumps(data_of(text)["whatif"]["options"][0]["label"])


def test_a_run_over_a_trace_has_a_panel_and_no_map(
    make: Callable[..., Record], opened: Callable[..., Page], tmp_path: Path
) -> None:
    (tmp_path / "drive.csv").write_text("time_s,uplink_mbps,rtt_ms\n0,6,53\n10,6,53\n")
    record = make()
    assert record.target is not None
    target = replace(record.target, network=load_network(str(tmp_path / "drive.csv")))
    link = record.trials[0].latency["transfer_ms"]
    assert link > 0
    changed = make(
        target=target,
        trials=(),
        document=record.document | {"front": [], "baselines": record.document["baselines"][:1]},
    )
    write_report(changed, tmp_path / "trace.html")
    view = opened(tmp_path / "trace.html")
    view.draw_all()
    assert view.complaints == []
    assert view.page.query_selector("[data-plot=winner_map]") is None
    assert "is a trace" in view.page.inner_text("#elsewhere")
    assert view.page.query_selector("input[type=range]#uplink_mbps") is None


def test_without_profiles_the_rest_is_there(
    make: Callable[..., Record], opened: Callable[..., Page], tmp_path: Path
) -> None:
    write_report(make(target=None, target_fault="gone"), tmp_path / "page.html")
    view = opened(tmp_path / "page.html")
    view.draw_all()
    assert view.complaints == []
    assert "cannot be costed elsewhere" in view.page.inner_text("#elsewhere")


def test_a_place_that_cannot_be_written_is_named(make: Callable[..., Record], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_report(make(), tmp_path / "no" / "folder" / "page.html")
