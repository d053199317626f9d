"""The device's side with numpy, onnxruntime and Pillow alone: `python run_head.py DIR PICTURE [FILE | HOST:PORT]`.

It runs on Python 3.6, the last one of old Jetsons."""

import json
import socket
import struct
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

__all__ = ["main"]


def main(folder: str, picture: str, target: str = "payload.bin") -> "dict[str, object]":
    """Answers on the device, or writes the payload to a file, or asks `splitsearch serve`."""
    m, image = json.loads((Path(folder) / "manifest.json").read_text("utf-8")), Image.open(picture).convert("RGB")
    p, bits, short, size = m["preprocessing"], m["payload"]["bits"], min(image.size), m["preprocessing"]["size"]
    if short > size:  # shrink the short side, keep the centre; else stretch; resampling 2 is bilinear
        shrunk = [side * p["short_side"] // short for side in image.size]
        left, top = (round((side - size) / 2) for side in shrunk)
        image = image.resize(shrunk, 2).crop((left, top, left + size, top + size))
    pixels = np.asarray(image.resize((size, size), 2), np.float32) / 255 - np.float32(p["mean"])
    o = {"image": (pixels / np.float32(p["std"])).transpose(2, 0, 1)[None], "scale": np.ones(1), "zero": np.zeros(1)}
    for file, io in (m.get("head_parts") or {"head.onnx": m["head"]}).items():  # up to an exit, then the rest
        run = onnxruntime.InferenceSession(str(Path(folder) / file), providers=["CPUExecutionProvider"]).run
        o.update(zip((t["name"] for t in io["outputs"]), run(None, {t["name"]: o[t["name"]] for t in io["inputs"]})))
        if m["exit"] and o["exit_confidence"][0] >= m["exit"]["threshold"]:
            return {"label": m["classes"][int(o["exit_logits"].argmax())], "answered": "device", "payload_bytes": 0}
    q = o["payload"].ravel().astype({16: "<u2", 32: "<f4"}.get(bits, "u1"))  # below 8 bits: bit by bit, highest first
    body = np.packbits((q[:, None] >> np.arange(bits, dtype="u1")[::-1]) & 1) if bits < 8 else q
    data = struct.pack("<BBIff", 1, bits, q.size, o["scale"][0], o["zero"][0]) + body.tobytes()
    host, _, port = target.rpartition(":")
    if not host:
        return {"file": target, "answered": "nobody yet", "payload_bytes": Path(target).write_bytes(data)}
    with socket.create_connection((host, int(port)), timeout=10) as wire, wire.makefile("rb") as stream:
        ask = json.dumps({"model": m["model"], "answer": "logits"}).encode()
        wire.sendall(struct.pack("<4sHHI", b"SPLT", 1, len(ask), len(data)) + ask + data)
        _, _, header, length = struct.unpack("<4sHHI", stream.read(12))
        reply, logits = json.loads(stream.read(header)), np.frombuffer(stream.read(length), "<f4")
    if "error" in reply:
        sys.exit(reply["error"])
    logits = logits + m["exit"]["fusion"] * o["exit_logits"][0] if m["exit"] else logits
    return {"label": m["classes"][int(logits.argmax())], "answered": "server", "payload_bytes": len(data)}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
