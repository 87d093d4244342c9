"""What two saved runs must have alike for their figures to mean the same."""

import pytest

from benchmarks.results import Result, alike, keys

NETWORK = {
    "asked": {"name": "cable", "round_trip": 0.028, "down": 5e6, "up": 1e6},
    "obtained": {"round_trip": 0.0281, "down": 4.9e6, "up": 1e6},
    "kind": "tun",
    "lacks": [],
    "congestion_control": "cubic",
}


def of(info):
    saved = {"name": "a", "fullname": "a.py::a", "params": {}, "stats": {}, "options": {}}
    return alike.of_benchmark(Result.of(saved | {"extra_info": info}))


def facts(**network):
    return of({keys.NETWORK: NETWORK | network})


@pytest.mark.parametrize("other", [{"kind": "proxy"}, {"congestion_control": "reno"}])
def test_a_network_made_otherwise_is_another_one(other):
    assert [name for name, _then, _now in alike.differences(facts(), facts(**other))] == ["network"]


def test_what_was_obtained_of_a_network_differs_each_time():
    obtained = {"round_trip": 0.0279, "down": 5e6, "up": 1e6}
    assert [*alike.differences(facts(), facts(obtained=obtained))] == []


def test_a_weaker_client_is_the_same_by_name_and_by_number():
    by_number, by_name = {"asked": 4, "obtained": 4.2}, {"asked": 4, "clients": {"mid-tier-mobile": [2, 10]}}
    assert [*alike.differences(of({keys.SLOWDOWN: by_number}), of({keys.SLOWDOWN: by_name}))] == []


def test_a_load_of_compressed_files_is_another_one():
    def opened(file, **info):
        return of({keys.DETAILS: {keys.FETCHED: {"/ort.wasm": file}}, **info})

    packed = {"wire": 2_391_966, "decoded": 14_239_897, "encoding": "br", "level": 10}
    cold = {keys.CACHES: "cold"}
    words = "encodings of what is fetched"
    assert [*alike.differences(opened(14_239_897, **cold), opened(packed, **cold))] == [(words, [], ["br 10"])]
    assert [*alike.differences(opened(packed, **cold), opened(packed, **cold))] == []
    assert [*alike.differences(opened(14_239_897), opened(packed))] == []  # of a steady state, all is there already
