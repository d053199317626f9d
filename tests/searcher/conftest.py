"""A headless Chromium for tests that look at pages, and a device that is not there for those that compute.

That device's tensors say that they are on a GPU, and refuse to meet those of the processor. Their numbers lie on the
processor, and every operator runs there. What a GPU would refuse is refused: an operator that reads tensors of both
places, but for copies, numbers without dimensions, and indices. It calls itself `lazy`, one of the device types whose
backward pass torch runs without a driver.
"""

import shutil
from collections.abc import Iterator
from typing import Any, cast

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium by Playwright, whose event loop must not outlive a module; skips where no browser is installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are looked at with playwright")
    place = next((found for name in NAMES if (found := shutil.which(name))), None)
    with playwright.sync_playwright() as library:
        try:
            chromium = library.chromium.launch(executable_path=place, args=["--no-sandbox"], timeout=120_000)
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


ELSEWHERE = torch.device("lazy", 0)

_COPIES = (torch.ops.aten.copy_.default,)
_INDEXED = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default, torch.ops.aten.index_put.default)


class _Far(torch.Tensor):
    """A tensor that says it is elsewhere."""

    near: torch.Tensor

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> "_Far":
        made: _Far = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=ELSEWHERE,
            requires_grad=near.requires_grad,
        )
        made.near = near
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})

    __torch_function__ = torch._C._disabled_torch_function_impl


class _Made(TorchFunctionMode):
    """`torch.tensor` asks the device for memory behind the back of every mode: the tensor is made here, and sent."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.tensor and kwargs.get("device") == ELSEWHERE:
            return func(*args, **kwargs | {"device": None}).to(ELSEWHERE)
        return func(*args, **kwargs)


class Elsewhere(TorchDispatchMode):
    """While it lasts, there is such a device.

    Attributes:
        device: its name.
        count: operators that ran on it.
    """

    device = ELSEWHERE

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._made = _Made()

    def __enter__(self) -> "Elsewhere":
        self._made.__enter__()
        return cast("Elsewhere", super().__enter__())

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self._made.__exit__(*raised)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = _run(func, args, kwargs or {})
        self.count += any(isinstance(leaf, _Far) for leaf in tree_leaves(found))
        return found


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    wanted = kwargs.get("device")
    far = any(isinstance(leaf, _Far) for leaf in given) if wanted is None else torch.device(wanted).type == "lazy"
    if wanted is None:
        _require_one_place(func, args, given)
    near_args, near_kwargs = tree_map(_near, (args, kwargs))
    if wanted is not None:
        near_kwargs["device"] = torch.device("cpu")
    found = func(*near_args, **near_kwargs)
    if func in _COPIES:
        return args[0]
    if not far:
        return found
    return return_and_correct_aliasing(func, args, kwargs, tree_map(_far, found))


def _require_one_place(func: Any, args: Any, given: list[torch.Tensor]) -> None:
    if func in _COPIES:
        return
    asked = given
    if func in _INDEXED and isinstance(args[0], _Far):
        indices = {id(leaf) for leaf in tree_leaves(args[1])}
        asked = [leaf for leaf in given if id(leaf) not in indices]
    places = {isinstance(leaf, _Far) for leaf in asked if leaf.dim() > 0 or isinstance(leaf, _Far)}
    if len(places) > 1:
        raise RuntimeError(f"{func}: expected all tensors to be on the same device")


def _near(leaf: Any) -> Any:
    return leaf.near if isinstance(leaf, _Far) else leaf


def _far(leaf: Any) -> Any:
    return _Far(leaf) if isinstance(leaf, torch.Tensor) else leaf


@pytest.fixture
def elsewhere() -> Elsewhere:
    """A device that is not there, to be entered."""
    return Elsewhere()
