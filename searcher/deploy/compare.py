"""Whether exported halves say what PyTorch says: the check that an export has to pass before it exists."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from splitsearch.searcher.data.dataset import Split
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.head import Head
from splitsearch.searcher.deploy.manifest import Checked
from splitsearch.searcher.deploy.outcomes import Outcomes, Pair, run_halves
from splitsearch.searcher.training.loops import Progress, silent
from splitsearch.spaces.errors import UserError

__all__ = ["ACCURACY", "compare"]

ACCURACY = 0.001
"""Largest difference of top-1, in [0, 1]; on fewer than a thousand images, one image is more, and may differ."""

_LOGITS = 1e-3  # of the largest logit: two runtimes add in another order
_STEPS = 1  # an integer of the payload: what lies on the edge between two may be rounded to either
_CHANGED = 0.01  # share of the integers
_SAMPLE = 64  # images whose tensors are compared one by one


def compare(
    ours: Pair, theirs: Pair, part: Split, opset: int, progress: Progress = silent, *, also: Sequence[Head] = ()
) -> tuple[Outcomes, Checked]:
    """Compares ONNX with PyTorch.

    Args:
        ours: in PyTorch.
        theirs: in ONNX Runtime.
        part: validation images.
        opset: of the ONNX files.
        progress: hears how many images are done.
        also: further forms of the same head in ONNX Runtime, whose tensors have to agree as well.

    Returns:
        What PyTorch says, and the comparison.

    Raises:
        UserError: they differ by more than they may.
    """
    import onnxruntime

    images = normalise(part.images[:_SAMPLE])
    forms = [_tensors(ours, replace(theirs, head=head), images) for head in (theirs.head, *also)]
    tensors = {name: max(form[name] for form in forms) for name in forms[0]}
    outcomes, exported = run_halves(ours, part, progress), run_halves(theirs, part, progress)
    threshold = ours.config.exit_threshold
    before, after = (float(found.hits(threshold).mean()) for found in (outcomes, exported))
    checked = Checked(
        images=len(part),
        **tensors,
        accuracy=after,
        accuracy_difference=abs(after - before),
        runtime=f"onnxruntime {onnxruntime.__version__}",
        opset=opset,
    )
    _require(checked, ours.config.bits)
    return outcomes, checked


def _tensors(ours: Pair, theirs: Pair, images: torch.Tensor) -> dict[str, float]:
    here, there = (pair.head({IMAGE: images.numpy()}) for pair in (ours, theirs))
    a, b = (outputs["payload"].astype(np.float64) for outputs in (here, there))
    steps = np.abs(a - b) / (np.abs(a).max() or 1.0 if ours.config.bits == 32 else 1.0)
    _, inputs = ours.receive(here)
    answers = [(ours.tail(inputs)["logits"], theirs.tail(inputs)["logits"])]
    answers += [(here[name], there[name]) for name in here if name.startswith("exit_")]
    return {
        "payload_steps": float(steps.max()),
        "payload_changed": float((steps > 0).mean()) if ours.config.bits < 32 else 0.0,
        "logits": max(_relative(one, other) for one, other in answers),
    }


def _relative(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Largest difference over the largest value; infinite if either is no number."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UserError("the exported network gives values that are no numbers: train it again")
    return float(np.abs(a - b).max() / max(float(np.abs(a).max()), 1e-30))


def _require(checked: Checked, bits: int) -> None:
    limits = {
        "payload_steps": _LOGITS if bits == 32 else _STEPS,
        "payload_changed": _CHANGED,
        "logits": _LOGITS,
        "accuracy_difference": max(ACCURACY, 1 / checked.images),
    }
    for name, limit in limits.items():
        if (value := getattr(checked, name)) > limit * (1 + 1e-9):
            raise UserError(
                f"the ONNX files differ from PyTorch: {name.replace('_', ' ')} {value:.3g} is above {limit:.3g} on "
                f"{checked.images} images; nothing was written (--no-onnx exports without them)"
            )
