"""What a person is shown of several starts: a figure with its interval, and those unlike their siblings."""

import pytest
from helpers import FAKE_PLATFORMS, Suite

from benchmarks.measuring.starts import Figure
from benchmarks.results import Result
from benchmarks.run.replay import with_interval
from benchmarks.run.terminal import Row, network_lines, odd_words, ratio_lines, trust_lines


def result(surrounding="page", **odd):
    """Return a result of five starts; *odd* says of some of them how many times as long they took."""
    trust = {"doubts": {}, "odd_starts": {name.removeprefix("start"): times for name, times in odd.items()}}
    info = {"starts": [[2]] * 5, "surrounding": surrounding, "trust": trust}
    stats = {"data": [1.0] * 10}
    return Result.of({"fullname": "a.py::a", "name": "a", "params": {}, "stats": stats, "extra_info": info})


def test_a_figure_is_shown_with_its_interval_where_it_has_one():
    assert with_interval(Figure(1.2345, 5, 1.2, 1.3, 0.95)) == "1,234.500 ms (1,200.000 to 1,300.000)"
    assert with_interval(Figure(0.001, 1)) == "1.000 ms"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (result(start2=2.9), "slow pages: 1 of 5 (2.90 times as long)"),
        (result("process", start0=3.0, start4=2.0), "slow processes: 2 of 5 (3.00, 2.00 times as long)"),
        (result(start1=0.5), "fast pages: 1 of 5 (0.50 times as long)"),
        (
            result(start1=0.5, start3=2.0),
            "slow pages: 1 of 5 (2.00 times as long); fast pages: 1 of 5 (0.50 times as long)",
        ),
    ],
    ids=["slow", "two", "fast", "both"],
)
def test_starts_unlike_their_siblings_are_told(shown, words):
    assert odd_words(shown) == words
    assert trust_lines([shown, result()])[1:] == [f"starts   a: {words}"]


def test_of_starts_that_are_alike_nothing_is_told():
    assert trust_lines([result()]) == ["trust    1 of 1 benchmarks were stable"]


def row(test, platform, ratio=None):
    """Return a row of five starts on a platform, with a ratio to ``server-cpu`` where one is given."""
    interval = {"value": 1.0, "starts": 5, "low": 0.9, "high": 1.1}
    info = {"starts": [[2]] * 5, "figures": dict.fromkeys(("median", "p10"), interval)}
    if ratio:
        info["ratio_to_server_cpu"] = {"statistic": "p10", "value": ratio, "ours": 1.0, "theirs": 1.0, "pairs": 9}
    name = f"test_{test}[resnet8-{platform}-b1]"
    saved = {"fullname": name, "name": name, "params": {}, "stats": {"data": [1.0] * 10}, "extra_info": info}
    return Row(Result.of(saved), f"resnet8-{platform}-b1")


def test_the_partners_rows_stand_in_the_table_of_their_own_phase_alone():
    rows = [
        *(row("latency", "server-cpu"), row("latency", "page", 4.0)),
        *(row("load", "server-cpu"), row("load", "page"), row("energy", "page")),
    ]
    lines = ratio_lines(rows)
    turns, others = ("\n".join(lines[at:end]) for at, end in ((0, lines.index("", 1)), (lines.index("", 1), None)))
    assert (turns.count("resnet8-server-cpu-b1"), turns.count("resnet8-page-b1")) == (1, 1)
    assert "4.00×" in turns
    assert (others.count("resnet8-server-cpu-b1"), others.count("resnet8-page-b1")) == (1, 2)
    assert "×" not in others


NOTED = """
def refuse(self, case):
    print("the runtime logged it, too")
    error = PlatformError("fake: it broke")
    error.add_note("at create (engine.mjs:1:1)")
    raise PlatformError("fake: resnet8: it broke") from error
FakePlatform.check = refuse
"""


def test_an_error_is_told_once_and_with_vv_all_that_led_to_it(pytester, outside_xdist):
    suite = Suite(pytester, FAKE_PLATFORMS + NOTED)
    once = suite.run().stdout.str()
    assert once.count("it broke") == 1
    assert "logged it" not in once
    assert "engine.mjs" not in once
    all_of_it = suite.run("-vv").stdout.str()
    assert all_of_it.count("at create (engine.mjs:1:1)") == 1
    assert "the runtime logged it, too" in all_of_it


NAMED = """
def refuse(self, case):
    raise PlatformError("fake: input a\\x1b[31m\\nred is unknown")
FakePlatform.check = refuse
"""


def test_names_within_an_error_drive_no_terminal(pytester, outside_xdist):
    result = Suite(pytester, FAKE_PLATFORMS + NAMED).run("-vv")
    result.stdout.fnmatch_lines([r"fake: input a\x1b[[]31m\nred is unknown"])
    assert "\x1b[31m" not in result.stdout.str()


def test_a_network_is_told_once_with_how_it_was_made():
    asked = {"name": "cable", "round_trip": 0.028, "down": 5e6, "up": 1e6}
    obtained = {"round_trip": 0.0284, "down": 4.9e6, "up": 1e6}
    network = {"asked": asked, "obtained": obtained, "kind": "proxy", "lacks": ["slow start", "loss"]}
    over = Result.of({"fullname": "a.py::a", "name": "a", "params": {}, "extra_info": {"network": network}})
    words = "obtained 28.4 ms of round trip, down 4.9 Mbit/s, up 1 Mbit/s, by proxy; it lacks slow start, loss"
    assert network_lines([over, over, result()]) == [f"network  cable: {words}"]
