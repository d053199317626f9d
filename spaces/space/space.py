"""The door to the spaces: a name or a file becomes a spec, and a spec bound to a backbone becomes a search space."""

from importlib.resources import files
from pathlib import Path

from splitsearch.spaces.errors import UserError, nearest
from splitsearch.spaces.space.grid import Exclusion, SearchSpace, Suggester
from splitsearch.spaces.space.spec import SpaceSpec, parse_space

__all__ = ["Exclusion", "SearchSpace", "SpaceSpec", "Suggester", "find_space", "read_space"]


def find_space(name_or_path: str) -> Path:
    """An existing file, else a shipped space by name.

    Raises:
        UserError: neither; the message names the nearest.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = {Path(str(entry)).stem: Path(str(entry)) for entry in files("splitsearch.configs.search").iterdir()}
    known = sorted(name for name, file in shipped.items() if file.suffix == ".yaml")
    if (name := name_or_path.removesuffix(".yaml")) not in known:
        raise UserError(f"the space '{name_or_path}' is neither a file nor a shipped name{nearest(name, known)}")
    return shipped[name]


def read_space(path: Path) -> SpaceSpec:
    """Reads a space file.

    Raises:
        UserError: no such file, no YAML, an unknown axis or an impossible value; the message says where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read the space '{path}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is no YAML: {error}") from error
    return parse_space(text, path.name)
