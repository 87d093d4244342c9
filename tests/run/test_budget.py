"""A page's memory against a budget: what is judged, what is not, and how it is told."""

import argparse

import pytest

from benchmarks.protocol import Facts, Memory, Opening
from benchmarks.results import Result
from benchmarks.run.budget import budget_lines, judged, words
from benchmarks.settings import size

FACTS = {
    surrounding: Facts("chromium-wasm", "wasm", 1, "performance.now", 5e-6, surrounding=surrounding)
    for surrounding in ("page", "process")
}


def openings(*memories, surrounding="page"):
    return [Opening(1.0, 1.0, 1.0, {}, Memory(*memory), FACTS[surrounding]) for memory in memories]


GREW = openings((80_000_000, 290_000_000), (40_000_000, 280_000_000))  # the lower peak is the larger growth
NOT_TOLD = openings((80_000_000, 290_000_000), (None, None))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("200MB", 200_000_000),
        ("200 mb", 200_000_000),
        ("200MiB", 209_715_200),
        ("0.5GB", 500_000_000),
        ("1.5kB", 1_500),
        ("123456789", 123_456_789),
    ],
)
def test_a_size_is_read_with_its_unit(text, number):
    assert size(text) == number


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("much", "is no size: write a number of bytes, or one with B, kB, MB, GB, KiB, MiB, GiB behind it"),
        ("-1MB", "is no size"),
        ("200Mbit", "is no size"),
        ("1e9", "is no size"),
        ("0", "is no page's budget"),
        ("0.1B", "is no page's budget"),
        ("9" * 400 + "GB", "is no page's budget"),
    ],
)
def test_what_is_no_size_is_refused(text, why):
    with pytest.raises(argparse.ArgumentTypeError, match=why):
        size(text)


def test_a_page_is_held_to_what_it_takes_over_its_start_in_the_opening_that_took_most():
    assert judged(GREW, 230_000_000) == {
        "memory_over_start": 240_000_000,
        "memory_budget": 230_000_000,
        "over_budget": True,
    }
    assert words(GREW, 230_000_000) == "; takes 240 MB over its start, more than 230 MB"
    assert judged(GREW, 240_000_000) == {"memory_over_start": 240_000_000, "memory_budget": 240_000_000}
    assert words(GREW, 240_000_000) == "; takes 240 MB over its start, of 240 MB"


def test_without_a_budget_it_is_told_what_a_page_takes_and_nothing_is_marked():
    assert (judged(GREW, None), words(GREW, None)) == ({"memory_over_start": 240_000_000}, "")


def test_what_the_system_does_not_tell_is_never_within():
    assert judged(NOT_TOLD, 900_000_000) == {}
    assert words(NOT_TOLD, 900_000_000) == "; not judged against 900 MB: this system does not tell what the page took"


def test_a_servers_process_is_held_to_no_budget():
    process = openings((1_000_000, 900_000_000), surrounding="process")
    assert (judged(process, 1_000_000), words(process, 1_000_000)) == ({}, "")


def result(case, surrounding="page", **info):
    name = f"test_memory[{case}]"
    info |= {"surrounding": surrounding}
    return Result.of({"fullname": name, "name": name, "params": {}, "stats": {"data": [1.0]}, "extra_info": info})


def test_at_the_end_stands_which_pages_take_more_and_what_nobody_knows():
    results = [
        result("resnet8-wasm", memory_over_start=345_100_000, memory_budget=200_000_000, over_budget=True),
        result("resnet8-tfjs", memory_over_start=99_000_000, memory_budget=200_000_000),
        result("resnet8-webnn"),
        result("resnet8-server-cpu", "process"),
    ]
    assert budget_lines(results, 200_000_000) == [
        "budget   1 of 2 pages take more than 200 MB: resnet8-wasm 345.1 MB",
        "budget   1 of 3 pages were not judged, this system does not tell what the page took: resnet8-webnn",
        "budget   it is of pages: what a server's process takes is told, and held to none",
    ]
    assert budget_lines(results, None) == budget_lines([], 200_000_000) == []
    assert budget_lines(results[1:2], 200_000_000) == ["budget   0 of 1 pages take more than 200 MB"]
