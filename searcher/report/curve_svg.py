"""One training's curve as a small SVG picture, for places that show pictures alone and have no browser to draw them."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from splitsearch.searcher.report.palette import LIGHT

__all__ = ["curve_svg"]

_WIDTH, _HEIGHT = 480, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 34, 44


def curve_svg(curve: Sequence[dict[str, float]]) -> str:
    """Accuracy over images seen where the curve has them, else loss over epochs; empty without a point.

    Args:
        curve: as in a trial's result.
    """
    what = "accuracy" if any("accuracy" in point for point in curve) else "loss"
    along = "samples" if any("samples" in point for point in curve) else "epoch"
    points = [(point[along], point[what]) for point in curve if along in point and what in point]
    if not points:
        return ""
    right = max(x for x, _ in points) or 1.0
    low, high = min(y for _, y in points), max(y for _, y in points)
    low, high = (low, high) if high > low else (low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1))
    across = (_WIDTH - _LEFT - _RIGHT) / right
    upright = (_HEIGHT - _TOP - _BOTTOM) / (high - low)
    placed = [(_LEFT + x * across, _HEIGHT - _BOTTOM - (y - low) * upright) for x, y in points]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in placed)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    floor = _HEIGHT - _BOTTOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{LIGHT["muted"]}">'
        f'<rect width="100%" height="100%" fill="{LIGHT["page"]}"/>'
        f'<text x="{_LEFT}" y="20" font-size="14" fill="{LIGHT["ink"]}">{escape(what)} while training</text>'
        f'<path d="M{_LEFT} {_TOP}V{floor}H{_WIDTH - _RIGHT}" fill="none" stroke="{LIGHT["axis"]}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{high:.4g}</text>'
        f'<text x="{_LEFT - 6}" y="{floor}" text-anchor="end">{low:.4g}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{floor + 18}" text-anchor="end">{right:g}</text>'
        f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"{'images seen' if along == 'samples' else escape(along)}</text>"
        f'<polyline points="{line}" fill="none" stroke="{LIGHT["front"]}" stroke-width="2"/>'
        f'<g fill="{LIGHT["front"]}">{dots}</g></svg>\n'
    )
