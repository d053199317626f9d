"""splitsearch: where to cut a neural network between a device and a server, and how narrow the cut may be.

Importing the package is cheap on purpose: a name is fetched when it is first used, and nothing here imports torch, so
that `splitsearch --help` answers at once.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from splitsearch.profilers.devices.device import DeviceProfile
    from splitsearch.profilers.networks.network import NetworkProfile
    from splitsearch.searcher.api import Run, cuts, load_run, profile, search, split
    from splitsearch.spaces.config import SplitConfig
    from splitsearch.spaces.space.space import SearchSpace

__all__ = [
    "DeviceProfile",
    "NetworkProfile",
    "Run",
    "SearchSpace",
    "SplitConfig",
    "__version__",
    "cuts",
    "load_run",
    "profile",
    "search",
    "split",
]

__version__ = version("splitsearch")

_HOMES = {
    "DeviceProfile": "profilers.devices.device",
    "NetworkProfile": "profilers.networks.network",
    "SearchSpace": "spaces.space.space",
    "SplitConfig": "spaces.config",
}


def __getattr__(name: str) -> Any:
    """Fetches a public name where it lives."""
    if name not in __all__:
        raise AttributeError(f"module 'splitsearch' has no attribute '{name}'")
    found = getattr(import_module(f"splitsearch.{_HOMES.get(name, 'searcher.api')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
