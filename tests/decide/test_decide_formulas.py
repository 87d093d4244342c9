"""What any arithmetic of client and server must do, whatever the figures: rise, fall, and end where it should."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.decide import formulas as f

seconds = st.floats(0.0, 100.0)
sizes = st.floats(0.0, 1e9)
rates = st.just(0.0) | st.floats(1e3, 1e10)
schemes = st.sampled_from([*f.EXTRA_ROUND_TRIPS])
terms = st.tuples(seconds, sizes, sizes, rates, rates, seconds, seconds)
more = st.floats(0.0, 50.0)
RATES = (3, 4)  # of the terms


def changed(values, at, value):
    return (*values[:at], value, *values[at + 1 :])


def close_or_above(larger, smaller):
    return larger >= smaller * (1 - 1e-9) - 1e-12


def faster(rate, by):
    """Return a rate that is no lower; 0 is no limit, and nothing is above it."""
    return rate * (1 + by) if rate else 0.0


@given(terms, st.sampled_from([0, 1, 2, 5, 6]), more, schemes)
def test_an_answer_takes_no_less_for_more_of_anything(values, at, by, scheme):
    longer = changed(values, at, values[at] + by)
    assert close_or_above(f.kept(*longer), f.kept(*values))
    assert close_or_above(f.first(*longer, scheme), f.first(*values, scheme))


@given(terms, st.sampled_from(RATES), more, schemes)
def test_a_higher_rate_costs_nothing_and_none_is_the_highest(values, at, by, scheme):
    for quicker in (faster(values[at], by), 0.0):
        assert close_or_above(f.kept(*values), f.kept(*changed(values, at, quicker)))
        assert close_or_above(f.first(*values, scheme), f.first(*changed(values, at, quicker), scheme))


@given(terms, schemes)
def test_a_first_answer_is_no_earlier_than_a_later_one(values, scheme):
    assert f.first(*values, scheme) >= f.kept(*values)


@given(terms)
def test_tls_costs_a_round_trip_and_http_2_another(values):
    http, https, h2 = (f.first(*values, scheme) for scheme in ("http", "https", "h2"))
    assert (https - http, h2 - https) == pytest.approx((values[0], values[0]), abs=1e-6)


@given(seconds, seconds, sizes, sizes, schemes)
def test_without_a_network_the_server_and_what_is_around_it_remain(server, overhead, up, down, scheme):
    assert f.kept(0, up, down, 0, 0, server, overhead) == server + overhead
    assert f.first(0, up, down, 0, 0, server, overhead, scheme) == server + overhead


@given(terms, st.sampled_from([0, 1, 2, 5, 6]))
def test_what_is_without_end_makes_an_answer_without_end(values, at):
    limited = changed(changed(values, 3, 1e6), 4, 1e6)
    assert f.kept(*changed(limited, at, math.inf)) == math.inf


@given(sizes, rates, seconds, more)
def test_a_download_takes_no_less_for_more_of_anything(size, rate, round_trip, by):
    took = f.download(size, rate, round_trip, 3)
    assert close_or_above(f.download(size + by * 1e6, rate, round_trip, 3), took)
    assert close_or_above(f.download(size, rate, round_trip + by, 3), took)
    assert close_or_above(f.download(size, rate, round_trip, 3 + by), took)
    assert close_or_above(took, f.download(size, faster(rate, by), round_trip, 3))
    assert f.download(0, rate, round_trip, 3) == 0


@pytest.mark.parametrize(
    ("size", "rate", "round_trip", "seen"),
    [(150e3, 10e6, 0.06, 0.097), (150e3, 1e6, 0.15, 0.042), (150e3, 100e6, 0.02, 0.055)],
)
def test_slow_start_waits_as_a_chromium_was_seen_to(size, rate, round_trip, seen):
    # A fresh connection less a kept one, less the round trip of its handshake, of 150 kB through a link.
    assert f.slow_start(size, rate, round_trip) == pytest.approx(seen, abs=0.015)


def test_what_fits_into_the_first_window_waits_for_nothing():
    assert f.slow_start(f.INITIAL_WINDOW, 0, 1.0) == 0
    assert f.slow_start(f.INITIAL_WINDOW + 1, 0, 1.0) == 1.0


def test_the_bytes_of_an_inference_are_those_that_were_counted_on_a_wire():
    assert f.exchanged(12288, 400) == (13543, 1140)


@given(sizes, sizes, more)
def test_more_payload_is_more_on_the_wire_both_ways(up, down, by):
    (one_up, one_down), (two_up, two_down) = f.exchanged(up, down), f.exchanged(up + by, down)
    assert two_up >= one_up > up
    assert two_down >= one_down > down


@given(seconds, seconds, more)
def test_the_border_rises_with_the_client_and_falls_with_the_server(client, exchange, by):
    border = f.border(client, exchange)
    assert f.border(client + by, exchange) >= border >= f.border(client, exchange + by) >= 0
    assert f.border(0.0, exchange) == 0
    assert f.border(math.inf, exchange) == math.inf


@given(terms, seconds)
def test_beyond_the_border_the_client_is_earlier_and_before_it_the_server(values, client):
    exchange = f.kept(*changed(values, 0, 0.0))
    border = f.border(client, exchange)
    assert f.kept(*changed(values, 0, border + 0.001)) > client
    if border > 0.001:
        assert f.kept(*changed(values, 0, border - 0.001)) < client


@given(seconds, seconds, seconds, seconds, more)
def test_break_even_comes_later_for_a_slower_client_and_sooner_for_a_slower_server(cf, cl, sf, sl, by):
    after = f.break_even(cf, cl, sf, sl)
    assert f.break_even(cf + by, cl, sf, sl) >= after
    assert f.break_even(cf, cl + by, sf, sl) >= after
    assert f.break_even(cf, cl, sf + by, sl) <= after
    assert f.break_even(cf, cl, sf, sl + by) <= after


@given(*[st.integers(0, 10**6)] * 4)
def test_break_even_is_where_the_sums_cross(cf, cl, sf, sl):
    after = f.break_even(cf, cl, sf, sl)

    def behind(predictions):
        return cf + (predictions - 1) * cl - sf - (predictions - 1) * sl

    if math.isinf(after):
        assert behind(10**9) > 0
    else:
        assert behind(after) <= 0
        assert after == 1 or behind(after - 1) > 0


def test_break_even_ends_where_it_should():
    assert f.break_even(5.0, 1.0, 2.0, 1.0) == math.inf  # as fast later on: never
    assert f.break_even(math.inf, 1.0, 2.0, 3.0) == math.inf
    assert f.break_even(2.0, 9.0, 2.0, 1.0) == 1
    assert f.break_even(1.0, 1.0, 2.0, math.inf) == 1


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6), st.floats(0.01, 1.0), more)
def test_more_clients_are_needed_for_a_faster_server_a_slower_client_and_a_shorter_duty(server, client, duty, by):
    number = f.clients_per_server(server, client, duty)
    assert f.clients_per_server(server + by, client, duty) >= number
    assert f.clients_per_server(server, client + by, duty) <= number
    assert f.clients_per_server(server, client, duty / 2) == pytest.approx(2 * number)
    assert f.clients_per_server(server, 0.0, duty) == math.inf


@given(seconds, more, sizes, more, more)
def test_money_rises_with_each_price_and_with_what_is_used(server, per_hour, size, per_gigabyte, by):
    cost = f.money(server, per_hour, size, per_gigabyte)
    assert f.money(server + by, per_hour, size, per_gigabyte) >= cost
    assert f.money(server, per_hour + by, size, per_gigabyte) >= cost
    assert f.money(server, per_hour, size + by, per_gigabyte) >= cost
    assert f.money(server, per_hour, size, per_gigabyte + by) >= cost
    assert f.money(3.6, 1.0, 1e6, 1.0) == pytest.approx(1 + 1)


@given(seconds, more)
def test_a_longer_time_is_in_no_shorter_tier(time, by):
    order = f.tiers()
    assert order.index(f.tier(time + by)) >= order.index(f.tier(time))


@pytest.mark.parametrize(
    ("time", "words"),
    [(0.0, "16 ms"), (0.016, "100 ms"), (0.1, "1 s"), (1, "10 s"), (10, "30 s"), (30, "60 s"), (60, "60 s or more")],
)
def test_a_tier_goes_up_to_its_end_and_does_not_hold_it(time, words):
    assert f.tier(time) == words


@given(seconds, seconds, seconds, more)
def test_a_clients_first_answer_is_the_sum_of_what_comes_before_it(fetching, load, inference, by):
    assert f.client_first(fetching, load, inference) >= max(fetching, load, inference)
    assert f.client_first(fetching + by, load, inference) >= f.client_first(fetching, load, inference)


# A first load over a network, from one without


@st.composite
def loads(draw):
    """Requests one after another or at the same time, and the load's end."""
    requests, at = [], 0.0
    for number in range(draw(st.integers(1, 6))):
        start = max(0.0, at + draw(st.floats(-0.3, 1.0)))
        response = start + draw(st.floats(1e-3, 0.1))
        at = response + draw(st.floats(1e-3, 1.0))
        compiled = at + draw(st.floats(0.0, 1.0)) if draw(st.booleans()) else 0.0
        wire = draw(st.floats(1.0, 1e8))
        requests.append(f.Request(f"/{number}", start, response, at, wire, compiled, draw(st.booleans())))
    return requests, max(request.done for request in requests) + draw(st.floats(0.0, 1.0))


@given(loads())
def test_without_a_network_a_first_load_is_what_it_was(seen):
    requests, load = seen
    assert f.first_load(requests, load, 0.0, 0.0) == pytest.approx(load)


@given(loads(), seconds, rates, rates, more)
def test_a_first_load_takes_no_less_over_a_slower_network(seen, round_trip, down, up, by):
    took = f.first_load(*seen, round_trip, down, up)
    assert close_or_above(took, seen[1])
    assert close_or_above(f.first_load(*seen, round_trip + by, down, up), took)
    assert close_or_above(took, f.first_load(*seen, round_trip, faster(down, by), up))
    assert close_or_above(took, f.first_load(*seen, round_trip, down, faster(up, by)))


@given(loads(), st.floats(0.0, 1.0), st.floats(1e5, 1e9), more)
def test_a_first_load_takes_no_less_for_more_of_what_comes_last_or_is_computed(seen, round_trip, down, by):
    requests, load = seen
    *others, last = sorted(requests, key=lambda request: request.start)
    took = f.first_load(requests, load, round_trip, down)
    assert close_or_above(
        f.first_load([*others, replace(last, wire=last.wire + by * 1e6)], load, round_trip, down), took
    )
    assert close_or_above(f.first_load([*others, replace(last, opened=True)], load, round_trip, down), took)
    assert f.first_load(requests, load + by, round_trip, down) == pytest.approx(took + by)


@given(loads(), st.floats(0.0, 1.0), st.floats(1e5, 1e9))
def test_a_first_load_is_no_quicker_than_its_bytes_and_its_chain_of_round_trips(seen, round_trip, down):
    requests, load = seen
    took = f.first_load(requests, load, round_trip, down)
    assert close_or_above(took, f.transfer(sum(request.wire for request in requests), down))
    assert close_or_above(took, len(f.stages(requests)) * round_trip)


FIRST, SECOND = f.Request("/a", 0.0, 0.01, 0.02, 5_000), f.Request("/b", 0.05, 0.06, 0.07, 5_000)


def test_what_waits_for_another_pays_its_round_trip_and_what_comes_beside_it_does_not():
    def round_trips(*requests):
        return round(f.first_load(requests, 1.0, 1.0, 0.0) - 1.0, 1)

    assert round_trips(FIRST) == 1
    assert round_trips(FIRST, SECOND) == 2
    assert round_trips(FIRST, replace(SECOND, start=0.01)) == 1
    assert round_trips(FIRST, replace(SECOND, opened=True)) == 3
    # Within a stage, too: another is under way all the time.
    assert round_trips(FIRST, SECOND, replace(FIRST, end=0.5)) == 2
    assert round_trips(replace(FIRST, wire=0)) == 0  # from a cache


def test_what_is_compiled_as_it_comes_is_hidden_by_a_slow_network():
    compiled = replace(FIRST, wire=1e6, compiled=0.52)
    after = f.Request("/b", 1.0, 1.01, 1.02, 0)
    waiting = f.first_load([replace(compiled, compiled=0.0), after], 1.1, 0.0, 1e6)
    assert f.first_load([compiled, after], 1.1, 0.0, 1e6) == pytest.approx(waiting - 0.5)
    assert f.first_load([compiled, after], 1.1, 0.0, 1e9) == pytest.approx(1.1)


def test_a_window_is_kept_from_one_request_to_the_next_unless_it_has_rested():
    large, rate = replace(FIRST, wire=100_000), 1e9
    next_one = replace(SECOND, wire=90_000)
    rested = replace(next_one, start=0.5, response=0.51, end=0.52)
    kept = f.first_load([large, next_one], 1.0, 0.1, rate)
    assert f.first_load([large, rested], 1.0, 0.1, rate) - kept == pytest.approx(0.2, abs=0.02)
