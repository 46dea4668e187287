"""What a kernel takes of a machine that many share."""

import sys

import pytest

from quantlib.data import load_weight
from quantlib.lab import memory
from quantlib.lessons.affine_formula import LARGE_WEIGHT, explore_affine


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps what is free")
def test_moves_of_a_large_tensor_take_no_more_and_more_memory():
    explorer = explore_affine(load_weight("ffn_down"), **LARGE_WEIGHT)
    explorer.move(z=-60)
    before = memory.held()
    for z in range(-50, 50, 2):
        explorer.move(z=z)
    assert memory.held() < before + 1.5 * memory.GROWN  # without giving back it is 5 times as much


def test_memory_is_given_back_only_when_it_has_grown(monkeypatch):
    given, size = [], iter([1.0, 1.0, 1.5, 2.5, 1.5])
    monkeypatch.setattr(memory, "_kept", memory.GROWN)
    monkeypatch.setattr(memory, "held", lambda: next(size) * memory.GROWN)
    monkeypatch.setattr(memory, "_trim", lambda: given.append(True))
    for _ in range(4):
        memory.give_back()
    assert len(given) == 1 and memory._kept == 1.5 * memory.GROWN
