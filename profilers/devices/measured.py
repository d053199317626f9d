"""What was measured on a machine, as its profile file holds it: robust figures with their counts, never a bare mean.

All durations are milliseconds of one image, in one process, in the runtime that the file names, which fuses as it
likes: heads and tails were measured whole, never summed from blocks. What is not known is null, never 0.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from splitsearch.profilers.predict.kernel import KINDS, Kernel
from splitsearch.profilers.shipped import Count, NotNegative, Positive, ProfilePart, Text

__all__ = [
    "CODEC_OPS",
    "CodecOp",
    "Environment",
    "KernelFields",
    "Machine",
    "Measured",
    "MeasuredBackbone",
    "MeasuredCodec",
    "MeasuredCut",
    "MeasuredKernel",
    "MeasuredPart",
    "MeasuredPower",
    "MeasuredRuntime",
    "Pace",
    "PowerState",
    "Protocol",
    "RuntimeName",
    "Series",
]

RuntimeName = Literal["eager", "compile", "onnxruntime", "tensorrt"]
CodecOp = Literal["pack", "unpack", "zstd", "unzstd", "jpeg_encode", "jpeg_decode", "webp_encode", "webp_decode"]
CODEC_OPS: tuple[CodecOp, ...] = (
    "pack",
    "unpack",
    "zstd",
    "unzstd",
    "jpeg_encode",
    "jpeg_decode",
    "webp_encode",
    "webp_decode",
)

_Size = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
_Shape = tuple[Annotated[int, Field(ge=1)], ...]
_Wide = Annotated[int, Field(ge=1)]


class Series(ProfilePart):
    """Repeated measurements of one thing.

    Attributes:
        n: samples that count.
        p10: tenth percentile in milliseconds.
        p50: median; what a profile predicts.
        p90: ninetieth percentile.
        iqr: interquartile range.
        clock: `wall`; or `cpu`, the computing thread's own time, where other programs disturbed most samples and one
            thread does all the work.
        disturbed: further samples that were left out, because the thread waited for the processor in them.
    """

    n: _Wide
    p10: Positive
    p50: Positive
    p90: Positive
    iqr: NotNegative
    clock: Literal["wall", "cpu"] = "wall"
    disturbed: Count = 0

    @field_validator("p90")
    @classmethod
    def _in_order(cls, p90: float, info: ValidationInfo) -> float:
        low, middle = info.data.get("p10"), info.data.get("p50")
        if low is not None and middle is not None and not low <= middle <= p90:
            raise ValueError(f"percentiles must not fall: p10 {low}, p50 {middle}, p90 {p90}")
        return p90


class MeasuredCut(ProfilePart):
    """Head and tail of a backbone at one cut.

    Attributes:
        cut: its name.
        shape: the crossing tensor, without the batch dimension.
        head: from the image to that tensor.
        tail: from that tensor to the logits; None at the logits themselves, behind which there is nothing.
    """

    cut: Text
    shape: _Shape
    head: Series
    tail: Series | None = None


class MeasuredBackbone(ProfilePart):
    """One backbone, whole and at every cut that is offered.

    Attributes:
        backbone: name as the user gave it.
        image_size: side of the image in pixels.
        graph: hash of the traced structure and its shapes; weights do not count.
        whole: from the image to the logits.
        cuts: from the input to the output.
    """

    backbone: Text
    image_size: _Wide
    graph: Text
    whole: Series
    cuts: tuple[MeasuredCut, ...]


class KernelFields(ProfilePart):
    """A kernel as a file holds it; the fields are those of `predict.kernel.Kernel`."""

    kind: Text
    fused: tuple[Text, ...] = ()
    in_channels: Count = 1
    out_channels: Count = 1
    in_size: _Size = (1, 1)
    out_size: _Size = (1, 1)
    window: _Size = (1, 1)
    stride: _Wide = 1
    groups: _Wide = 1
    macs: Count = 0
    parameters: Count = 0
    inputs: Count = 0
    outputs: Count = 0

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"it should be one of {', '.join(KINDS)}")
        return kind

    @property
    def kernel(self) -> Kernel:
        """The description alone."""
        return Kernel(**{name: getattr(self, name) for name in Kernel.__dataclass_fields__})


class MeasuredKernel(KernelFields):
    """One kernel as the runtime's own profiler saw it, inside the model where it ran.

    Attributes:
        ms: median over the profiled runs, in milliseconds.
        n: profiled runs.
        where: the model, as in `whole resnet50 224`.
    """

    ms: NotNegative
    n: _Wide
    where: Text


class MeasuredPart(ProfilePart):
    """A part that is no head or tail of the backbone itself, measured whole: what sums of kernels are checked on.

    Attributes:
        name: readable, such as `tail pruned 0.5 resnet50 layer2.3.relu_2`.
        kernels: what the runtime makes of it.
        series: its durations.
        config: fields of the SplitConfig that it was built from, so that another process builds it again; None for a
            part that belongs to no candidate.
        site: which side of that candidate it is, all of its stages but the resize.
    """

    name: Text
    kernels: tuple[KernelFields, ...]
    series: Series
    config: dict[str, str | int | float | bool | None] | None = None
    site: Literal["device", "server"] | None = None


class MeasuredCodec(ProfilePart):
    """One way to bytes or back, timed once after each run of a network, with the caches that it leaves.

    Attributes:
        op: what was done; `zstd` is packing with that coding, `unzstd` the way back.
        elements: of the tensor; pixels of the image for JPEG and WebP.
        bits: per element; None for images.
        quality: of the image file; None for tensors.
        bytes_out: length of the payload or file.
        series: its durations.
    """

    op: CodecOp
    elements: _Wide
    bits: _Wide | None = None
    quality: _Wide | None = None
    bytes_out: _Wide
    series: Series


class Machine(ProfilePart):
    """Which machine.

    Attributes:
        board: model of the board or computer, such as `NVIDIA Jetson Nano Developer Kit`.
        cpu: model of the processor.
        cores: logical processors.
        accelerator: name of the GPU that computed; None if the processor did.
        memory_mib: memory that the runtime computes in.
        os: operating system with its version; JetPack's L4T release where there is one.
        python: version.
    """

    board: Text
    cpu: Text
    cores: _Wide
    accelerator: Text | None = None
    memory_mib: Positive
    os: Text
    python: Text


class PowerState(ProfilePart):
    """What the machine could draw and how fast its clocks ran, read back before and after.

    Attributes:
        mode: of nvpmodel; None where there is none.
        governor: of the processor's clock; None if it cannot be read.
        clocks_mhz: clock by name at the end of the measurement, while it computed.
        temperature_c: hottest zone at the start and at the end; None if none can be read.
        throttled: whether a zone or the kernel reported throttling; None if nothing tells.
    """

    mode: Text | None = None
    governor: Text | None = None
    clocks_mhz: dict[str, Positive] = Field(default_factory=dict)
    temperature_c: tuple[float, float] | None = None
    throttled: bool | None = None


class MeasuredRuntime(ProfilePart):
    """What ran the networks, and how.

    Attributes:
        name: of the runtime.
        version: of the runtime.
        provider: ONNX Runtime's execution provider, or where torch computes (`cpu`, `cuda`).
        options: that differ from the runtime's own defaults.
        threads: of one operator.
        dtype: number format of weights and activations.
        batch: images at a time.
    """

    name: RuntimeName
    version: Text
    provider: Text
    options: dict[str, str] = Field(default_factory=dict)
    threads: _Wide
    dtype: Literal["float32", "float16"]
    batch: Literal[1] = 1


class Protocol(ProfilePart):
    """How it was measured.

    Attributes:
        preset: `quick`, `standard` or `thorough`.
        rounds: each visits everything once, in an order of its own.
        warmup: runs before the timed ones of every visit.
        seconds: that measuring took, without export.
        seed: of the orders and of the input.
        clock: what was read.
    """

    preset: Literal["quick", "standard", "thorough"]
    rounds: _Wide
    warmup: Count
    seconds: Positive
    seed: int
    clock: Text


class Pace(ProfilePart):
    """What the yardstick took during the rounds: one small network that runs before every visit.

    Attributes:
        macs: multiply-adds of that network: the pace of another cannot be compared with it.
        p10_ms: tenth percentile in milliseconds.
        p50_ms: median; the pace that all figures of heads, tails, wholes and parts are at.
        p90_ms: ninetieth percentile.
    """

    macs: Count = 0
    p10_ms: Positive
    p50_ms: Positive
    p90_ms: Positive


class Environment(ProfilePart):
    """Whether the figures can be trusted.

    Attributes:
        load_averages: of one minute, before and after; None where the system has none.
        wall_over_cpu: median over everything of wall time by the computing thread's own time; None if it does not
            compute alone.
        disturbed: share of the samples in which the thread waited for the processor.
        halves_off: share of the heads and tails whose even and odd rounds differ by more than 5 %.
        halves_percent: mean difference of the two halves in percent.
        ok: whether nothing speaks against the figures.
        reasons: what does, one sentence each.
    """

    load_averages: tuple[NotNegative, NotNegative] | None = None
    wall_over_cpu: Positive | None = None
    disturbed: NotNegative
    halves_off: NotNegative
    halves_percent: NotNegative
    ok: bool
    reasons: tuple[Text, ...] = ()


class MeasuredPower(ProfilePart):
    """What the machine drew.

    Attributes:
        sensor: `ina3221`, `rapl`, or `stated` where the user gave the figure.
        rails: that were added up.
        idle_w: before the measurement; None if it was not read.
        active_w: mean while networks ran.
    """

    sensor: Literal["ina3221", "rapl", "stated"]
    rails: tuple[Text, ...] = ()
    idle_w: Positive | None = None
    active_w: Positive


class Measured(ProfilePart):
    """Everything that was measured, for one machine, power state, runtime, number format and count of threads.

    Attributes:
        machine: which one.
        power_state: clocks, mode, temperature.
        runtime: what ran the networks.
        protocol: how often and in which order.
        environment: whether the figures can be trusted.
        created: when, in UTC.
        tool: version of splitsearch, or of the agent.
        backbones: whole networks, heads, tails.
        kernels: of the runtime's profile of whole networks and parts.
        parts: encoders, decoders, and divided, pruned or shrunk heads and tails.
        codec: packing and image files.
        message_overhead_ms: what one message over TCP costs beyond its bytes, both ends together; None if not measured.
        power: None if nothing could be read and nothing was stated.
        pace: how fast the machine was; None where no yardstick ran or others than one thread computed.
    """

    machine: Machine
    power_state: PowerState
    runtime: MeasuredRuntime
    protocol: Protocol
    environment: Environment
    created: Text
    tool: Text
    backbones: tuple[MeasuredBackbone, ...]
    kernels: tuple[MeasuredKernel, ...] = ()
    parts: tuple[MeasuredPart, ...] = ()
    codec: tuple[MeasuredCodec, ...] = ()
    message_overhead_ms: NotNegative | None = None
    power: MeasuredPower | None = None
    pace: Pace | None = None

    def backbone(self, graph: str) -> MeasuredBackbone | None:
        """What was measured of the network with this structure and these shapes."""
        return next((backbone for backbone in self.backbones if backbone.graph == graph), None)
