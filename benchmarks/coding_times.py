"""What lossless coding takes beside a JPEG file of as many pixels as the tensor has elements.

    python benchmarks/coding_times.py

The estimate for devices of which nothing was measured (`profilers/predict/roofline.py`, coding_ms) stands on this
table. One thread; ratios within one run.
"""

import io
import platform
import statistics
from collections.abc import Callable

import torch
from PIL import Image

from splitsearch.profilers.image_files import REFERENCE_QUALITY
from splitsearch.profilers.measure.agent import photograph
from splitsearch.profilers.timing import processor_ns
from splitsearch.spaces.bottleneck.payload import pack, unpack

SIDE = 224
ELEMENTS = (500, 2_000, 8_000, 32_000, 128_000)


def main() -> None:
    """Measures and prints."""
    torch.set_num_threads(1)
    pixels = Image.fromarray(photograph(SIDE))
    file = io.BytesIO()
    pixels.save(file, "JPEG", quality=REFERENCE_QUALITY)
    per_pixel = {
        "encode": median_ms(lambda: pixels.save(io.BytesIO(), "JPEG", quality=REFERENCE_QUALITY)) / SIDE**2,
        "decode": median_ms(lambda: Image.open(io.BytesIO(file.getvalue())).convert("RGB")) / SIDE**2,
    }
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, 1 thread")
    print("| elements | bits | bytes | zstd bytes | coding adds, pixels of JPEG per element | decoding adds |")
    print("|---|---|---|---|---|---|")
    for elements in ELEMENTS:
        for bits in (2, 4, 6, 8):
            print(row(elements, bits, per_pixel))


def row(elements: int, bits: int, per_pixel: dict[str, float]) -> str:
    """One line of the table."""
    x = torch.randn(elements, generator=torch.Generator().manual_seed(0))
    plain, coded = pack(x, bits), pack(x, bits, "zstd")
    there = median_ms(lambda: pack(x, bits, "zstd")) - median_ms(lambda: pack(x, bits))
    back = median_ms(lambda: unpack(coded, x.shape)) - median_ms(lambda: unpack(plain, x.shape))
    encode, decode = there / per_pixel["encode"] / elements, back / per_pixel["decode"] / elements
    return f"| {elements} | {bits} | {len(plain)} | {len(coded)} | {encode:.1f} | {decode:.1f} |"


def median_ms(run: Callable[[], object]) -> float:
    """Of the thread's own time, over 60 runs."""
    samples = []
    for _ in range(60):
        start = processor_ns()
        run()
        samples.append(processor_ns() - start)
    return statistics.median(samples) / 1e6


if __name__ == "__main__":
    main()
