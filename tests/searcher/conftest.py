"""A headless Chromium for tests that look at pages."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

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
