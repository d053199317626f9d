"""The axes of a search: what each is called in a file, what its values are, and when it matters at all.

An axis is a field of SplitConfig, which owns defaults and legal values. What this table adds is the order of the axes,
their names in space files, and the conditions under which one says anything: the width of a compact encoder means
nothing to a candidate that keeps the backbone's own head. Conditions and exclusions see only axes that matter.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from splitsearch.spaces.bottleneck.published import decoder_chain, encoder_chain
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

__all__ = ["AXES", "Axis", "Given", "accept", "defaults", "find_axis"]

Kind = Literal["cut", "text", "integer", "number"]
_LARGEST = 10**9


@dataclass(frozen=True, slots=True)
class Given:
    """A premise: `axis` matters and its value `holds`."""

    axis: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One dimension of a space.

    Attributes:
        name: the field of SplitConfig.
        plural: its key in space files; the name itself will do as well.
        kind: `integer` and `number` have an order, `cut` is resolved on a backbone, `text` is as written.
        only: premises of which one must hold for this axis to matter, about axes further up; none for always.
    """

    name: str
    plural: str
    kind: Kind
    only: tuple[Given, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a space must name its values."""
        return self.name not in defaults()


def _mimic(value: Any) -> bool:
    return bool(value == "mimic")


def _original(value: Any) -> bool:
    return bool(value == "original")


def _compact(value: Any) -> bool:
    return bool(value == "compact")


def _some(value: Any) -> bool:
    return bool(value > 0)


def _several(value: Any) -> bool:
    return bool(value > 1)


def _present(value: Any) -> bool:
    return value is not None


_EXIT = (Given("exit_cut", _present),)
_PRUNING = (Given("head_pruning", _some), Given("tail_pruning", _some))

# Exits stand beside the cut, which bounds them: what must be remembered between the two is least so.
_TABLE = (
    Axis(name="cut", plural="cuts", kind="cut"),
    Axis(name="exit_cut", plural="exit_cuts", kind="cut"),
    Axis(name="exit_confidence", plural="exit_confidences", kind="text", only=_EXIT),
    Axis(name="exit_threshold", plural="exit_thresholds", kind="number", only=_EXIT),
    Axis(name="exit_fusion", plural="exit_fusions", kind="number", only=_EXIT),
    Axis(name="head", plural="heads", kind="text"),
    Axis(name="encoder", plural="encoders", kind="text", only=(Given("head", _mimic),)),
    Axis(name="encoder_width", plural="encoder_widths", kind="integer", only=(Given("encoder", _compact),)),
    Axis(name="encoder_depth", plural="encoder_depths", kind="integer", only=(Given("encoder", _compact),)),
    Axis(name="activation", plural="activations", kind="text"),
    Axis(name="stride", plural="strides", kind="integer"),
    Axis(name="channels", plural="channels", kind="integer"),
    Axis(name="decoder", plural="decoders", kind="text"),
    Axis(name="bits", plural="bits", kind="integer"),
    Axis(name="coding", plural="codings", kind="text"),
    Axis(name="division", plural="divisions", kind="integer"),
    Axis(name="division_scope", plural="division_scopes", kind="text", only=(Given("division", _several),)),
    Axis(name="head_pruning", plural="head_prunings", kind="number", only=(Given("head", _original),)),
    Axis(name="tail_pruning", plural="tail_prunings", kind="number"),
    Axis(name="pruning_rule", plural="pruning_rules", kind="text", only=_PRUNING),
    Axis(name="importance", plural="importances", kind="text", only=_PRUNING),
    Axis(name="depth", plural="depths", kind="number"),
    Axis(name="width", plural="widths", kind="number"),
    Axis(name="resolution", plural="resolutions", kind="number"),
)
AXES = tuple(axis for axis in _TABLE if axis.name in {field.name for field in fields(SplitConfig)})


def defaults() -> Mapping[str, Any]:
    """Axis name to the value that it has where it does not matter or is not named."""
    return {field.name: field.default for field in fields(SplitConfig) if field.default is not MISSING}


def find_axis(name: str) -> Axis | None:
    """The axis of that name, in the singular or the plural."""
    return next((axis for axis in AXES if name in (axis.name, axis.plural)), None)


def accept(axis: Axis, value: Any) -> Any:
    """Returns a value in the type of its axis, so that 1 and 1.0 are one candidate.

    Raises:
        UserError: no candidate can have it.
    """
    value = _typed(axis, value)
    probe: dict[str, Any] = {
        "backbone": "any",
        "image_size": 1,
        "cut": "any",
        "head": "original",
        "channels": 1,
        "bits": 8,
    }
    SplitConfig(**(probe | {axis.name: value}))
    if axis.name == "encoder" and value != "compact":
        encoder_chain(value)
    if axis.name == "decoder" and value not in ("light", "linear"):
        decoder_chain(value)
    return value


def _typed(axis: Axis, value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST
    if axis.kind == "integer" and not (number and isinstance(value, int)):
        raise UserError(f"{axis.name} must be an integer, not {_shown(value)}")
    if axis.kind == "number":
        if not number or not math.isfinite(value):
            raise UserError(f"{axis.name} must be a number, not {_shown(value)}")
        return float(value)
    if axis.kind in ("text", "cut") and not (isinstance(value, str) and value):
        if value is None and not axis.required and defaults()[axis.name] is None:
            return None
        raise UserError(f"{axis.name} must be text, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return "a number of more than nine digits"  # Python refuses to print very long ones
    return repr(value)[:60]
