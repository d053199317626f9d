"""Head and tail as ONNX files with fixed names, any batch size, and an operator set of the user's choice.

Where the device has something to do behind an exit, the head is written once more, in two parts: a graph has no way to
leave in the middle that old runtimes know too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from splitsearch.profilers.measure.older_onnx import OLDEST, OPSET, lower
from splitsearch.profilers.measure.onnx_files import exported
from splitsearch.searcher.deploy.halves import (
    ANSWER,
    FEATURES,
    IMAGE,
    AfterExit,
    DeviceHalf,
    ServerHalf,
    UntilExit,
    head_outputs,
    integer_type,
    stops_early,
    tail_inputs,
)
from splitsearch.searcher.deploy.manifest import HEAD_PARTS
from splitsearch.searcher.deploy.runtimes import require_onnx
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.model import SplitModel

__all__ = ["require_opset", "write_onnx"]

_IMAGES = 2  # of the examples: one would be taken for a constant


def require_opset(opset: int) -> None:
    """Checks an operator set before anything is computed.

    Raises:
        UserError: it is out of range, or the packages that export are missing.
    """
    if not OLDEST <= opset <= OPSET:
        raise UserError(f"--opset must be from {OLDEST} to {OPSET}, not {opset}")
    require_onnx("onnx", "onnxscript", "onnxruntime")


def write_onnx(model: SplitModel, config: SplitConfig, folder: Path, opset: int = OPSET) -> None:
    """Writes `head.onnx` and `tail.onnx`, each with its weights inside, and `HEAD_PARTS` where they save something.

    Args:
        model: the trained candidate.
        config: what it is.
        folder: where the files go.
        opset: operator set of the files.

    Raises:
        UserError: ONNX, or this operator set, cannot express an operator; the line names its node.
    """
    bits, size = config.bits, config.image_size
    crossing = model.crossing
    assert crossing is not None
    narrow = torch.zeros(_IMAGES, *crossing.output_shape, dtype=integer_type(bits))
    affine = {name: torch.ones(_IMAGES) for name in tail_inputs(bits)[1:]}
    head, tail = DeviceHalf(model, bits), ServerHalf(model)
    outputs = head_outputs(bits, with_exit=model.exit is not None)
    _write(head, {IMAGE: torch.zeros(_IMAGES, 3, size, size)}, outputs, folder / "head.onnx", opset)
    _write(tail, {"payload": narrow} | affine, ("logits",), folder / "tail.onnx", opset)
    if stops_early(model):
        _write_parts(model, config, folder, opset)


def _write_parts(model: SplitModel, config: SplitConfig, folder: Path, opset: int) -> None:
    until, after = (folder / name for name in HEAD_PARTS)
    last = model.until_exit[-2]  # behind it stands the classifier
    image = torch.zeros(_IMAGES, 3, config.image_size, config.image_size)
    features = torch.zeros(_IMAGES, *last.output_shape)
    _write(UntilExit(model), {IMAGE: image}, (FEATURES, *ANSWER), until, opset)
    _write(AfterExit(model, config.bits), {FEATURES: features}, tail_inputs(config.bits), after, opset)


def _write(
    module: nn.Module, examples: Mapping[str, torch.Tensor], outputs: Sequence[str], path: Path, opset: int
) -> None:
    program = exported(module, examples, outputs, path.stem, any_batch=True)
    program.save(str(path), external_data=False)
    if opset < OPSET:
        import onnx

        lowered: Any = onnx.load(str(path))
        try:
            lower(lowered, opset)
        except UserError as error:
            raise UserError(f"{path.name}: {error}") from error
        onnx.save(lowered, str(path))
