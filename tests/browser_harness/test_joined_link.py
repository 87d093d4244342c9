"""How the page looks for its server, and when it stops: without a browser, and with time that a test lets pass."""

import json
import subprocess
from pathlib import Path

import pytest
from real_browsers import node

from browser_harness.joined.device import ANOTHER_TAB, RUN_ENDED
from browser_harness.joined.server import PAGE

SEEN = '{"visible":true}'
IN = [["join"], ["opens"], ["says", "nothing"]]
CAME = ["join 200", "socket", "in", SEEN]


def played(*deeds):
    """Return what happens when so is done."""
    command = [node(), Path(__file__).with_name("link.mjs"), PAGE / "link.mjs", json.dumps(deeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_page_joins_and_takes_what_the_server_asks_for():
    assert played(*IN, ["says", "show"]) == [*CAME, "take show"]


def test_the_pauses_between_its_tries_grow_and_it_goes_on():
    answers = [0] * 8
    happened = played(*IN, ["answers", *answers], ["closes", 1006], ["wait", 100])
    tries = [float(line.split()[1]) for line in happened if line.startswith("after")]
    pauses = [round(late - early, 1) for early, late in zip([0, *tries], tries, strict=False)]
    assert pauses == [0.5, 1, 2, 4, 8, 15, 30, 30]


def test_the_pauses_are_short_again_once_it_was_in():
    twice = [["answers", 0, 0], ["closes", 1006], ["wait", 3.5], ["opens"], ["closes", 1006], ["wait", 0.5]]
    assert played(*IN, *twice)[-3:] == ["after 4 s", "join 200", "socket"]


@pytest.mark.parametrize("event", ["online", "look"])
def test_it_tries_at_once_when_the_network_or_the_person_is_back(event):
    deed = ["look"] if event == "look" else ["event", event]
    assert played(*IN, ["answers", 0, 0, 0], ["closes", 1006], ["wait", 4], deed)[-2:] == ["join 200", "socket"]


@pytest.mark.parametrize("status", [429, 502, 503])
def test_what_may_pass_is_tried_again_by_one_who_was_in_and_told_to_one_who_was_not(status):
    assert played(["answers", status], ["join"], ["wait", 60]) == [f"join {status}", "refused"]
    happened = played(*IN, ["answers", status], ["closes", 1006], ["wait", 2])
    assert happened[len(CAME) :] == [
        "lost",
        "after 0.5 s",
        f"join {status}",
        "lost",
        "after 1.5 s",
        "join 200",
        "socket",
    ]


@pytest.mark.parametrize(("code", "at"), [(ANOTHER_TAB, "moved"), (RUN_ENDED, "ended"), (4002, "sent-away")])
def test_what_the_server_ended_for_good_is_left_alone_whatever_the_person_does(code, at):
    after = [["look"], ["event", "online"], ["wait", 100]]
    assert played(*IN, ["closes", code], *after)[len(CAME) :] == [at]


def test_a_run_that_is_not_known_any_more_is_over():
    assert played(*IN, ["answers", 403], ["closes", 1006], ["wait", 60])[-2:] == ["join 403", "refused"]


def test_a_connection_that_is_dead_is_found_at_rest():
    """It was not closed as far as anybody knows: the server is asked for a word, and does not say it."""
    happened = played(*IN, ["wait", 20], ["says", "nothing"], ["wait", 31])
    assert happened[len(CAME) :] == [
        *("after 20 s", SEEN),
        *("after 40 s", SEEN),
        *("after 50 s", "close", "lost", "after 50.5 s", "join 200", "socket"),
    ]


def test_nothing_is_timed_while_the_page_computes():
    assert played(*IN, ["rest", False], ["wait", 100], ["look"], ["wait", 100]) == [*CAME, SEEN]
    assert played(*IN, ["look"], ["rest", False], ["wait", 100]) == [*CAME, SEEN]
