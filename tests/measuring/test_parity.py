"""Outputs are compared in pieces: what is found is that of the whole, whatever the pieces' size."""

import tracemalloc

import numpy as np
import pytest

from benchmarks.measuring import parity
from benchmarks.measuring.parity import ParityError, check_parity

NEAR = np.linspace(-1, 1, 10, dtype=np.float32)


def compare(output, expected):
    return check_parity("here", {"y": output}, {"y": expected}, 1e-5)


@pytest.fixture(params=[3, 10, 1 << 20])
def piece(request, monkeypatch):
    monkeypatch.setattr(parity, "PIECE", request.param)


@pytest.mark.usefixtures("piece")
def test_the_largest_difference_is_of_the_largest_number_wherever_they_stand():
    output, expected = NEAR.copy(), NEAR.copy()
    output[1] += 1e-6
    expected[8] = output[8] = -4
    assert compare(output, expected) == pytest.approx(1e-6 / 4, rel=0.1)
    assert compare(np.zeros(0, np.float32), np.zeros(0, np.float32)) == 0
    assert compare(np.float32(3).reshape(()), np.float32(3).reshape(())) == 0
    with pytest.raises(ParityError, match=r"^here: y differ from the reference's by 2\.5e-01 of the largest"):
        compare(output + np.eye(1, 10, 5, dtype=np.float32)[0], expected)


@pytest.mark.usefixtures("piece")
def test_unequal_places_of_all_pieces_are_counted():
    expected = np.arange(10)
    with pytest.raises(ParityError, match="in 2 places that must be equal"):
        compare(np.where(expected % 7 == 1, -1, expected), expected)
    wrong, infinite = NEAR.copy(), NEAR.copy()
    infinite[[0, 9]] = np.inf, np.nan
    with pytest.raises(ParityError, match="in 2 places that must be equal"):
        compare(wrong, infinite)
    assert compare(infinite, infinite.copy()) == 0


@pytest.mark.usefixtures("piece")
def test_a_nan_is_close_to_no_number():
    for place in (0, 5, 9):
        broken = NEAR.copy()
        broken[place] = np.nan
        with pytest.raises(ParityError, match="by nan of the largest"):
            compare(broken, NEAR)


@pytest.mark.usefixtures("piece")
def test_numbers_are_compared_by_their_place_and_not_as_they_lie_in_memory():
    square = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert compare(np.asfortranarray(square), square) == 0
    with pytest.raises(ParityError, match="y differ"):
        compare(np.asfortranarray(square[::-1]), square)


def test_comparing_takes_little_memory(monkeypatch):
    monkeypatch.setattr(parity, "PIECE", 1 << 10)
    output, expected = np.ones(1 << 20, np.float32), np.ones(1 << 20, np.float32)
    tracemalloc.start()
    try:
        assert compare(output, expected) == 0
        assert tracemalloc.get_traced_memory()[1] < output.nbytes / 4
    finally:
        tracemalloc.stop()
