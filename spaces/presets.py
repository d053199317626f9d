"""Configurations of the published systems, by name: `hnd`, or `hnd:densenet169` for one of its variants.

A preset without a cut is a network that nobody splits (SplitNet, EdgeCompress): it is costed whole, on the device.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from splitsearch.spaces.errors import UserError, nearest

__all__ = ["Preset", "find_preset", "presets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One published configuration.

    Attributes:
        name: `system:variant`.
        source: the publication.
        channels: the published widths of the bottleneck; empty if there is one or none.
        fields: fields of a SplitConfig; without `cut` for a network that is not split.
    """

    name: str
    source: str
    channels: tuple[int, ...]
    fields: dict[str, Any]

    @property
    def system(self) -> str:
        """Whose it is."""
        return self.name.partition(":")[0]

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {"name": self.name, "source": self.source, "channels": list(self.channels), "fields": self.fields}


def presets() -> list[Preset]:
    """All that ship, the default variant of each system first."""
    found = []
    for entry in sorted(files("splitsearch.configs.presets").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            data = yaml.safe_load(entry.read_text(encoding="utf-8"))
            system = entry.name.removesuffix(".yaml")
            found += [_preset(system, variant, fields, data) for variant, fields in data["variants"].items()]
    return found


def _preset(system: str, variant: str, fields: dict[str, Any], data: dict[str, Any]) -> Preset:
    return Preset(
        name=f"{system}:{variant}",
        source=data["source"],
        channels=tuple(data.get("channels", ())),
        fields=data["common"] | fields,
    )


def find_preset(name: str, backbone: str | None = None) -> Preset:
    """Finds a preset.

    Args:
        name: a system, or `system:variant`.
        backbone: chooses among the variants of a system, and must be that of a variant named.

    Raises:
        UserError: there is no such preset, or it belongs to another backbone.
    """
    known = presets()
    fitting = [preset for preset in known if name in (preset.name, preset.system)]
    if not fitting:
        names = dict.fromkeys([*(preset.system for preset in known), *(preset.name for preset in known)])
        raise UserError(f"unknown preset '{name}'{nearest(name, names)}")
    if backbone is None:
        return fitting[0]
    for preset in fitting:
        if preset.fields["backbone"] == backbone:
            return preset
    backbones = ", ".join(dict.fromkeys(preset.fields["backbone"] for preset in fitting))
    raise UserError(f"the preset '{name}' is for {backbones}, not for {backbone}")
