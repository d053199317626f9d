"""How good a candidate is on the validation images, each process judging its share of them."""

import torch

from splitsearch.searcher.engine.statistics import wilson_interval
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.outputs import Validation, judge, outputs_of
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.model import SplitModel

__all__ = ["judged", "verdict"]


def judged(material: Material, model: SplitModel, activations: Activations) -> Validation:
    """Runs the validation images through the device's side, the real wire format and the server's side.

    Args:
        material: of the training; the candidate is its export's.
        model: trained stages, on this process's device.
        activations: of the validation images.

    Returns:
        Of all images, the same in every process.
    """
    processes, config = material.processes, material.export.config
    student = Student(config=config, model=model, activations=activations)
    labels = material.data.val.labels
    mine = processes.share(torch.arange(len(labels)))
    sums = [0.0] * 4
    if len(mine):
        outputs = outputs_of(student, labels, [(config.bits, config.coding)], indices=mine)
        found = judge(config, model, outputs)
        if processes.count == 1:
            return found
        sums = [found.images * value for value in (found.accuracy, found.payload_bytes, found.exit_rate or 0.0, 1.0)]
    accuracy, payload, leaving, images = processes.total(sums)
    return Validation(
        accuracy=accuracy / images,
        images=round(images),
        payload_bytes=payload / images,
        exit_rate=None if model.exit is None else leaving / images,
    )


def verdict(found: Validation) -> dict[str, float | None]:
    """A validation as a line of metrics has it, with the ends of its 95 % interval."""
    low, high = wilson_interval(found.accuracy, found.images)
    return {
        "accuracy": found.accuracy,
        "low": low,
        "high": high,
        "payload_bytes": found.payload_bytes,
        "exit_rate": found.exit_rate,
    }
