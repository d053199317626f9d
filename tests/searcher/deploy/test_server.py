"""The server: whatever a client sends, the others go on."""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
import pytest

from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.frames import START, encode
from splitsearch.searcher.deploy.manifest import Manifest
from splitsearch.searcher.deploy.server import Limits, TailServer, serve
from splitsearch.spaces.bottleneck.payload import pack_values
from splitsearch.spaces.errors import UserError

Talk = Callable[[int], Awaitable[None]]
QUICK = Limits(clients=4, idle_s=0.5, frame_s=0.3)


def tail(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The class is what the first element says."""
    first = int(inputs["payload"].reshape(-1)[0])
    return {"logits": np.full((1, 10), np.nan if first == 15 else 0.0) + 3 * np.eye(10)[[first % 10]]}


def payload(manifest: Manifest, first: int) -> bytes:
    values = np.zeros(manifest.payload.shape, dtype=np.uint8)
    values.reshape(-1)[0] = first
    return pack_values(values, 1.0, 0.0, manifest.payload.bits)


def talk(manifest: Manifest, limits: Limits, *talks: Talk) -> None:
    """Runs conversations with one server, together."""

    async def run() -> None:
        listener = await asyncio.start_server(TailServer(tail, manifest, limits).handle, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        await asyncio.wait_for(asyncio.gather(*(one(port) for one in talks)), 20)
        listener.close()

    asyncio.run(run())


async def ask(port: int, *pieces: bytes, answers: int = 1) -> list[tuple[dict[str, Any], bytes]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
    found = [await read(reader) for _ in range(answers)]
    writer.close()
    return found


async def read(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    _, _, header, body = START.unpack(await reader.readexactly(START.size))
    return json.loads(await reader.readexactly(header)), await reader.readexactly(body)


def good(manifest: Manifest, first: int, answer: str = "class") -> bytes:
    return encode({"model": manifest.model, "answer": answer}, payload(manifest, first))


def test_several_clients_get_their_own_answers(exported: ExportFolder) -> None:
    manifest = exported.manifest

    def one(first: int) -> Talk:
        async def conversation(port: int) -> None:
            found = await ask(port, good(manifest, first), good(manifest, first, "logits"), answers=2)
            assert [header["class"] for header, _ in found] == [first, first]
            assert found[0][0]["label"] == manifest.classes[first]
            assert found[0][0]["confidence"] == pytest.approx(np.exp(3) / (np.exp(3) + 9))
            assert found[0][1] == b""
            assert np.array_equal(np.frombuffer(found[1][1], "<f4"), 3 * np.eye(10)[first])

        return conversation

    talk(manifest, Limits(), *map(one, range(8)))


def test_a_hostile_client_hears_what_is_wrong_and_harms_nobody(exported: ExportFolder) -> None:
    manifest = exported.manifest
    whole = good(manifest, 1)
    cases = {
        b"GET / HTTP/1.1\r\n\r\n": "no frame of splitsearch",
        struct.pack("<4sHHI", b"SPLT", 1, 2, 2**32 - 1): "above the limit",
        struct.pack("<4sHHI", b"SPLT", 1, 60000, 0): "above the limit",
        struct.pack("<4sHHI", b"SPLT", 1, 2, 0) + b"[]": "no JSON object",
        encode({"model": "another"}, payload(manifest, 1)): "holds the tail of model",
        encode({"model": manifest.model}, b"short"): "shorter than its header",
        encode({"model": manifest.model}, payload(manifest, 1)[:-1]): "does not hold a tensor",
        good(manifest, 15): "no numbers",
        whole[:-1]: "no whole frame came in time",
        whole[:5]: "no whole frame came in time",
    }

    async def conversation(port: int) -> None:
        for data, line in cases.items():
            ((header, _),) = await ask(port, data)
            assert line in header["error"], data[:40]
        assert (await ask(port, whole))[0][0]["class"] == 1

    talk(manifest, QUICK, conversation)


def test_random_bytes_never_stop_it(exported: ExportFolder) -> None:
    draw = random.Random(0)

    async def conversation(port: int) -> None:
        for _ in range(60):
            data = bytearray(good(exported.manifest, 2))
            for _ in range(draw.randrange(1, 6)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(bytes(data[: draw.randrange(len(data))]))
            writer.close()  # and leaves in the middle
            await writer.wait_closed()
        assert (await ask(port, good(exported.manifest, 2)))[0][0]["class"] == 2

    talk(exported.manifest, Limits(clients=100), conversation)


def test_there_is_an_end_to_clients_and_to_silence(exported: ExportFolder) -> None:
    async def conversation(port: int) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(QUICK.clients)]
        await asyncio.sleep(0.1)
        one_more = await asyncio.open_connection("127.0.0.1", port)
        header, _ = await read(one_more[0])
        assert "4 clients are connected" in header["error"]
        for reader, _ in silent:
            header, _ = await read(reader)
            assert "in time" in header["error"]
        for _, writer in (one_more, *silent):
            writer.close()
            await writer.wait_closed()
        assert (await ask(port, good(exported.manifest, 3)))[0][0]["class"] == 3

    talk(exported.manifest, QUICK, conversation)


def test_what_a_runtime_raises_stays_with_its_client(exported: ExportFolder) -> None:
    def broken(inputs: Mapping[str, Any]) -> dict[str, Any]:
        raise MemoryError

    async def run() -> None:
        listener = await asyncio.start_server(TailServer(broken, exported.manifest).handle, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        for _ in range(2):
            ((header, _),) = await ask(port, good(exported.manifest, 1))
            assert header["error"] == "the tail failed: MemoryError"
        listener.close()

    asyncio.run(run())


def test_a_port_in_use_is_one_line(exported: ExportFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use; choose"):
            serve(TailServer(tail, exported.manifest), "127.0.0.1", port, lambda *_: None)
