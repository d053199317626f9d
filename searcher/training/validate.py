"""Accuracy and payload of a trained candidate, on images that nothing was trained on, through the real wire format."""

from collections.abc import Sequence

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.outputs import Validation, judge, outputs_of
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import SplitModel

__all__ = ["Validation", "sweep", "validate"]


def validate(config: SplitConfig, model: SplitModel, data: Dataset, activations: Activations) -> Validation:
    """Runs every validation image through the device's side, `pack`, `unpack` and the server's side.

    Args:
        config: the candidate.
        model: its trained stages.
        data: its validation images are used.
        activations: of those validation images.
    """
    return sweep([config], model, data, activations)[0]


def sweep(
    configs: Sequence[SplitConfig], model: SplitModel, data: Dataset, activations: Activations
) -> list[Validation]:
    """Validates candidates that share one training: the device's side runs once, the tail once for each bit-width.

    Args:
        configs: the candidates, at least one; all have the same training key.
        model: the trained stages of any of them.
        data: its validation images are used.
        activations: of those validation images.

    Returns:
        For each candidate exactly what `validate` returns for it.
    """
    student = Student(config=configs[0], model=model, activations=activations)
    wanted = dict.fromkeys((config.bits, config.coding) for config in configs)
    outputs = outputs_of(student, data.val.labels, list(wanted))
    return [judge(config, model, outputs) for config in configs]
