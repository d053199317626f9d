"""What a folder says of itself."""

from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.preprocess import MEAN
from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.manifest import file_hash
from splitsearch.searcher.deploy.restore import target_of


def test_the_manifest_is_of_what_was_exported(candidate: Chosen, exported: ExportFolder) -> None:
    manifest, restored = exported.manifest, candidate.restored
    crossing = restored.model.crossing
    assert crossing is not None
    assert manifest.payload.shape == crossing.output_shape
    assert manifest.payload.max_bytes == Profiler(target_of(candidate.settings)).profile(restored.model).payload_bytes
    assert (manifest.preprocessing.size, manifest.preprocessing.short_side, manifest.preprocessing.mean) == (
        32,
        37,
        MEAN,
    )
    assert manifest.classes == restored.data.classes
    assert [tensor.name for tensor in manifest.head["outputs"]][3:] == ["exit_logits", "exit_confidence"]
    assert (manifest.exit.threshold, manifest.exit.fusion) == (0.6, 0.5)  # type: ignore[union-attr]
    assert manifest.seen.part == "validation"
    assert manifest.seen.images == 24
    assert {"torch", "onnxruntime", "splitsearch"} <= set(manifest.versions)


def test_a_model_is_known_by_its_weights(exported: ExportFolder) -> None:
    head, tail = (file_hash(exported.path / f"{side}.safetensors") for side in ("head", "tail"))
    assert exported.manifest.model == f"{head[:16]}-{tail[:16]}"
    assert set(exported.manifest.files) == {file.name for file in exported.path.iterdir()} - {"manifest.json"}
