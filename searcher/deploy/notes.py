"""NOTES.md of an export folder: what a stranger with a device and a server needs to know, with the names filled in."""

from splitsearch.searcher.deploy.manifest import Manifest, Tensor

__all__ = ["notes", "triton_config"]

_TRITON = {"float32": "TYPE_FP32", "uint8": "TYPE_UINT8", "int32": "TYPE_INT32"}
_MAX_BATCH = 32

_TEXT = """# {backbone}, split: trial {trial}

`head.onnx` runs on the device, `tail.onnx` on the server; the same weights for PyTorch are in the `.safetensors` files.
`manifest.json` has shapes, preprocessing, classes, checksums, and what was measured and predicted.

| file | in | out |
|---|---|---|
| `head.onnx` | {head_in} | {head_out} |
{parts}| `tail.onnx` | {tail_in} | {tail_out} |

The first dimension of every tensor is the batch and has any size.
{exit}
## With splitsearch

```sh
splitsearch serve {folder} --host 0.0.0.0 --port 7070
splitsearch infer {folder} --server SERVER:7070 PICTURE.png
```

## On a device without it

`run_head.py` needs numpy, onnxruntime and Pillow:

```sh
python3 run_head.py {folder} PICTURE.png payload.bin
python3 run_head.py {folder} PICTURE.png SERVER:7070
```

## What is sent

One image: 14 bytes, little-endian: version (1), bits, both one byte; number of elements, 4 bytes; `scale` and `zero`, 4
bytes of float32 each. Then the elements of `payload`, row by row: 8 bits as bytes, 16 as unsigned little-endian, 32 as
float32 (`scale` 1, `zero` 0), fewer bits one after another, the highest first, the last byte filled with zeros.{coding}
Here that is {max_bytes} bytes for an image. The tail computes on `payload * scale + zero`.

A message to `splitsearch serve`: `SPLT`, protocol (1) and length of the header, 2 bytes each, length of the payload, 4
bytes; the header, JSON: `{{"model": "{model}", "answer": "class"}}` or `"logits"`; the payload. The answer is
framed alike; its header names `class`, `label` and `confidence`, or the `error`; its payload are logits, float32.

## TensorRT

Eight-bit tensors can enter and leave an engine from TensorRT 8.6 on; before, run `head.onnx` in ONNX Runtime.

```sh
trtexec --onnx=head.onnx --saveEngine=head.engine --minShapes={head_min} --optShapes={head_min} --maxShapes={head_min}
trtexec --onnx=tail.onnx --saveEngine=tail.engine --minShapes={tail_min} --optShapes={tail_opt} --maxShapes={tail_max}
```

Add `--fp16` and evaluate again: half precision moves the integers of the payload. Neither line was run for this folder.

## Triton Inference Server

```
model_repository/
  {name}/
    config.pbtxt
    1/
      model.onnx      (this folder's tail.onnx)
```

`config.pbtxt`:

```
{triton}```

The client sends `payload`{affine} as KServe v2 tensors: no more bytes than the payload above, plus the protocol's own,
where 8 bits are used; with fewer, one byte for each element.
"""


def notes(manifest: Manifest, folder: str) -> str:
    """The text for one folder.

    Args:
        manifest: of the folder.
        folder: how commands call it.
    """
    head, tail = manifest.head, manifest.tail
    return _TEXT.format(
        backbone=manifest.backbone,
        trial=manifest.trial,
        model=manifest.model,
        folder=folder,
        head_in=_listed(head["inputs"]),
        head_out=_listed(head["outputs"]),
        parts=_parts(manifest),
        tail_in=_listed(tail["inputs"]),
        tail_out=_listed(tail["outputs"]),
        exit=_exit(manifest),
        coding=_coding(manifest),
        max_bytes=manifest.payload.max_bytes,
        head_min=_shapes(head["inputs"], 1),
        tail_min=_shapes(tail["inputs"], 1),
        tail_opt=_shapes(tail["inputs"], 8),
        tail_max=_shapes(tail["inputs"], _MAX_BATCH),
        name=triton_name(manifest),
        triton=triton_config(manifest),
        affine=", `scale` and `zero`" if len(tail["inputs"]) > 1 else "",
    )


def triton_name(manifest: Manifest) -> str:
    """A folder's name in a model repository."""
    kept = "".join(letter if letter.isalnum() else "_" for letter in manifest.backbone.rpartition(":")[2])
    return f"{kept}_tail"


def triton_config(manifest: Manifest) -> str:
    """config.pbtxt of the tail; tensors of one number for each image lose the dimension that Triton demands."""
    inputs = ",\n".join(_entry(tensor) for tensor in manifest.tail["inputs"])
    outputs = ",\n".join(_entry(tensor) for tensor in manifest.tail["outputs"])
    return (
        f'name: "{triton_name(manifest)}"\nplatform: "onnxruntime_onnx"\nmax_batch_size: {_MAX_BATCH}\n'
        f"input [\n{inputs}\n]\noutput [\n{outputs}\n]\ndynamic_batching {{ }}\n"
    )


def _entry(tensor: Tensor) -> str:
    dims = ", ".join(map(str, tensor.shape)) if tensor.shape else "1"
    reshape = "" if tensor.shape else " reshape: { shape: [ ] }"
    return f'  {{ name: "{tensor.name}" data_type: {_TRITON[tensor.dtype]} dims: [ {dims} ]{reshape} }}'


def _listed(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(f"`{t.name}` {t.dtype} {list(t.shape) if t.shape else 'one number'}" for t in tensors)


def _parts(manifest: Manifest) -> str:
    parts = (manifest.head_parts or {}).items()
    return "".join(
        f"| `{file}` | {_listed(sides['inputs'])} | {_listed(sides['outputs'])} |\n" for file, sides in parts
    )


def _shapes(tensors: tuple[Tensor, ...], batch: int) -> str:
    return ",".join(f"{tensor.name}:{'x'.join(map(str, (batch, *tensor.shape)))}" for tensor in tensors)


def _coding(manifest: Manifest) -> str:
    if manifest.payload.coding == "none":
        return ""
    return (
        "\nThe search used zstd: the elements, one byte each (two with 16 bits, four with 32), as a zstd frame without "
        "size\nand checksum, where that is shorter; the highest bit of the second byte says so. `run_head.py` sends "
        "without, which\nthe server takes too."
    )


def _exit(manifest: Manifest) -> str:
    if manifest.exit is None:
        return ""
    until, after = manifest.head_parts or ("", "")
    saved = (
        f"""`{until}` and `{after}` are `head.onnx` in two parts: run the first, and the second only for images that go
on; `run_head.py` and `infer` do. A device that uses them does not need `head.onnx`."""
        if until
        else "The device has nothing to do behind the exit but to send."
    )
    return f"""
## The exit

If `exit_confidence` ({manifest.exit.confidence}) is at least `exit.threshold` of manifest.json, the answer is the
largest of `exit_logits`, and nothing is sent; else of `logits` + {manifest.exit.fusion:g} x `exit_logits`.
{saved}
`splitsearch evaluate --target-accuracy` moves the threshold without training.
"""
