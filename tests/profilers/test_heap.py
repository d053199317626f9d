"""Page faults, as the system counts them."""

import ctypes
import resource
import subprocess
import sys

import pytest
import torch

from splitsearch.profilers import heap

CODE = """
import ctypes, resource
import numpy as np
from splitsearch.profilers.heap import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        np.ones(1 << 20).sum()  # 8 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

libc = ctypes.CDLL(None)
assert libc.mallopt(-3, 1 << 16) and libc.mallopt(-1, 0)  # hands everything back at once
careless = faults()
assert keep_freed_memory()
faults()
print(careless, faults())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_memory_that_is_kept_does_not_fault_in_anew() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    careless, kept = map(int, done.stdout.split())
    pages = 10 * (8 << 20) // resource.getpagesize()
    assert careless > pages / 600, "at least as many as with huge pages"
    assert kept < careless / 10


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: object())
    assert not heap.keep_freed_memory()


PLACES = """
import torch
from splitsearch.profilers.heap import ShiftingHeap, keep_freed_memory

keep_freed_memory()
heap, without, places = ShiftingHeap(), set(), set()
for _ in range(20):
    without.add(torch.empty(300_000).data_ptr())
for _ in range(20):
    heap.shift()
    places.add(torch.empty(300_000).data_ptr())
print(len(without), len(places))
"""


def test_blocks_find_other_places_after_a_shift() -> None:
    done = subprocess.run([sys.executable, "-c", PLACES], capture_output=True, text=True, check=True)
    without, shifted = map(int, done.stdout.split())
    assert shifted > without


def test_shifting_draws_nothing_from_anybody_elses_numbers() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    heap.ShiftingHeap().shift()
    assert torch.equal(torch.rand(2), expected)
