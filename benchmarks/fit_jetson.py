"""Fits the sustained figures of two Jetson boards to published throughputs, the numbers in configs/devices.

    python benchmarks/fit_jetson.py

The table is the one of the README of github.com/NVIDIA-AI-IOT/torch2trt: images a second of PyTorch in eager mode,
FP16, one image of 224 x 224. Three models of a network's time, by non-negative least squares on the relative error:

    launch   t = a * GMACs + c * operators
    linear   t = a * GMACs + c * operators + m * megabytes moved
    roofline t = sum over operators of c + max(a * GMACs, m * megabytes), with the m of the linear fit

The profiles hold the roofline's figures, because that is what splitsearch.profilers.predict.roofline computes with.
Weights are random: nothing is downloaded.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torchvision.models import get_model, get_model_weights

from splitsearch.profilers.counting.operators import OperatorCost, operator_costs

FLOAT16_BYTES = 2
DATASHEET_GBYTES_PER_S = {"Jetson Nano": 25.6, "Jetson AGX Xavier": 136.5}
# model: images a second of (Nano, Xavier); the README leaves two cells empty.
TABLE: dict[str, tuple[float | None, float]] = {
    "alexnet": (46.4, 250),
    "squeezenet1_0": (44, 130),
    "squeezenet1_1": (76.6, 132),
    "resnet18": (29.4, 140),
    "resnet34": (15.5, 79.2),
    "resnet50": (12.4, 55.5),
    "resnet101": (7.18, 28.5),
    "resnet152": (4.96, 18.9),
    "densenet121": (11.5, 23.0),
    "densenet169": (8.25, 16.3),
    "densenet201": (6.84, 13.3),
    "densenet161": (4.71, 17.2),
    "vgg11": (8.9, 85.2),
    "vgg13": (6.53, 71.9),
    "vgg16": (5.09, 61.7),
    "vgg19": (None, 54.1),
    "vgg11_bn": (8.74, 81.8),
    "vgg13_bn": (6.31, 68.0),
    "vgg16_bn": (4.96, 58.5),
    "vgg19_bn": (None, 51.4),
}
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """One network: per operator billions of multiply-adds and megabytes read or written in FP16."""

    name: str
    gmacs: Vector
    megabytes: Vector


def describe(name: str) -> Model:
    """Counts a torchvision model, and checks the count against the published one.

    Raises:
        ValueError: the multiply-adds differ from torchvision's metadata.
    """
    costs = list(operator_costs(get_model(name, weights=None).eval(), (3, 224, 224)).values())
    gmacs = np.array([cost.macs / 1e9 for cost in costs])
    published = get_model_weights(name).DEFAULT.meta["_ops"]
    if abs(gmacs.sum() - published) > 0.001:
        raise ValueError(f"{name}: counted {gmacs.sum():.3f} GMACs, torchvision publishes {published}")
    return Model(name, gmacs, np.array([_megabytes(cost) for cost in costs]))


def _megabytes(cost: OperatorCost) -> float:
    return FLOAT16_BYTES * (cost.inputs + cost.outputs + cost.parameters) / 1e6


def non_negative(features: Vector, target: Vector) -> Vector:
    """Least squares with coefficients of at least 0, exact: tries every set of columns that may be positive."""
    best, best_error = np.zeros(features.shape[1]), float(np.sum(target**2))
    for count in range(1, features.shape[1] + 1):
        for chosen in map(list, itertools.combinations(range(features.shape[1]), count)):
            part = np.linalg.lstsq(features[:, chosen], target, rcond=None)[0]
            error = float(np.sum((features[:, chosen] @ part - target) ** 2))
            if (part >= 0).all() and error < best_error:
                best, best_error = np.zeros(features.shape[1]), error
                best[chosen] = part
    return best


def fit_linear(columns: Sequence[Vector], times: Vector) -> tuple[Vector, Vector]:
    """Coefficients and predicted times of a sum of columns, on the relative error."""
    features = np.stack(columns, axis=1)
    found = non_negative(features / times[:, None], np.ones_like(times))
    return found, features @ found


def fit_roofline(models: Sequence[Model], times: Vector, ms_per_megabyte: float) -> tuple[float, float, Vector]:
    """Milliseconds per GMAC and per operator, with the time of memory given.

    Which operators wait for memory depends on the answer, so the two are found in turn until they agree.
    """
    operators = np.array([len(model.gmacs) for model in models], dtype=float)
    per_gmac, per_operator = 10.0, 0.1
    for _ in range(100):
        bound = [per_gmac * model.gmacs >= ms_per_megabyte * model.megabytes for model in models]
        gmacs = np.array([model.gmacs[mask].sum() for model, mask in zip(models, bound, strict=True)])
        waiting = np.array([model.megabytes[~mask].sum() for model, mask in zip(models, bound, strict=True)])
        features = np.stack([gmacs, operators], axis=1) / times[:, None]
        found = non_negative(features, 1 - ms_per_megabyte * waiting / times)
        if np.allclose(found, (per_gmac, per_operator), rtol=1e-9):
            break
        per_gmac, per_operator = (float(value) for value in found)
    return per_gmac, per_operator, per_gmac * gmacs + per_operator * operators + ms_per_megabyte * waiting


def report(board: str, models: Sequence[Model], times: Vector) -> None:
    """Prints the fits of one board, their errors per model, and the sustained figures."""
    gmacs = np.array([model.gmacs.sum() for model in models])
    operators = np.array([len(model.gmacs) for model in models], dtype=float)
    megabytes = np.array([model.megabytes.sum() for model in models])
    (launch_a, launch_c), launch = fit_linear([gmacs, operators], times)
    (linear_a, linear_c, memory), linear = fit_linear([gmacs, operators, megabytes], times)
    roof_a, roof_c, roofline = fit_roofline(models, times, memory)
    errors = [100 * (predicted / times - 1) for predicted in (launch, linear, roofline)]
    print(f"\n{board}: {len(models)} models; error in per cent of the published time")
    print(f"{'model':<14}{'GMACs':>8}{'ops':>6}{'MB':>8}{'ms':>9}{'launch':>9}{'linear':>9}{'roofline':>9}")
    for row, model in enumerate(models):
        shown = "".join(f"{error[row]:>+9.1f}" for error in errors)
        print(
            f"{model.name:<14}{gmacs[row]:>8.3f}{operators[row]:>6.0f}{megabytes[row]:>8.1f}{times[row]:>9.1f}{shown}"
        )
    print(f"{'MAPE':<45}" + "".join(f"{np.abs(error).mean():>9.1f}" for error in errors))
    share = 1 / memory / DATASHEET_GBYTES_PER_S[board]
    print(f"launch:   {1e3 / launch_a:.1f} GMAC/s, {launch_c:.4f} ms per operator")
    print(f"linear:   {1e3 / linear_a:.1f} GMAC/s, {linear_c:.4f} ms per operator, {1 / memory:.2f} GB/s")
    print(f"roofline: {1e3 / roof_a:.1f} GMAC/s, {roof_c:.4f} ms per operator, {share:.0%} of the peak bandwidth")


def main() -> None:
    """Fits both boards."""
    models = {name: describe(name) for name in TABLE}
    for column, board in enumerate(DATASHEET_GBYTES_PER_S):
        rates = {name: row[column] for name, row in TABLE.items()}
        listed = {name: rate for name, rate in rates.items() if rate is not None}
        report(board, [models[name] for name in listed], np.array([1e3 / rate for rate in listed.values()]))


if __name__ == "__main__":
    main()
