"""What a person may ask of a network, what is told of it, and which link a process lends for it."""

import os
from itertools import permutations

import pytest

from browser_harness.network import LOOPBACK, PROFILES, Carried, Conditions, LinkError, Obtained, doubt, parse
from browser_harness.network.links import FORCED, Links
from browser_harness.network.program import Program

FIELD = {  # kbit/s down and up, ms
    "lighthouse-slow-4g": (1638.4, 750, 150),
    "lighthouse-regular-3g": (700, 700, 300),
    "lighthouse-dense-4g": (10240, 10240, 40),
    "devtools-3g": (500, 500, 400),
    "devtools-slow-4g": (1600, 750, 150),
    "devtools-fast-4g": (9000, 1500, 60),
    "cable": (5000, 1000, 28),
    "dsl": (1500, 384, 50),
    "fios": (20000, 5000, 4),
    "wpt-3g": (1600, 768, 300),
    "wpt-3g-fast": (1600, 768, 150),
    "wpt-3g-slow": (780, 330, 200),
    "p75-2026": (9000, 3000, 100),
}


def test_profiles_have_the_figures_of_their_sources():
    assert PROFILES.keys() == FIELD.keys()
    for name, (down, up, round_trip) in FIELD.items():
        profile = parse(name)
        assert (profile.down, profile.up, profile.round_trip) == pytest.approx((down * 1e3, up * 1e3, round_trip / 1e3))
        assert profile.name == name
        assert profile.source


def test_figures_may_stand_in_any_order_and_have_one_name():
    for parts in permutations(("rtt=60ms", "down=10mbit", "up=1mbit")):
        assert parse(",".join(parts)) == Conditions("60ms-10mbit-1mbit", 0.06, 10e6, 1e6)


@pytest.mark.parametrize(
    ("text", "name", "round_trip", "down", "up"),
    [
        ("rtt=0ms", "0ms", 0.0, 0.0, 0.0),
        ("rtt=0.06s", "60ms", 0.06, 0.0, 0.0),
        ("rtt=2.5ms,down=1600kbit,up=.75mbit", "2.5ms-1.6mbit-750kbit", 0.0025, 1.6e6, 750e3),
        ("rtt = 1ms, down = 1gbit, up = 1000mbit", "1ms-1gbit-1gbit", 0.001, 1e9, 1e9),
    ],
)
def test_figures_are_read_in_their_units(text, name, round_trip, down, up):
    asked = parse(text)
    assert (asked.name, asked.round_trip, asked.down, asked.up) == (name, pytest.approx(round_trip), down, up)


def test_loopback_is_no_network():
    assert parse("loopback") is LOOPBACK


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "known are loopback, lighthouse-slow-4g"),
        ("4g", "'4g' is unknown; known are loopback, lighthouse-slow-4g"),
        ("Cable", "unknown"),
        ("60ms", "unknown"),
        ("ping=60ms", "'ping' is unknown; known are rtt, down and up"),
        ("=60ms", "is unknown"),
        ("rtt=60ms,", "is unknown"),
        ("rtt=60ms,rtt=60ms", "rtt is given twice"),
        ("down=10mbit,up=1mbit", "rtt is missing"),
        ("rtt=60ms,down=10mbit", "up is missing"),
        ("rtt=60ms,up=10mbit", "down is missing"),
        ("rtt=60", "rtt=60 is not a number in ms or s"),
        ("rtt=-60ms", "not a number"),
        ("rtt=nanms", "not a number"),
        ("rtt=infs", "not a number"),
        ("rtt=1e3ms", "not a number"),
        ("rtt=٣ms", "not a number"),
        ("rtt=60us", "not a number in ms or s"),
        ("rtt=60ms=1", "not a number"),
        ("rtt=11s", "is more than 10 s"),
        ("rtt=60ms,down=10,up=1mbit", "not a number in kbit or mbit or gbit"),
        ("rtt=60ms,down=10Mbps,up=1mbit", "not a number"),
        ("rtt=60ms,down=-1mbit,up=1mbit", "not a number"),
        ("rtt=60ms,down=0mbit,up=1mbit", "not within 10kbit to 1gbit"),
        ("rtt=60ms,down=1mbit,up=1kbit", "up=1kbit is not within"),
        ("rtt=60ms,down=1.1gbit,up=1mbit", "not within"),
        ("rtt=60ms,down=999999999999gbit,up=1mbit", "not within"),
    ],
)
def test_what_is_no_network_is_refused_in_one_line(text, words):
    with pytest.raises(ValueError, match=r"^network ") as refusal:
        parse(text)
    assert repr(text) in str(refusal.value)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["devtools", "cdp", "CDP", "playwright"])
def test_a_browsers_own_emulation_is_refused_with_the_reason(name):
    with pytest.raises(ValueError, match=r"no handshake, no preflight and no slow start, and first requests come 2"):
        parse(name)


ASKED = parse("rtt=60ms,down=10mbit,up=1mbit")


@pytest.mark.parametrize(
    ("obtained", "words"),
    [
        (Obtained(0.0602, 9.9e6, 1.01e6), None),
        (Obtained(0.065, 9.1e6, 1.09e6), None),
        (Obtained(0.067, 10e6, 1e6), "60ms-10mbit-1mbit: round trip 67 ms for 60"),
        (Obtained(0.053, 10e6, 1e6), "60ms-10mbit-1mbit: round trip 53 ms for 60"),
        (Obtained(0.06, 8.9e6, 1e6), "60ms-10mbit-1mbit: down 8.9 Mbit/s for 10"),
        (Obtained(0.06, None, 1e6), "60ms-10mbit-1mbit: down not measured"),
        (Obtained(0.07, 11.2e6, 0.5e6), "60ms-10mbit-1mbit: round trip 70 ms for 60, down 11.2 Mbit/s for 10, up 0.5"),
    ],
)
def test_what_is_more_than_a_tenth_off_is_doubted(obtained, words):
    doubted = doubt(ASKED, obtained)
    assert doubted == words if words is None else doubted.startswith(words)


def test_a_small_round_trip_may_be_a_millisecond_off_and_no_limit_is_never_missed():
    assert doubt(parse("rtt=2ms"), Obtained(0.0029, None, None)) is None
    assert doubt(parse("rtt=2ms"), Obtained(0.0032, None, None)) == "2ms: round trip 3.2 ms for 2"


def test_of_what_was_carried_the_late_share_is_of_a_while():
    while_ = Carried(5000, 900, packets=30, late=3, dropped=1) - Carried(1000, 400, packets=10, late=2)
    assert while_ == Carried(4000, 500, packets=20, late=1, dropped=1)
    assert (while_.late_share, Carried(0, 0).late_share) == (0.05, 0.0)


class FakeLink:
    def __init__(self):
        self.runs, self.closed, self.conditions = True, False, None

    def set(self, conditions):
        self.conditions = conditions

    def close(self):
        self.closed = True


class Refusing:
    def __init__(self):
        raise LinkError("no rights; be root")


@pytest.fixture
def links(monkeypatch):
    monkeypatch.delenv(FORCED, raising=False)
    return Links({"real": FakeLink, "other": FakeLink})


CABLE, DSL = parse("cable"), parse("dsl")


def test_one_link_serves_all_who_come_one_after_the_other(links):
    with links.at(CABLE) as first:
        assert first.conditions == CABLE
    with links.at(DSL) as second:
        assert (second is first, second.conditions) == (True, DSL)


def test_who_has_a_link_keeps_its_conditions_while_another_asks_for_others(links):
    with links.at(CABLE) as first, links.at(DSL) as second, links.at(CABLE) as third:
        assert (second is first, third is first) == (False, True)
        assert (first.conditions, second.conditions) == (CABLE, DSL)


def test_a_link_is_given_back_when_its_user_fails(links):
    with pytest.raises(ZeroDivisionError), links.at(CABLE) as first:
        _ = 1 / 0
    with links.at(DSL) as second:
        assert second is first


def test_over_loopback_nothing_is_made(links):
    with links.at(LOOPBACK) as link, link.on_client_side(), link.on_server_side():
        assert (link.kind, link.entrance(80), link.host, link.carried()) == ("loopback", 80, "127.0.0.1", None)
        assert link.obtained() == Obtained(0.0, None, None)


def test_a_broken_link_is_replaced(links):
    with links.at(CABLE) as first:
        first.runs = False
        with links.at(CABLE) as second:
            assert second is not first
    with links.at(CABLE):
        assert first.closed


def test_links_are_closed_at_the_end_by_their_own_process_only(links, monkeypatch):
    with links.at(CABLE) as link:
        pass
    own = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: own + 1)
    links.close()
    assert not link.closed
    monkeypatch.undo()
    links.close()
    assert link.closed


def test_the_next_best_link_is_made_where_one_is_refused_and_the_reason_kept():
    links = Links({"real": Refusing, "other": FakeLink})
    with links.at(CABLE) as link:
        assert isinstance(link, FakeLink)
    assert links.refused == {"real": "no rights; be root"}


def test_later_links_are_of_the_first_ones_kind():
    made = []

    def first_only():
        if made:
            raise LinkError("too many")
        made.append(1)
        return FakeLink()

    links = Links({"real": first_only, "other": FakeLink})
    with (
        links.at(CABLE),
        pytest.raises(LinkError, match=r"^no network can be made: real: too many$"),
        links.at(DSL),
    ):
        pass


def test_a_forced_kind_is_the_only_one(links, monkeypatch):
    monkeypatch.setenv(FORCED, "real")
    refusing = Links({"real": Refusing, "other": FakeLink})
    with pytest.raises(LinkError, match=r"^no network can be made: real: no rights; be root$"), refusing.at(CABLE):
        pass
    monkeypatch.setenv(FORCED, "carrier-pigeon")
    with pytest.raises(LinkError, match=r"=carrier-pigeon is unknown; known are real, other$"), links.at(CABLE):
        pass


def test_a_program_that_ends_is_told_with_its_last_words():
    program = Program("json.tool", "/nowhere")  # which takes the process's number for a file
    try:
        with pytest.raises(LinkError, match=r"^the link's tool ended: .*No such file"):
            program.ask()
    finally:
        program.close()
