"""The server's side over TCP: several devices, each answered in turn; whatever one of them sends, the others go on."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.deploy.crossing import received
from splitsearch.searcher.deploy.frames import START, Frame, FrameError, encode, read_header, read_start
from splitsearch.searcher.deploy.manifest import Manifest
from splitsearch.searcher.deploy.runtimes import Half
from splitsearch.spaces.errors import Interrupted, UserError

__all__ = ["Limits", "TailServer", "serve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may take.

    Attributes:
        clients: connections at a time.
        idle_s: seconds of silence between two frames.
        frame_s: seconds in which a frame that has begun must be there, and an answer be taken.
    """

    clients: int = 64
    idle_s: float = 300.0
    frame_s: float = 20.0


class TailServer:
    """Answers payloads with what the tail makes of them."""

    def __init__(self, tail: Half, manifest: Manifest, limits: Limits = Limits()) -> None:
        self.tail, self.manifest, self.limits = tail, manifest, limits
        # A payload that a coding made longer is not sent, so this is the most that there may be.
        self.max_body_bytes = manifest.payload.max_bytes
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="tail")  # the runtime has threads of its own
        self._clients = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection until it ends, errs or falls silent."""
        self._clients += 1
        try:
            if self._clients > self.limits.clients:
                raise FrameError(f"{self.limits.clients} clients are connected, and no more are taken")
            while (frame := await self._frame(reader)) is not None:
                await self._send(writer, await self._answer(frame))
        except (FrameError, UserError) as error:
            await self._last_word(writer, str(error))
        except asyncio.TimeoutError:
            await self._last_word(writer, "no whole frame came in time")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # it left in the middle of something
        except Exception as error:  # a runtime may raise anything; the other clients are not to hear of it
            await self._last_word(writer, f"the tail failed: {type(error).__name__}")
        finally:
            self._clients -= 1
            writer.close()

    async def _frame(self, reader: asyncio.StreamReader) -> Frame | None:
        """The next frame; None if the client has left between two."""
        try:
            first = await asyncio.wait_for(reader.readexactly(1), self.limits.idle_s)
        except asyncio.IncompleteReadError:
            return None
        return await asyncio.wait_for(self._rest(reader, first), self.limits.frame_s)

    async def _rest(self, reader: asyncio.StreamReader, first: bytes) -> Frame:
        start = read_start(first + await reader.readexactly(START.size - 1), self.max_body_bytes)
        header = read_header(await reader.readexactly(start.header_bytes))
        return Frame(header=header, body=await reader.readexactly(start.body_bytes))

    async def _answer(self, frame: Frame) -> bytes:
        if (model := frame.header.get("model")) != self.manifest.model:
            raise FrameError(f"this server holds the tail of model {self.manifest.model}, not of {str(model)[:80]}")
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._compute, frame)

    def _compute(self, frame: Frame) -> bytes:
        watch = Stopwatch()
        inputs = received([frame.body], self.manifest.payload.shape, self.manifest.payload.bits)
        logits = self.tail(inputs)["logits"][0].astype(np.float32)
        if not np.isfinite(logits).all():
            raise FrameError("the tail makes no numbers of this payload")
        best = int(logits.argmax())
        answer = {
            "class": best,
            "label": self.manifest.classes[best][:200],
            "confidence": float(np.exp(logits[best] - np.logaddexp.reduce(logits))),
            "tail_ms": 1e3 * watch.seconds,
        }
        return encode(answer, logits.astype("<f4").tobytes() if frame.header.get("answer") == "logits" else b"")

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await asyncio.wait_for(writer.drain(), self.limits.frame_s)

    async def _last_word(self, writer: asyncio.StreamWriter, text: str) -> None:
        try:
            await self._send(writer, encode({"error": text[:500]}))
        except (ConnectionError, asyncio.TimeoutError):
            return


def serve(server: TailServer, host: str, port: int, ready: Callable[[str, int], None]) -> None:
    """Serves until interrupted.

    Args:
        server: what answers.
        host: address to listen on.
        port: to listen on; 0 takes a free one.
        ready: hears the address and the port once clients may come.

    Raises:
        UserError: the address cannot be listened on.
        Interrupted: Ctrl-C or SIGTERM, which is how it ends.
    """

    async def run() -> None:
        try:
            listener = await asyncio.start_server(server.handle, host, port)
        except (OSError, OverflowError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise UserError(f"cannot listen on {host}:{port}: {reason}; choose another --port or --host") from error
        address: tuple[Any, ...] = listener.sockets[0].getsockname()
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not an exception out of a handler: the loop would give it to whichever client is being answered.
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        ready(str(address[0]), int(address[1]))
        await ended.wait()
        listener.close()
        raise Interrupted("interrupted; the server has stopped")

    asyncio.run(run())
