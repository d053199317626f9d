"""Imports run one way, and every outside thing has one owner; also inside functions."""

import ast
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[2]
LAYERS = {"spaces": 0, "profilers": 1, "searcher": 2}
OWNERS = {
    "optuna": ("searcher/engine/",),
    "optuna_dashboard": ("searcher/engine/",),
    "sqlalchemy": ("searcher/engine/",),
    "filelock": ("searcher/engine/", "searcher/training/store.py"),
    "plotly": ("searcher/report/", "searcher/engine/dashboard.py"),
    "kaleido": ("searcher/report/images.py",),
    "jinja2": ("searcher/report/html.py",),
    "typer": ("searcher/cli/",),
    "time": ("profilers/timing.py", "profilers/measure/agent.py"),  # the agent is one file that needs no other
    "timeit": ("profilers/timing.py",),
    "datetime": ("profilers/timing.py",),
    "torchvision": ("spaces/backbones/", "searcher/data/"),
    "timm": ("spaces/backbones/",),
    "torch_pruning": ("spaces/variants/",),
    "zstandard": ("spaces/bottleneck/payload.py",),
    "fvcore": ("profilers/counting/macs.py",),
    "onnx": ("profilers/measure/", "searcher/deploy/"),
    "onnxruntime": ("profilers/measure/", "searcher/deploy/"),
    "onnxscript": (),
    "tensorrt": ("profilers/measure/agent.py",),
    "tensorboard": ("searcher/fulltrain/journal.py",),
    "sklearn": (
        "searcher/data/",
        "profilers/predict/model.py",
        "searcher/engine/samplers/surrogate.py",
        "searcher/engine/samplers/kernel.py",
    ),
    "moocore": ("searcher/engine/pareto.py",),
}


def sources() -> list[Path]:
    return sorted(path for folder in LAYERS for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_name(path: Path) -> str:
    relative = path.relative_to(ROOT).with_suffix("")
    parts = ["splitsearch", *relative.parts]
    if parts[1:3] == ["searcher", "_root"]:
        parts = ["splitsearch", *parts[3:]]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path: Path) -> None:
    own = LAYERS[path.relative_to(ROOT).parts[0]]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "splitsearch" and len(parts) > 1 and parts[1] in LAYERS:
            assert LAYERS[parts[1]] <= own, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_outside_things_have_one_owner(path: Path) -> None:
    place = str(path.relative_to(ROOT))
    for name in imports(path):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or place.startswith(owners), f"{place} imports {name}, which belongs to {owners}"


def test_no_cycle() -> None:
    modules = {module_name(path): path for path in sources()}
    graph = nx.DiGraph()
    for name, path in modules.items():
        graph.add_edges_from((name, target) for target in imports(path) & set(modules) if target != name)
    assert list(nx.simple_cycles(graph)) == []
