"""The device's side over TCP: the head runs here, and the server is asked about what the exit leaves open."""

import json
import socket
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.deploy.crossing import packed
from splitsearch.searcher.deploy.frames import START, Frame, FrameError, encode, read_header, read_start
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.head import Head
from splitsearch.searcher.deploy.manifest import Manifest
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

__all__ = ["Answer", "Connection", "Device", "parse_server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found out about one image.

    Attributes:
        class_index: place in the manifest's classes.
        label: its name.
        confidence: softmax probability of the class, or what the exit calls its confidence.
        answered: `device` or `server`.
        payload_bytes: what was sent of the image, without the frame around it.
        head_ms: from pixels to payload, measured.
        tail_ms: on the server, as it says; 0 if it was not asked.
        total_ms: from pixels to the answer, measured.
    """

    class_index: int
    label: str
    confidence: float
    answered: str
    payload_bytes: int
    head_ms: float
    tail_ms: float
    total_ms: float

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)


def parse_server(text: str) -> tuple[str, int]:
    """Reads `HOST:PORT`; an IPv6 address may stand in brackets.

    Raises:
        UserError: it is something else.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UserError(f"--server must be HOST:PORT, such as 192.168.0.2:7070, not '{text}'")
    return host.strip("[]"), int(port)


class Connection:
    """A connection to `splitsearch serve`, made when it is first needed."""

    def __init__(self, address: tuple[str, int], timeout_s: float, max_body_bytes: int) -> None:
        self.address, self.timeout_s, self.max_body_bytes = address, timeout_s, max_body_bytes
        self._socket: socket.socket | None = None

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *reason: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def ask(self, header: dict[str, Any], body: bytes) -> Frame:
        """Sends a frame and waits for the answer.

        Raises:
            UserError: the server cannot be reached, falls silent, or says what is wrong.
        """
        place = f"{self.address[0]}:{self.address[1]}"
        try:
            wire = self._connected()
            wire.sendall(encode(header, body))
            frame = self._receive(wire)
        except TimeoutError as error:
            raise UserError(f"the server {place} did not answer within {self.timeout_s:g} s") from error
        except OSError as error:
            raise UserError(f"the server {place} cannot be reached: {error.strerror or error}") from error
        except FrameError as error:
            raise UserError(f"{place} is no server of splitsearch: {error}") from error
        if "error" in frame.header:
            raise UserError(f"the server {place} refuses: {frame.header['error']}")
        return frame

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self.address, self.timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _receive(self, wire: socket.socket) -> Frame:
        start = read_start(_exactly(wire, START.size), self.max_body_bytes)
        header = read_header(_exactly(wire, start.header_bytes))
        return Frame(header=header, body=_exactly(wire, start.body_bytes))


def _exactly(wire: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = wire.recv(min(count - len(data), 65536))
        if not piece:
            raise FrameError(f"the connection ended after {len(data)} of {count} bytes")
        data += piece
    return bytes(data)


class Device:
    """Head, exit and the connection: one image in, one answer out; what leaves at the exit costs no more than that."""

    def __init__(self, head: Head, manifest: Manifest, config: SplitConfig, connection: Connection) -> None:
        self.head, self.manifest, self.config, self.connection = head, manifest, config, connection

    def infer(self, image: NDArray[np.float32]) -> Answer:
        """Answers for one normalised image (1, 3, S, S).

        Raises:
            UserError: the server was needed and did not answer.
        """
        watch = Stopwatch()
        begun = self.head.begin({IMAGE: image})
        early, leaving = begun.get("exit_logits"), self.manifest.exit
        if leaving is not None and early is not None:
            sure = float(begun["exit_confidence"][0])
            if sure >= leaving.threshold:
                spent = 1e3 * watch.seconds
                return self._answer(int(early[0].argmax()), sure, "device", 0, (spent, 0.0, spent))
        (payload,) = packed(self.head.finish(begun), self.config)
        head_ms = 1e3 * watch.seconds
        fuses = leaving is not None and leaving.fusion > 0
        asked = {"model": self.manifest.model, "answer": "logits" if fuses else "class"}
        reply = self.connection.ask(asked, payload)
        best, sure = self._read(reply)
        if leaving is not None and early is not None and fuses:
            best, sure = _best(np.frombuffer(reply.body, "<f4") + np.float32(leaving.fusion) * early[0])
        times = (head_ms, float(reply.header["tail_ms"]), 1e3 * watch.seconds)
        return self._answer(best, sure, "server", len(payload), times)

    def _read(self, reply: Frame) -> tuple[int, float]:
        """Class and confidence of a reply; what the server says is checked before it names a class."""
        header, classes = reply.header, len(self.manifest.classes)
        numbers = (header.get("confidence"), header.get("tail_ms"))
        known = isinstance(header.get("class"), int) and 0 <= header["class"] < classes
        if not known or not all(isinstance(number, int | float) for number in numbers):
            raise UserError(f"the server answered what is no answer: {json.dumps(header)[:200]}")
        if reply.body and len(reply.body) != 4 * classes:
            raise UserError(f"the server sent {len(reply.body)} bytes of logits for {classes} classes")
        return int(header["class"]), float(header["confidence"])

    def _answer(
        self, best: int, confidence: float, answered: str, sent: int, times: tuple[float, float, float]
    ) -> Answer:
        return Answer(
            class_index=best,
            label=self.manifest.classes[best],
            confidence=confidence,
            answered=answered,
            payload_bytes=sent,
            head_ms=times[0],
            tail_ms=times[1],
            total_ms=times[2],
        )


def _best(logits: NDArray[np.float32]) -> tuple[int, float]:
    best = int(logits.argmax())
    return best, float(np.exp(logits[best] - np.logaddexp.reduce(logits)))
