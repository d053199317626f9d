"""SplitConfig: what one candidate is, as data. Equal configurations have equal keys, in every process."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from splitsearch.spaces.errors import UserError, nearest

__all__ = ["BITS", "HEADS", "HeadKind", "SplitConfig"]

HeadKind = Literal["original", "mimic"]
HEADS: tuple[HeadKind, ...] = get_args(HeadKind)
BITS = (1, 2, 3, 4, 5, 6, 7, 8, 16, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """One candidate: where the backbone is cut and what crosses the network there.

    Attributes:
        backbone: name of a torchvision classifier, or `FILE.py:FUNCTION`.
        cut: name of the node after which the backbone is cut.
        head: `original` keeps the backbone's layers up to the cut, `mimic` replaces them by a compact encoder.
        channels: channels of the bottleneck tensor, at least 1.
        bits: bits per element on the wire, one of `BITS`; 32 sends float32 as it is.
        image_size: side of the square input image in pixels.
    """

    backbone: str
    cut: str
    head: HeadKind
    channels: int
    bits: int
    image_size: int

    def __post_init__(self) -> None:
        if self.head not in HEADS:
            raise UserError(f"head must be one of {', '.join(HEADS)}, not '{self.head}'{nearest(self.head, HEADS)}")
        if self.channels < 1:
            raise UserError(f"channels must be at least 1, not {self.channels}")
        if self.bits not in BITS:
            raise UserError(f"bits must be one of {', '.join(map(str, BITS))}, not {self.bits}")
        if self.image_size < 1:
            raise UserError(f"image_size must be at least 1 pixel, not {self.image_size}")

    @property
    def key(self) -> str:
        """Hash of the canonical JSON, 16 hexadecimal digits: the candidate's identity across processes and runs."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SplitConfig":
        """Reads what `to_json` wrote.

        Raises:
            UserError: a field is unknown or missing.
        """
        known = [f.name for f in fields(cls)]
        for name in data:
            if name not in known:
                raise UserError(f"unknown field '{name}' of a configuration{nearest(name, known)}")
        missing = [name for name in known if name not in data]
        if missing:
            raise UserError(f"a configuration lacks the field '{missing[0]}'")
        return cls(**data)

    def __str__(self) -> str:
        return f"{self.cut} {self.head} {self.channels}ch {self.bits}bit"
