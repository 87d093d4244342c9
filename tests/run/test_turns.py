"""What a side of the gate does by itself: the ends of its pipes, its turns' length, and the witness of the machine."""

import itertools
import json
import os
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from benchmarks.measuring import witness
from benchmarks.measuring.sampler import BLOCK_SECONDS
from benchmarks.measuring.witness import SHOTS, WORKLOAD, Witness
from benchmarks.run.measure import plan
from benchmarks.run.turns import Turns

OPTIONS = {
    "min_rounds": 5,
    "max_time": 1.0,
    "warmup": True,
    "warmup_iterations": 50,
    "precision": None,
    "confidence": 0.99,
    "starts": 6,
}


def test_the_witness_tells_its_work_and_how_long_it_took(monkeypatch):
    seconds = itertools.chain.from_iterable((start, start + 3e-3) for start in itertools.count())
    monkeypatch.setattr(witness.time, "perf_counter", lambda: next(seconds))
    seen = Witness()
    seen.look()
    assert seen.facts() == {
        "workload": WORKLOAD,
        "p10": pytest.approx(3e-3),
        "median": pytest.approx(3e-3),
        "rounds": SHOTS,
    }
    seen.look()
    assert seen.facts()["rounds"] == 2 * SHOTS


def test_the_witness_tells_whose_work_it_is():
    assert f"numpy {np.__version__}: product of two 192x192 float32 matrices, one thread" == WORKLOAD


@pytest.mark.parametrize(("every", "looks"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (20, [0])])
def test_the_witness_passes_every_block_on_and_looks_after_some(monkeypatch, every, looks):
    drawn, looked = [], []
    monkeypatch.setattr(Witness, "look", lambda _self: looked.append(len(drawn)))
    for block in Witness().look_after(range(5), every):
        drawn += [block]
    assert (drawn, looked) == ([0, 1, 2, 3, 4], looks)


def test_the_witness_works_on_one_thread_and_leaves_the_others_as_they_were():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    class Matrix:
        def __matmul__(self, _other):
            used.append(threads())

    before, used, seen = threads(), [], Witness()
    seen._matrix = Matrix()
    seen.look()
    assert before
    assert used == [[1] * len(before)] * (SHOTS + 1)
    assert threads() == before


def test_each_result_has_a_witness(suite):
    assert suite.run("--benchmark-only", "--benchmark-json=out.json").ret == 0
    (benchmark,) = suite.benchmarks()
    saved = benchmark["extra_info"]["witness"]
    assert saved["workload"] == WORKLOAD
    assert 0 < saved["p10"] <= saved["median"]
    assert saved["rounds"] == SHOTS * sum(map(len, benchmark["extra_info"]["starts"]))


@pytest.mark.parametrize(("turns", "blocks"), [(None, 10), ((0.005, 8), 200), ((0.02, 1), 50)])
def test_a_turn_is_as_long_as_the_gate_says_and_so_are_the_starts(turns, blocks):
    planned = plan(OPTIONS.__getitem__, turns and SimpleNamespace(seconds=turns[0], starts=turns[1]))
    assert (planned.block_seconds, planned.starts) == (turns or (BLOCK_SECONDS, OPTIONS["starts"]))
    assert planned.next_rounds([], 1e-4) == pytest.approx(1 / 1e-4 / blocks, abs=1)


# The pipes


@pytest.fixture
def ends():
    """Return a side's turns, and the gate's two ends: where it reads reports and writes answers."""
    answers, reports = os.pipe(), os.pipe()
    turns = Turns(answers[0], reports[1])
    reading, writing = os.fdopen(reports[0]), os.fdopen(answers[1], "w", buffering=1)
    yield turns, reading, writing
    for end in (reading, writing, turns._answers, turns._reports):
        with suppress(BrokenPipeError):
            end.close()


def test_a_report_is_a_line_and_so_is_its_answer(ends):
    turns, reading, writing = ends
    writing.write('{"names": ["a"], "turn_seconds": 0.02, "starts": 3}\n')
    assert turns.ask({"a": {"sha256": "ab"}, "b": {}}) == ["a"]
    assert (turns.seconds, turns.starts) == (0.02, 3)
    assert reading.readline() == '["collected", {"a": {"sha256": "ab"}, "b": {}}]\n'


@pytest.mark.parametrize("core", [None, 0, 3])
def test_the_answer_to_the_next_start_is_its_core(ends, core):
    turns, reading, writing = ends
    writing.write(f"{json.dumps(core)}\nnull\nnull\n")
    assert turns.next_start() == core
    turns.wait_for_turn()
    turns.finish()
    assert [reading.readline() for _ in range(3)] == ['["start"]\n', '["turn"]\n', '["done"]\n']


def test_a_side_ends_when_the_gate_has(ends):
    turns, _reading, writing = ends
    writing.close()
    with pytest.raises(pytest.exit.Exception, match="the gate has ended") as raised:
        turns.report("turn")
    assert raised.value.returncode == 2


def test_a_side_ends_when_nobody_reads_its_reports(ends):
    turns, reading, _writing = ends
    reading.close()
    with pytest.raises(pytest.exit.Exception, match="the gate has ended"):
        turns.report("turn")


@pytest.mark.parametrize("text", ["3", "three,four"])
def test_ends_that_are_none_are_wrong_usage(suite, text):
    ended = suite.run(f"--lockstep={text}")
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    ended.stderr.fnmatch_lines(["*argument --lockstep: invalid * value: *"])
    assert suite.calls("time") == []
