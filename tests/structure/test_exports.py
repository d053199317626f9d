"""Every module says why it exists and what it offers."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for folder in ("spaces", "profilers", "searcher")
    for path in (ROOT / folder).rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_documents_and_exports(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    module = importlib.import_module(".".join(("splitsearch", *path.relative_to(ROOT).with_suffix("").parts)))
    assert module.__all__, "an empty __all__ offers nothing"
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_a_test_of_its_name(path: Path) -> None:
    folder = ROOT / "tests" / path.relative_to(ROOT).parent
    assert (folder / f"test_{path.name}").is_file()
