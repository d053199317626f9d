"""Colours by meaning."""

import pytest

from splitsearch.searcher.report.palette import CANDIDATES, DARK, LIGHT, baseline_role, contrast


def test_contrast_of_black_and_white_is_the_greatest() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_legible_on_page_and_panel(theme: dict[str, str]) -> None:
    for role in ("ink", "muted", "front"):
        assert min(contrast(theme[role], theme[ground]) for ground in ("page", "panel")) >= 4.5
    for role in ("local", "model", "raw", "jpeg", "webp", "head", "round_trip", "uplink", "queue", "tail", "axis"):
        assert contrast(theme[role], theme["page"]) >= 2.5, role  # shapes; the names beside them are ink


def test_both_themes_have_the_same_roles_and_no_colour_means_two_things() -> None:
    assert set(LIGHT) == set(DARK)
    assert len(set(LIGHT.values())) == len(LIGHT)  # the page finds a role by its light colour
    assert not set(CANDIDATES) & set(LIGHT.values())


@pytest.mark.parametrize(
    ("name", "role"),
    [("local", "local"), ("server_raw", "raw"), ("server_jpeg_q90", "jpeg"), ("server_webp_q10", "webp"),
     ("local_mobilenet_v3_small", "model")],
)  # fmt: skip
def test_a_baseline_has_the_colour_of_its_kind(name: str, role: str) -> None:
    assert baseline_role(name) == role
