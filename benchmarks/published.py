"""The figures of the published systems, beside what `splitsearch profile` and `splitsearch cuts` say of them.

    python benchmarks/published.py > docs/published.md

Nothing is trained, downloaded or timed: shapes, bytes, parameters and multiply-adds alone. Each figure is checked in
tests/searcher/test_costing.py, tests/spaces/graph/test_crossings.py or tests/spaces/variants/test_division.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from splitsearch.searcher.costing import profile_document
from splitsearch.searcher.inspection import cuts_document

HEADER = """# Published figures, reproduced

Written by `python benchmarks/published.py > docs/published.md`. Each line is a command of its own,
`splitsearch profile --preset PRESET FLAGS --json`; the tests hold the figures. One multiply-add is one MAC.

*Published* is what stands in a paper's table, a README or a notebook of the authors; for the parameters and
multiply-adds of single encoders and heads, which they do not print, it is what the layers in the authors' repository
come to. A figure has the digits that were printed, and *equal* means equal in these digits.
"""
TARGET = ("jetson.json", "server_t4.json", "lte")
MILLION, BILLION = 1e6, 1e9
Row = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a paper.

    Attributes:
        preset: which configuration.
        flags: fields that differ from it.
        what: is printed there, with its unit.
        paper: as printed.
        where: path into the document of `splitsearch profile`; `encoder.macs` looks among the stages.
        unit: what our number is divided by.
    """

    preset: str
    flags: Mapping[str, Any]
    what: str
    paper: str
    where: str
    unit: float = 1.0


@cache
def _profile(preset: str, flags: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return profile_document(dict(flags), TARGET, preset)


def found(figure: Figure) -> Any:
    """Our value, in the paper's unit."""
    document = _profile(figure.preset, tuple(figure.flags.items()))
    stages = {stage["name"]: stage for stage in document["stages"]}
    total = 0.0
    for path in figure.where.split(" + "):
        value: Any = document | stages | document["profiles"]
        for key in path.split("."):
            value = value[key]
        if isinstance(value, list):
            return " x ".join(map(str, value))
        total += value
    return total / figure.unit


def row(figure: Figure) -> Row:
    """One line of a table."""
    ours = found(figure)
    flags = " ".join(f"--{name} {value}" for name, value in figure.flags.items())
    if isinstance(ours, str):
        return figure.preset, flags, figure.what, figure.paper, f"{ours}: {'equal' if ours == figure.paper else '!'}"
    digits = len(figure.paper.partition(".")[2])
    wanted, shown = float(figure.paper.replace(",", "")), f"{ours:,.{digits}f}"
    difference = "equal" if shown == figure.paper else f"{100 * (ours / wanted - 1):+.1f} %"
    return figure.preset, flags, figure.what, figure.paper, f"{shown}: {difference}"


def table(title: str, text: str, figures: Iterator[Figure]) -> None:
    """Prints a section."""
    print(f"\n## {title}\n\n{text}\n")
    print("| preset | flags | figure | published | ours |\n|---|---|---|---|---|")
    for figure in figures:
        print("| " + " | ".join(row(figure)) + " |", flush=True)


def hnd() -> Iterator[Figure]:
    """Head network distillation."""
    saved = {"resnet152": "95.6", "densenet169": "94.3", "densenet201": "94.3", "inception_v3": "84.8"}
    for backbone, share in saved.items():
        preset, side = f"hnd:{backbone}", 37 if backbone == "inception_v3" else 29
        macs = ("204.35", "207.50") if backbone == "inception_v3" else ("118.66", "120.60")
        for channels, parameters, millions in zip((3, 12), ("10,432", "12,736"), macs, strict=True):
            same: dict[str, Any] = {"preset": preset, "flags": {"channels": channels}}
            tensor = f"{channels * side**2:,}"
            yield Figure(**same, what="bottleneck", paper=f"{channels} x {side} x {side}", where="bottleneck.shape")
            yield Figure(**same, what="uint8 tensor, bytes", paper=tensor, where="bottleneck.tensor_bytes")
            yield Figure(**same, what="encoder parameters", paper=parameters, where="encoder.parameters")
            yield Figure(**same, what="encoder conv MACs, millions", paper=millions, where="encoder.macs", unit=MILLION)
        yield Figure(
            preset=preset, flags={"channels": 3}, what="MACs saved on the device, %", paper=share,
            where="backbone_head.device_macs_saved", unit=0.01,
        )  # fmt: skip
    dense = {"preset": "hnd:densenet169", "flags": {"channels": 12}}
    yield Figure(
        **dense, what="student head, parameters", paper="2,137,560", where="encoder.parameters + decoder.parameters"
    )
    yield Figure(**dense, what="teacher head, parameters", paper="1,429,632", where="backbone_head.parameters")
    yield Figure(
        **dense, what="teacher head, conv MACs, millions", paper="2,076.9", where="backbone_head.macs", unit=MILLION
    )


def bottlefit() -> Iterator[Figure]:
    """The three placements."""
    placed = (("ver1", 3, 56, "5.53", "447"), ("ver1", 12, 56, "22.1", "1,788"), ("ver2", 3, 29, "118.66", "10,432"),
              ("ver3", 3, 15, "229.6", "147,904"), ("ver3", 24, 15, "239.3", "190,912"))  # fmt: skip
    for version, channels, side, macs, parameters in placed:
        same = {"preset": f"bottlefit:resnet152_{version}", "flags": {"channels": channels}}
        yield Figure(**same, what="bottleneck", paper=f"{channels} x {side} x {side}", where="bottleneck.shape")
        yield Figure(**same, what="encoder conv MACs, millions", paper=macs, where="encoder.macs", unit=MILLION)
        yield Figure(**same, what="encoder parameters", paper=parameters, where="encoder.parameters")


def sc2() -> Iterator[Figure]:
    """The benchmark's supervised compression."""
    yield Figure(preset="sc2:crbq", flags={}, what="bottleneck", paper="3 x 60 x 60", where="bottleneck.shape")
    entropic = {"preset": "sc2:entropic", "flags": {}}
    yield Figure(**entropic, what="latent", paper="24 x 55 x 55", where="bottleneck.shape")
    yield Figure(**entropic, what="encoder parameters", paper="138,672", where="encoder.parameters")


SPLITNET = {
    "wide_resnet28_10": {1: ("36.5", "5.25"), 2: ("35.8", "5.16"), 4: ("36.7", "5.28")},
    "resnet110": {1: ("1.17", "0.17"), 2: ("1.33", "0.20"), 4: ("1.21", "0.18")},
    "resnet164": {1: ("1.73", "0.25"), 2: ("1.96", "0.29"), 4: ("1.78", "0.26")},
    "resnext29_8x64d": {1: ("34.5", "5.41"), 2: ("35.4", "5.50"), 4: ("36.9", "5.67")},
    "resnext101_64x4d": {1: ("83.6", "16.9"), 2: ("88.6", "18.8")},
    "wide_resnet50_2": {1: ("68.9", "12.8"), 2: ("51.4", "10.9")},
    "wide_resnet50_3": {1: ("135.0", "23.8"), 2: ("138.0", "25.6")},
}


def splitnet() -> Iterator[Figure]:
    """Width division: all members together."""
    for network, rows in SPLITNET.items():
        for division, (millions, gigamacs) in rows.items():
            same = {"preset": f"splitnet:{network}", "flags": {"division": division}}
            yield Figure(
                **same, what="parameters, millions", paper=millions, where="candidate.device_parameters", unit=MILLION
            )
            yield Figure(
                **same, what="operations, billions", paper=gigamacs, where="candidate.device_macs", unit=BILLION
            )


def edgecompress() -> Iterator[Figure]:
    """Compound shrinking of ResNet-50, the crop predictor left out."""
    for variant, gigamacs in enumerate((1.20, 1.25, 1.83, 2.39, 3.22), start=1):
        yield Figure(
            preset=f"edgecompress:static{variant}", flags={}, what=f"GMACs, {gigamacs:.2f} less 0.09",
            paper=f"{gigamacs - 0.09:.2f}", where="candidate.device_macs", unit=BILLION,
        )  # fmt: skip


NATURAL = {
    "features.transition1.pool": ("128 x 28 x 28", "0.6667"),
    "features.transition2.pool": ("256 x 14 x 14", "0.3333"),
    "features.transition3.conv": ("640 x 14 x 14", "0.8333"),
    "features.transition3.pool": ("640 x 7 x 7", "0.2083"),
    "features.norm5": ("1664 x 7 x 7", "0.5417"),
    "adaptive_avg_pool2d": ("1664 x 1 x 1", "0.0111"),
    "classifier": ("1000", "0.0066"),
}
# The first dense layer of a block, and the last one that the notebook lists.
DENSE = {
    "features.denseblock2.denselayer1.conv2": ("160 x 28 x 28", "0.8333"),
    "features.denseblock3.denselayer1.conv2": ("288 x 14 x 14", "0.3750"),
    "features.denseblock3.denselayer15.conv2": ("736 x 14 x 14", "0.9583"),
    "features.denseblock4.denselayer1.conv2": ("672 x 7 x 7", "0.2188"),
}


def natural() -> None:
    """The places where DenseNet-169 can be cut, of the authors' notebook."""
    document = cuts_document("densenet169", 224, "all")
    cuts = {cut["name"]: (" x ".join(map(str, cut["shape"])), cut["input_ratio"]) for cut in document["cuts"]}
    for name, (shape, ratio) in NATURAL.items():
        equal = (shape, ratio) == (cuts[name][0], f"{cuts[name][1]:.4f}")
        print(
            f"| {name} | cut | {shape}, {ratio} | {cuts[name][0]}, {cuts[name][1]:.4f}: {'equal' if equal else '!'} |"
        )
    crossings = {crossing["name"]: crossing for crossing in document["crossings"]}
    for name, (shape, ratio) in DENSE.items():
        ours = crossings[name]["input_ratio"]
        what = f"{crossings[name]['tensors']} tensors"
        print(f"| {name} | {what} | {shape}, {ratio} | {ours:.4f}: {'equal' if f'{ours:.4f}' == ratio else '!'} |")


def main() -> None:
    """Prints the page."""
    print(HEADER, end="")
    table(
        "Head network distillation",
        "Matsubara et al., IEEE Access 2020. At 224 pixels, 299 for Inception-v3. The payload that `profile` names "
        "beside the tensor's bytes has a header of 14 bytes more.",
        hnd(),
    )
    table(
        "BottleFit",
        "Matsubara et al., WoWMoM 2022: three placements on ResNet-152. The decoder behind the first is not "
        "recorded in the repository; ours stands there.",
        bottlefit(),
    )
    table(
        "SC2 benchmark",
        "CR+BQ (Matsubara et al., TMLR 2023) and the Entropic Student (WACV 2022), whose entropy model is not rebuilt: "
        "its latent is sent quantised.",
        sc2(),
    )
    table(
        "SplitNet",
        "Zhao et al., IEEE T-IP 2022; all members together. Their operations count two for every number that a batch "
        "norm gives, which is no multiply-add of ours: hence the operations that differ, most in thin deep networks. "
        "Counted as they do, we agree within 1 % (or one unit of the last digit), which "
        "`tests/spaces/variants/test_division.py` holds. Parameters agree within 0.3 %. Their ImageNet "
        "networks have a deep stem, which torchvision's lack, and their CIFAR networks are in no library: these live "
        "in `spaces/backbones`.",
        splitnet(),
    )
    table(
        "EdgeCompress",
        "Kong et al., IEEE TCAD 2023; ResNet-50. Their figures hold 0.09 GMACs of a crop predictor, which is no part "
        "of the classifier and is taken off.",
        edgecompress(),
    )
    print("\n## Natural cuts of DenseNet-169\n")
    print(
        "`splitsearch cuts --backbone densenet169 --set all`, against the list in the authors' notebook: shape and "
        "ratio to the input. Between dense layers several tensors cross; their elements add up to the ones listed.\n"
    )
    print("| place | what crosses | notebook | ours |\n|---|---|---|---|")
    natural()


if __name__ == "__main__":
    main()
