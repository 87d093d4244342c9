"""Who wins where, from saved runs whose right answers are known."""

import math

import pytest
from decide_runs_made_up import client, figure, network, remote, result, run, whole

from benchmarks.decide import sides, table, words
from benchmarks.decide.answers import Answer, border, decide, each_way, equal, money, winner
from benchmarks.decide.measured import read
from benchmarks.decide.missing import missing
from benchmarks.decide.prices import Prices
from benchmarks.decide.sentences import sentence
from benchmarks.decide.sides import classes, served
from benchmarks.decide.spans import Span
from benchmarks.decide.table import map_lines
from benchmarks.results import keys
from browser_harness.network import LOOPBACK, PROFILES, Conditions

FAR = Conditions("far", 0.1, 9e6, 3e6)


@pytest.fixture
def model(tmp_path):
    return read([run(tmp_path, *whole())])[0]


def large(tmp_path, later=0.32, **info):
    """Return a network whose server needs 80 ms, and whose client *later*."""
    results = [
        remote("resnet50", 0.1, 0.08, **info),
        remote("resnet50", 0.11, 0.08, phase="first_inference"),
        *client("resnet50", later, first=0.4),
    ]
    return read([run(tmp_path, *results)])[0]


def test_a_servers_answer_is_what_it_takes_at_no_distance_and_the_network(model):
    (server,) = served(model)
    kept, first = server.kept(FAR), server.first(FAR)
    wire = 13543 * 8 / 3e6 + 1140 * 8 / 9e6
    assert kept.value == pytest.approx(0.1 + wire + 0.004)
    assert first.value == pytest.approx(0.3 + wire + 0.010)
    assert kept.low == pytest.approx((0.1 + wire + 0.004 * 0.99) / 1.05)
    assert kept.high == pytest.approx((0.1 + wire + 0.004 * 1.01) * 1.05)


def test_without_a_network_nothing_is_added_to_what_was_measured(model):
    (server,) = served(model)
    assert server.kept(LOOPBACK) == server.kept_at_zero
    assert server.first(LOOPBACK) == server.first_at_zero


def test_a_server_of_another_kind_is_asked_as_the_one_that_was(tmp_path):
    (model,) = read([run(tmp_path, *whole(), result("latency", "resnet20", "server-cuda", 0.0004, 1))])
    (server,) = served(model, ["server-cuda"])
    assert server.name == "server-cuda by remote-cpu"
    assert server.kept_at_zero.value == pytest.approx(0.0004 + 0.003)
    assert server.first_at_zero.value == pytest.approx(0.0004 + 0.003 + 0.006)


def test_a_server_that_nobody_asked_counts_without_its_stack_which_is_said(tmp_path):
    (model,) = read([run(tmp_path, result("latency", "resnet20", "server-cpu", 0.001, 1), *client("resnet20", 0.003))])
    (server,) = served(model)
    assert (server.name, server.kept_at_zero.value, server.is_counted) == ("server-cpu", 0.001, False)
    assert sides.WITHOUT_STACK in server.notes
    assert (
        server.wire[0] == 13543 - 52 + 52
    )  # 12,288 bytes of float32, as they were counted with an answer of one packet
    assert any("own stack (counted as 0)" in words for words in missing([model]))


def test_the_way_that_answers_first_speaks_for_the_server(tmp_path):
    small = {keys.UPLOAD: {"form": "uint8", "bytes": 3072}, keys.WIRE_BYTES: {"up": 4000, "down": 1000}}
    other = remote("resnet20", 0.006, 0.001, platform="remote-cpu-uint8", **small)
    (model,) = read([run(tmp_path, *whole(), other)])
    page = classes(model)[0].answering
    assert Answer.of(LOOPBACK, served(model), page).server.name == "remote-cpu"
    assert Answer.of(Conditions("slow", 0.0, 1e6, 1e6), served(model), page).server.name == "remote-cpu-uint8"


def test_weaker_clients_are_computed_and_say_so_unless_they_were_measured(tmp_path):
    brake = {keys.SLOWDOWN: {"asked": 4}, keys.SLOWDOWN_OBTAINED: 4.3}
    slowed = result("latency", "resnet20", "chromium-wasm@4x", 0.014, 1, **brake)
    (model,) = read([run(tmp_path, *whole(), slowed)])
    found = {one.factor: one for one in classes(model)}
    assert {factor: one.answering.later.value for factor, one in found.items()} == pytest.approx(
        {1: 0.003, 2: 0.006, 4: 0.014, 6: 0.018, 10: 0.030}
    )
    assert found[10].title == "a low-end mobile (10x, a factor of JavaScript, not measured)"
    assert found[4].title == "a mid-tier mobile (4x, emulated)"
    assert "obtained 4.30" in found[4].answering.notes[0]
    assert found[4].answering.loads["cold"].value == pytest.approx(1.2)  # by the factor, which a note says
    assert any("its load: a factor" in note for note in found[4].answering.notes)


def test_the_quickest_runtime_is_the_clients_answer_and_the_others_are_listed(tmp_path):
    (model,) = read([run(tmp_path, *whole(), *client("resnet20", 0.001, platform="chromium-webnn"))])
    clients = classes(model)[0]
    assert clients.answering.platform == "chromium-webnn"
    assert [one.platform for one in clients.candidates] == ["chromium-wasm", "chromium-webnn"]
    assert classes(model, ["chromium-wasm"])[0].answering.platform == "chromium-wasm"


def test_a_clients_first_answer_is_its_download_its_load_and_its_inference(model):
    page = classes(model)[0].answering
    wire = 15_004_435 * 8 / 9e6
    cold, warm = page.first(FAR, "cold"), page.first(FAR, "warm")
    assert cold.value == pytest.approx(wire * 1.04 + 0.3 + 0.32, rel=0.03)  # with heads, three requests, slow start
    assert warm.value == pytest.approx(0.3 + 0.02)
    assert cold.low < cold.value < cold.high


def test_what_was_not_measured_is_no_answer(tmp_path):
    only = [result for result in whole() if "load" not in result["name"]]
    (model,) = read([run(tmp_path, *only)])
    answer = Answer.of(FAR, served(model), classes(model)[0].answering)
    assert (answer.client_first, answer.first) == (None, "not measured")
    assert answer.pays_back == {"cold": None, "warm": None}
    first, _ = missing([model])
    assert first.startswith("resnet20, the first answer of chromium-wasm: run pytest")


@pytest.mark.parametrize(
    ("client_", "server", "who"),
    [
        ((1, 0.9, 1.1), (2, 1.9, 2.1), "client"),
        ((3, 2.9, 3.1), (2, 1.9, 2.1), "server"),
        ((2, 1.8, 2.2), (2.3, 2.1, 2.5), "undecided"),
    ],
)
def test_where_intervals_overlap_it_is_undecided(client_, server, who):
    assert winner(Span(*client_), Span(*server)) == who


def test_without_intervals_everything_is_undecided(tmp_path):
    few = [result("latency", "resnet20", "server-cpu", 0.001, 1, share=None)]
    few += [result("latency", "resnet20", "chromium-wasm", 9.0, 1, share=None)]
    (model,) = read([run(tmp_path, *few)])
    assert Answer.of(FAR, served(model), classes(model)[0].answering).later == "undecided"


def test_the_border_is_where_the_map_changes(tmp_path):
    model = large(tmp_path)
    servers, page = served(model), classes(model)[0].answering
    found = border(servers, page, 9)
    for round_trip, who in (
        (found.low - 1e-4, "server"),
        (found.low + 1e-4, "undecided"),
        (found.value, "undecided"),
        (found.high - 1e-4, "undecided"),
        (found.high + 1e-4, "client"),
    ):
        assert Answer.of(each_way(9, round_trip), servers, page).later == who
    assert found.value == pytest.approx(0.32 - 0.1 - (13543 + 1140) * 8 / 9e6)


def test_a_client_that_is_slower_never_pays_back_and_a_faster_one_does(tmp_path):
    slow = large(tmp_path, later=2.0)
    assert Answer.of(FAR, served(slow), classes(slow)[0].answering).pays_back["cold"].value == math.inf
    quick = large(tmp_path, later=0.05)
    answer = Answer.of(FAR, served(quick), classes(quick)[0].answering)
    after = answer.pays_back["cold"]
    assert after.low < after.value < after.high < math.inf
    spent = answer.client_first.value + (after.value - 1) * answer.client_later.value
    assert spent <= answer.server_first.value + (after.value - 1) * answer.server_later.value
    assert answer.pays_back["warm"].value < after.value


def test_clients_that_equal_a_server_are_counted_by_rates_where_there_are_some(tmp_path):
    (model,) = read([run(tmp_path, *whole())])
    (server,), page = served(model), classes(model)[0].answering
    by_latency = equal(model, server, page, 0.5)
    assert by_latency.clients.value == pytest.approx(0.003 / 0.001 * 2)
    assert "not measured" in by_latency.how
    queries = {"offline": 300.0, "server": 218.0}
    rates = [result(phase, "resnet20", "remote-cpu", 1.0, queries_per_second=figure(n)) for phase, n in queries.items()]
    (model,) = read([run(tmp_path, *whole(), *rates)])
    measured = equal(model, served(model)[0], classes(model)[0].answering, 1.0)
    assert measured.clients.value == pytest.approx(218 * 0.003)
    assert "server by its measured rate, as queries arrive by chance" in measured.how


def test_a_server_whose_rate_was_not_measured_has_that_of_the_studys_server(tmp_path):
    rate = result("server", "resnet20", "server-cpu", 1.0, queries_per_second=figure(2900.0))
    (model,) = read([run(tmp_path, *whole(), rate)])
    measured = equal(model, served(model)[0], classes(model)[0].answering, 1.0)
    assert measured.clients.value == pytest.approx(2900 * 0.003)
    assert "server by server-cpu's measured rate, as queries arrive by chance" in measured.how


def test_money_is_of_the_time_that_a_prediction_keeps_the_server_busy_and_of_what_it_sends(model):
    (server,), page = served(model), classes(model)[0].answering
    paid = money(model, server, page, Prices(3.6, 1.0))
    assert paid.server.value == pytest.approx(1000 * (0.001 * 3.6 / 3600 + 1140 / 1e9))
    assert paid.download == pytest.approx(1000 * 15_004_435 / 1e9)


def test_a_decision_holds_an_answer_for_each_network_and_the_map(model):
    networks = [*PROFILES.values()]
    decision = decide(model, classes(model)[0], served(model), networks)
    assert [answer.network.name for answer in decision.answers] == [*PROFILES]
    assert {who for row in decision.grid for who in row} == {"client"}
    assert all(span.value == 0 for rate, span in decision.borders.items() if rate <= 9)


def test_what_a_network_was_measured_at_is_not_the_servers_own(tmp_path):
    over = remote("resnet20", 0.2, 0.001, over=network("cable", 0.028, 5e6, 1e6))
    (model,) = read([run(tmp_path, over, result("latency", "resnet20", "server-cpu", 0.001, 1))])
    assert [server.name for server in served(model)] == ["server-cpu"]


def test_a_server_that_was_there_is_told_with_the_network_that_it_has(tmp_path):
    server = {keys.SERVER: {"software": "triton", "protocol": "h2", "url": "https://far.example", "is_relayed": True}}
    far = remote("resnet20", 0.05, 0.001, platform="remote-url", over={}, **server)
    (model,) = read([run(tmp_path, far, *client("resnet20", 0.003))])
    servers = served(model)
    assert sides.WITH_NETWORK in servers[0].notes
    assert sides.RELAYED in servers[0].notes
    found = decide(model, classes(model)[0], servers, [FAR])
    assert "with the network that lies before the server already: the server at worst" in sentence(found)
    text = "\n".join(table.lines([found], []))
    assert "where the network costs nothing" not in text


def test_a_server_that_was_asked_over_the_loopback_says_so(tmp_path):
    (model,) = read([run(tmp_path, remote("resnet20", 0.004, 0.001, over={}), *client("resnet20", 0.003))])
    assert any("over the loopback" in note for note in served(model)[0].notes)
    (model,) = read([run(tmp_path, *whole())])
    assert not any("over the loopback" in note for note in served(model)[0].notes)


def test_the_rate_of_a_server_that_no_page_asked_is_its_own(tmp_path):
    gpu = [
        result("latency", "resnet20", "server-cuda", 0.0005, 1),
        result("server", "resnet20", "server-cuda", 1.0, queries_per_second=figure(8000.0)),
    ]
    (model,) = read([run(tmp_path, *whole(), *gpu)])
    (one,) = served(model, ["server-cuda"])
    (runtime,) = (runtime for runtime in classes(model) if runtime.factor == 1)
    assert equal(model, one, runtime.answering, 1.0).clients.value == pytest.approx(8000 * 0.003)
    model.rates.clear()
    assert equal(model, one, runtime.answering, 1.0).clients.value == pytest.approx(0.003 / 0.0005)


def test_a_sentence_without_intervals_decides_nothing_and_a_doubt_is_in_it(tmp_path):
    (model,) = read([run(tmp_path, *alone())])
    found = decide(model, classes(model)[0], served(model), [FAR])
    assert "undecided between server and client (chromium-wasm), of too few starts (!)" in sentence(found)
    assert "never" not in "\n".join(map_lines(found))
    assert words.count(found.equal.clients).endswith("to no end)")


def alone():
    """Return a client of a single start, which is doubtful, and its server."""
    doubtful = {keys.TRUST: {keys.DOUBTS: {"drift": "drifted by +43%"}}}
    return [
        remote("resnet20", 0.004, 0.001),
        result("latency", "resnet20", "chromium-wasm", 0.003, 1, share=None, **doubtful),
    ]


def test_a_load_that_was_measured_over_a_network_is_not_predicted_there(tmp_path):
    over = network("far", FAR.round_trip, FAR.down, FAR.up)
    measured = result("load", "resnet20", "chromium-wasm-over-far", 20.0, "cold", **over)
    (model,) = read([run(tmp_path, *whole(), measured)])
    as_it_is, weaker = classes(model)[0].answering, classes(model)[1].answering
    assert as_it_is.first(FAR, "cold").value == pytest.approx(20.02)
    assert as_it_is.first(FAR, "warm").value == pytest.approx(0.32)
    assert weaker.first(FAR, "cold").value == pytest.approx(2 * 0.32 + 15.0e6 * 8 / 9e6, rel=0.2)
