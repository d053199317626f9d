"""The device's side of a connection."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from splitsearch.searcher.deploy.client import Connection, Device, parse_server
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.frames import START, encode
from splitsearch.searcher.deploy.halves import IMAGE
from splitsearch.searcher.deploy.outcomes import run_halves
from splitsearch.searcher.deploy.rebuild import torch_pair
from splitsearch.spaces.errors import UserError


@contextmanager
def server(*replies: bytes) -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """Takes one connection, answers each frame with the next reply, and keeps what it was sent."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            wire, _ = listener.accept()
            with wire, wire.makefile("rb") as stream:
                for reply in replies:
                    start = stream.read(START.size)
                    _, _, header, body = START.unpack(start)
                    seen.append(stream.read(header) + stream.read(body))
                    wire.sendall(reply)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname(), seen
        thread.join(5)


def device(found: Chosen, export: ExportFolder, connection: Any) -> Device:
    pair = torch_pair(found.restored.model, found.restored.config)
    return Device(pair.head, export.manifest, export.config, connection)


def test_answers_are_those_of_both_halves_together(candidate: Chosen, exported: ExportFolder) -> None:
    """An exit that keeps some images, and fused logits for the others."""
    from splitsearch.searcher.data.preprocess import normalise
    from splitsearch.searcher.deploy.crossing import received
    from splitsearch.searcher.deploy.frames import Frame

    config, images = candidate.restored.config, candidate.restored.data.val
    pair = torch_pair(candidate.restored.model, config)
    outcomes = run_halves(pair, images)

    class Wire:
        def ask(self, header: dict[str, Any], body: bytes) -> Frame:
            assert header == {"model": exported.manifest.model, "answer": "logits"}
            logits = pair.tail(received([body], pair.shape, config.bits))["logits"][0]
            said = {"class": 0, "confidence": 0.0, "tail_ms": 1.5}
            return Frame(header=said, body=logits.astype("<f4").tobytes())

    leaves = outcomes.leaves(config.exit_threshold)
    assert 0 < leaves.sum() < len(leaves), "the test wants both kinds of images"
    asking, ended = device(candidate, exported, Wire()), list[int]()
    rest = asking.head.rest
    assert rest is not None
    asking.head = replace(asking.head, rest=lambda inputs: ended.append(1) or rest(inputs))
    answers = [asking.infer(normalise(x[None]).numpy()) for x in images.images]
    assert len(ended) == (~leaves).sum(), "what leaves at the exit costs nothing behind it"
    assert [answer.class_index for answer in answers] == outcomes.logits(config.exit_threshold).argmax(1).tolist()
    for answer, left, count in zip(answers, leaves, outcomes.payload_bytes, strict=True):
        assert answer.answered == ("device" if left else "server")
        assert answer.payload_bytes == (0 if left else count)
        assert answer.tail_ms == (0.0 if left else 1.5)
        assert answer.total_ms >= answer.head_ms > 0
        assert answer.label == exported.manifest.classes[answer.class_index]


def test_one_connection_serves_many_frames() -> None:
    with server(encode({"n": 1}), encode({"n": 2}, b"xy")) as (address, seen), Connection(address, 5, 2) as connection:
        assert connection.ask({"a": 1}, b"1").header == {"n": 1}
        assert connection.ask({"a": 2}, b"2").body == b"xy"
    assert seen == [b'{"a": 1}1', b'{"a": 2}2']


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (encode({"error": "this server holds another"}), "refuses: this server holds another"),
        (b"HTTP/1.1 400 Bad Request\r\n", "is no server of splitsearch"),
        (encode({}, b"x" * 100), "a body of 100 bytes is above the limit"),
        (encode({"n": 1})[:-1], "the connection ended after"),
        (b"", "the connection ended after 0 of 12 bytes"),
    ],
)
def test_what_a_strange_server_says_is_one_line(reply: bytes, line: str) -> None:
    with server(reply) as (address, _), Connection(address, 5, 40) as connection, pytest.raises(UserError, match=line):
        connection.ask({}, b"")


def test_a_server_that_is_not_there_or_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = silent.getsockname()
        with (
            Connection(address, 0.2, 40) as connection,
            pytest.raises(UserError, match=r"answer within 0\.2 s"),
        ):
            connection.ask({}, b"")
    with Connection(address, 0.5, 40) as connection, pytest.raises(UserError, match="cannot be reached"):
        connection.ask({}, b"")


@pytest.mark.parametrize(
    "header", [{}, {"class": 99, "confidence": 1.0, "tail_ms": 1.0}, {"class": "0", "confidence": 1.0, "tail_ms": 1.0}]
)
def test_an_answer_is_checked(header: dict[str, Any], candidate: Chosen, exported: ExportFolder) -> None:
    leaving = exported.manifest.exit
    assert leaving is not None
    manifest = exported.manifest.model_copy(update={"exit": leaving.model_copy(update={"threshold": 1.0})})
    image = np.zeros((1, 3, 32, 32), dtype=np.float32)
    with server(encode(header)) as (address, _), Connection(address, 5, 40) as connection:
        asking = device(candidate, replace(exported, manifest=manifest), connection)
        with pytest.raises(UserError, match="the server answered what is no answer"):
            asking.infer(image)
    assert json.dumps(header)
    assert IMAGE == "image"


@pytest.mark.parametrize("text", ["", "host", "host:", ":80", "host:x", "host:0", "host:70000"])
def test_an_address(text: str) -> None:
    with pytest.raises(UserError, match=r"--server must be HOST:PORT"):
        parse_server(text)
    assert parse_server("host:80") == ("host", 80)
    assert parse_server("[::1]:80") == ("::1", 80)
