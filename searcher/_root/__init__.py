"""splitsearch: where to cut a neural network between a device and a server, and how narrow the cut may be.

Importing the package is cheap on purpose: nothing here imports torch, so that `splitsearch --help` answers at once.
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("splitsearch")
