"""The parts of a load add up to it, whatever a page says that it saw."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.platforms import loading
from browser_harness.channel import PageError

moments = st.floats(-100.0, 5_000.0)
intervals = st.lists(st.tuples(moments, moments), max_size=5)


def seen(files=(), compiled=(), began=0.0):
    """What a page says of files, (path, start, end) in milliseconds, and of when it compiled."""
    requests = [
        {"path": path, "start": start, "response": start, "end": end, "wire": 10, "decoded": 20, "opened": False}
        for path, start, end in files
    ]
    return {"began": began, "requests": requests, "compiled": compiled}


def compiling(begin, end, path=None):
    return {"begin": begin, "end": end, "path": path}


@given(intervals, intervals, intervals, moments, st.floats(0.0, 4.0), st.sampled_from(["main", "worker"]))
def test_parts_add_up_to_the_load(runtime, model, compiled, began, load, where):
    files = [("/ort.js", *times) for times in runtime] + [("/model/0", *times) for times in model]
    parts = loading.parts(load, seen(files, [compiling(*times) for times in compiled], began), {"/model/0"}, where)
    assert sum(parts.values()) == pytest.approx(load, abs=1e-12)
    assert min(parts.values()) >= 0
    assert [*parts] == [*(["worker"] if where == "worker" else []), "runtime", "model", "compile", "session"]


def test_a_moment_counts_for_the_first_of_what_is_under_way():
    files = [("/ort.js", 0, 100), ("/ort.wasm", 150, 500), ("/model/0", 450, 600)]
    page = seen(files, [compiling(160, 700)], began=50)
    taken = {"runtime": 0.45, "model": 0.1, "compile": 0.1, "session": 0.35}
    assert loading.parts(1.0, page, {"/model/0"}, "main") == pytest.approx(taken)
    worker = {"worker": 0.05, **taken, "runtime": 0.4}
    assert loading.parts(1.0, page, {"/model/0"}, "worker") == pytest.approx(worker)


def test_a_waterfall_tells_its_requests_in_order_and_what_was_compiled_as_it_came():
    page = seen([("/ort.wasm", 150, 500), ("/ort.js", 0, 100)], [compiling(160, 700, "/ort.wasm"), compiling(1, 2)])
    page["requests"][1]["opened"] = True
    assert loading.waterfall(page) == [
        {"path": "/ort.js", "start": 0.0, "response": 0.0, "end": 0.1, "wire": 10, "decoded": 20, "opened": True},
        {"path": "/ort.wasm", "start": 0.15, "response": 0.15, "end": 0.5, "wire": 10, "decoded": 20, "compiled": 0.7},
    ]


def test_a_page_that_saw_other_bytes_than_were_sent_is_refused():
    rows = loading.waterfall(seen([("/ort.js", 0, 100)]))
    loading.prove_bytes(rows, {"/ort.js": 10})
    loading.prove_bytes(rows, {"/ort.js": {"wire": 30, "decoded": 60, "encoding": "br"}})  # to two thread workers, too
    for sent, number in (({"/ort.js": 11}, "11"), ({}, "0"), ({"/ort.js": {"wire": 5}}, "5")):
        with pytest.raises(PageError, match=rf"the page saw 10 bytes of /ort\.js, and the server sent {number}$"):
            loading.prove_bytes(rows, sent)
    loading.prove_bytes([{**rows[0], "wire": 0}], {})  # from a cache
