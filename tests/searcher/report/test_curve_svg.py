"""A curve as a picture."""

from xml.etree import ElementTree

from splitsearch.searcher.report.curve_svg import curve_svg

POINTS = "{http://www.w3.org/2000/svg}polyline"


def test_points_lie_where_their_values_are() -> None:
    drawn = ElementTree.fromstring(curve_svg([{"epoch": 1, "loss": 4.0}, {"epoch": 2, "loss": 2.0}]))
    line = drawn.find(POINTS)
    assert line is not None
    (x1, y1), (x2, y2) = (map(float, pair.split(",")) for pair in line.attrib["points"].split())
    assert (y1, y2) == (34.0, 236.0)
    assert x2 == 464.0
    assert x1 == 64 + (464 - 64) / 2


def test_accuracy_is_preferred_and_nothing_draws_nothing() -> None:
    assert "accuracy while training" in curve_svg([{"rung": 1, "samples": 10, "accuracy": 0.4, "loss": 1.0}])
    assert curve_svg([]) == ""
    assert curve_svg([{"epoch": 1}]) == ""
    assert "polyline" in curve_svg([{"epoch": 1, "loss": 0.0}])
