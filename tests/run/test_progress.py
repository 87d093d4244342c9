"""How long the rest of a run will take, from what was done so far."""

from types import SimpleNamespace

import pytest

from benchmarks.run.progress import IN_TURNS, Case, Done, Progress, _cases, left, spoken


def latency(platform="wasm", model="a", **other):
    return Case("test_latency", model, platform, **other)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (7.4, "7 s"),
        (43, "45 s"),
        (59.9, "60 s"),
        (131, "2 min 10 s"),
        (180, "3 min"),
        (1234, "21 min"),
        (3 * 3600 + 290, "3 h 5 min"),
    ],
)
def test_a_time_is_said_as_exactly_as_it_is_known(seconds, words):
    assert spoken(seconds) == words


def test_a_case_takes_as_long_as_those_of_its_phase_and_platform():
    done = [Done(latency("cpu"), 2), Done(latency("wasm"), 10), Done(latency("wasm", "b"), 20)]
    rest = left(done, [latency("wasm"), latency("wasm", "c"), latency("cpu", "c")])
    assert (rest.seconds, rest.is_rough) == (10 + 15 + 2, False)


DONE = [Done(latency("cpu"), 2), Done(latency("wasm"), 10)]


def test_what_is_unlike_all_that_was_done_is_said_to_be_rough():
    rest = left(DONE, [latency("webnn")])
    assert (rest.seconds, str(rest)) == (6, "about 6 s left")


def test_of_a_phase_of_which_nothing_was_done_nobody_knows_how_long_it_takes():
    rest = left(DONE, [latency("webnn"), Case("test_load", "a", "cpu")])
    assert (rest.seconds, str(rest)) == (6 + 6, "at least 10 s left")
    repeated = Case("test_second_inference", "a", "cpu", repeats=True)
    assert str(left(DONE, [latency("wasm"), repeated])) == "10 s left"


def test_what_takes_turns_with_the_server_takes_longer_than_that_alone():
    alone = [Done(latency("server-cpu"), 4)]
    assert left(alone, [latency("wasm"), latency("server-cpu", "b")]).seconds == 4 * IN_TURNS + 4
    assert left([Done(latency("wasm"), 10)], [latency("server-cpu")]).seconds == 10 / IN_TURNS


def test_a_skipped_or_failed_case_tells_of_its_own_platform_alone():
    done = [Done(latency("cpu"), 10), Done(latency("absent"), 0, passed=False)]
    assert left(done, [latency("absent", "b")]).seconds == 0
    assert left(done, [latency("wasm")]).seconds == 10


def test_what_others_have_made_takes_no_time():
    done = [Done(Case("test_load", "a", "wasm"), 10)]
    rest = left(done, [Case("test_memory", "a", "wasm", repeats=True)])
    assert (rest.seconds, rest.is_rough) == (0, False)


def item(test, fixture, **params):
    name = f"{test}[{'-'.join(params.values())}]"
    callspec = SimpleNamespace(params=params)
    return SimpleNamespace(nodeid=name, name=name, originalname=test, fixturenames=[fixture], callspec=callspec)


def test_the_first_test_of_a_case_makes_what_the_others_report():
    wasm = {"model": "a", "platform": "wasm", "caches": "cold"}
    items = [
        item("test_load", "opened", **wasm),
        item("test_memory", "opened", **wasm),
        item("test_memory", "opened", **wasm | {"caches": "warm"}),
        item("test_latency", "measure", **wasm),
        item("test_device", "measure", **wasm),
    ]
    assert [case.repeats for _, case in _cases(items)] == [False, True, False, False, False]


def test_nothing_is_left_after_the_last_and_nothing_is_said_twice():
    progress = Progress({"a": latency(), "b": latency()})
    assert progress.left_after("a") is not None
    progress.end("a", passed=True)
    assert progress.left_after("a") is None  # it is told once, as it ends
    assert progress.left_after("b") is None
