"""The axes of a search: what each is called in a file, and what its values are.

An axis is a field of SplitConfig, which owns defaults and legal values; when it matters at all stands in
`spaces.premises`. What this table adds is the order of the axes and their names in space files. Exclusions see only
axes that matter.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from splitsearch.spaces.bottleneck.published import decoder_chain, encoder_chain
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.premises import PREMISES, Given

__all__ = ["AXES", "Axis", "accept", "defaults", "find_axis"]

Kind = Literal["cut", "text", "integer", "number"]
_LARGEST = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One dimension of a space.

    Attributes:
        name: the field of SplitConfig.
        plural: its key in space files; the name itself will do as well.
        kind: `integer` and `number` have an order, `cut` is resolved on a backbone, `text` is as written.
    """

    name: str
    plural: str
    kind: Kind

    @property
    def only(self) -> tuple[Given, ...]:
        """Premises about axes further up, of which one must be given for this axis to matter; none for always."""
        return PREMISES.get(self.name, ())

    @property
    def required(self) -> bool:
        """Whether a space must name its values."""
        return self.name not in defaults()


# Exits stand beside the cut, which bounds them: what must be remembered between the two is least so.
_TABLE = (
    Axis(name="cut", plural="cuts", kind="cut"),
    Axis(name="exit_cut", plural="exit_cuts", kind="cut"),
    Axis(name="exit_confidence", plural="exit_confidences", kind="text"),
    Axis(name="exit_threshold", plural="exit_thresholds", kind="number"),
    Axis(name="exit_fusion", plural="exit_fusions", kind="number"),
    Axis(name="head", plural="heads", kind="text"),
    Axis(name="encoder", plural="encoders", kind="text"),
    Axis(name="encoder_width", plural="encoder_widths", kind="integer"),
    Axis(name="encoder_depth", plural="encoder_depths", kind="integer"),
    Axis(name="activation", plural="activations", kind="text"),
    Axis(name="stride", plural="strides", kind="integer"),
    Axis(name="channels", plural="channels", kind="integer"),
    Axis(name="decoder", plural="decoders", kind="text"),
    Axis(name="bits", plural="bits", kind="integer"),
    Axis(name="coding", plural="codings", kind="text"),
    Axis(name="division", plural="divisions", kind="integer"),
    Axis(name="division_scope", plural="division_scopes", kind="text"),
    Axis(name="head_pruning", plural="head_prunings", kind="number"),
    Axis(name="tail_pruning", plural="tail_prunings", kind="number"),
    Axis(name="pruning_rule", plural="pruning_rules", kind="text"),
    Axis(name="importance", plural="importances", kind="text"),
    Axis(name="pruning_multiple", plural="pruning_multiples", kind="integer"),
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
