"""NOTES.md names what the graphs have."""

import re

from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.manifest import HEAD_PARTS
from splitsearch.searcher.deploy.notes import notes, triton_config, triton_name


def test_shapes_of_trtexec_are_those_of_the_graphs(exported: ExportFolder) -> None:
    text = notes(exported.manifest, "deployed")
    channels, height, width = exported.manifest.payload.shape
    assert "--minShapes=image:1x3x32x32 " in text
    assert f"--maxShapes=payload:32x{channels}x{height}x{width},scale:32,zero:32" in text
    assert f"{exported.manifest.payload.max_bytes} bytes" in text
    assert exported.manifest.model in text
    assert "Neither line was run" in text
    assert (
        "{" not in re.sub(r"\{\"model.*?\}|input \[.*?\]\n", "", text, flags=re.DOTALL).partition("config.pbtxt`:")[0]
    )


def test_triton_gets_every_tensor_of_the_tail(exported: ExportFolder) -> None:
    config = triton_config(exported.manifest)
    assert config.count("[") == config.count("]")
    assert config.count("{") == config.count("}")
    for name, kind in (("payload", "TYPE_UINT8"), ("scale", "TYPE_FP32"), ("logits", "TYPE_FP32")):
        assert f'name: "{name}" data_type: {kind}' in config
    assert f'name: "{triton_name(exported.manifest)}"' in config
    assert triton_name(exported.manifest) == "make_tail"


def test_the_parts_of_the_head_are_listed(exported: ExportFolder) -> None:
    text = notes(exported.manifest, "d")
    for file in HEAD_PARTS:
        assert f"| `{file}` |" in text
    whole = notes(exported.manifest.model_copy(update={"head_parts": None}), "d")
    assert "_exit.onnx" not in whole
    assert "nothing to do behind the exit" in whole


def test_what_a_candidate_lacks_is_not_spoken_of(exported: ExportFolder) -> None:
    plain = exported.manifest.model_copy(update={"exit": None})
    assert "## The exit" in notes(exported.manifest, "d")
    assert "exit" not in notes(plain, "d").partition("## With splitsearch")[2]
    coded = plain.payload.model_copy(update={"coding": "zstd"})
    assert "zstd" not in notes(plain, "d")
    assert "zstd" in notes(plain.model_copy(update={"payload": coded}), "d")
