"""`serve` and `infer`: an export folder opened, its halves put into a runtime, and pictures brought to the head."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from splitsearch.searcher.data.files import read_image
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.data.resize import fit
from splitsearch.searcher.data.source import CorruptImageError
from splitsearch.searcher.deploy.client import Connection, Device, parse_server
from splitsearch.searcher.deploy.folder import ExportFolder, open_export
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.head import Head
from splitsearch.searcher.deploy.outcomes import Pair
from splitsearch.searcher.deploy.rebuild import onnx_head, onnx_pair, rebuilt, torch_pair
from splitsearch.searcher.deploy.runtimes import OnnxHalf, has_onnxruntime
from splitsearch.searcher.deploy.server import TailServer, serve
from splitsearch.spaces.errors import UserError

__all__ = ["infer_pictures", "pair_of", "serve_tail"]


def pair_of(export: ExportFolder, *, onnx: bool | None = None) -> tuple[Pair, str]:
    """Both halves of a folder, and the runtime they are in.

    Args:
        export: the folder.
        onnx: whether ONNX Runtime is to run it; None takes it where it is installed and the folder has the files.

    Raises:
        UserError: the runtime that was asked for cannot run it.
    """
    if _uses_onnx(export, onnx):
        shape, in_parts = export.manifest.payload.shape, export.has_parts
        return onnx_pair(export.path, export.config, shape, in_parts=in_parts), "onnxruntime"
    return torch_pair(rebuilt(export), export.config), "pytorch"


def serve_tail(folder: Path, host: str, port: int, ready: Callable[[str], None], *, onnx: bool | None = None) -> None:
    """Serves the tail of an export folder until interrupted.

    Raises:
        UserError: the folder is wrong, or the address cannot be listened on.
    """
    export = open_export(folder)
    if _uses_onnx(export, onnx):
        tail, runtime = OnnxHalf(folder / "tail.onnx"), "onnxruntime"
        server = TailServer(tail, export.manifest)
    else:
        pair, runtime = pair_of(export, onnx=False)
        server = TailServer(pair.tail, export.manifest)
    what = f"tail of trial {export.manifest.trial} of {export.manifest.backbone} ({runtime})"
    serve(server, host, port, lambda at, number: ready(f"{what} on {at}:{number} (Ctrl-C ends it)"))


def infer_pictures(
    folder: Path, server: str, pictures: Sequence[Path], *, onnx: bool | None = None, timeout_s: float = 20.0
) -> Iterator[dict[str, Any]]:
    """Answers for pictures, one after another.

    Args:
        folder: an export folder.
        server: HOST:PORT of `splitsearch serve`.
        pictures: files of any size.
        onnx: see `pair_of`.
        timeout_s: seconds to wait for the server.

    Yields:
        The fields of an `Answer` and the `image`.

    Raises:
        UserError: an input is wrong, or the server is needed and does not answer.
    """
    address = parse_server(server)
    if not timeout_s > 0:
        raise UserError(f"--timeout must be a positive number of seconds, not {timeout_s:g}")
    export = open_export(folder)
    for picture in pictures:
        if not picture.is_file():
            raise UserError(f"no picture '{picture}'")
    if _uses_onnx(export, onnx):
        head = onnx_head(folder, in_parts=export.has_parts)
    else:
        head = pair_of(export, onnx=False)[0].head
    with Connection(address, timeout_s, 4 * len(export.manifest.classes)) as connection:
        device = Device(head, export.manifest, export.config, connection)
        _warm_up(head, export)
        for picture in pictures:
            answer = device.infer(_input(picture, export.config.image_size))
            yield {"image": str(picture)} | answer.to_json()


def _uses_onnx(export: ExportFolder, asked: bool | None) -> bool:
    if asked and not export.has_onnx:
        raise UserError(f"'{export.path}' was exported with --no-onnx: leave --onnx out")
    return (export.has_onnx and has_onnxruntime()) if asked is None else asked


def _warm_up(head: Head, export: ExportFolder) -> None:
    """A runtime's first run allocates and tunes, which is nothing that an image costs."""
    size = export.config.image_size
    head({IMAGE: np.zeros((1, 3, size, size), dtype=np.float32)})


def _input(picture: Path, size: int) -> NDArray[np.float32]:
    try:
        pixels = fit(read_image(picture), size)
    except CorruptImageError as error:
        raise UserError(f"a picture cannot be read: {error}") from error
    image = torch.from_numpy(np.array(pixels.transpose(2, 0, 1)[None]))
    return np.asarray(normalise(image).numpy())
