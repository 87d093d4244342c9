"""What is read from saved runs, and what is not."""

import pytest
from decide_runs_made_up import client, figure, network, remote, result, run, whole

from benchmarks.decide import decisions_of
from benchmarks.decide.measured import Download, MixedError, read
from benchmarks.results import keys


def test_both_sides_are_read_from_a_run(tmp_path):
    (model,) = read([run(tmp_path, *whole())])
    way, page = model.ways["remote-cpu"], next(iter(model.clients.values()))
    assert (model.name, model.precision, model.servers["server-cpu"].span.value) == ("resnet20", "float32", 0.001)
    assert (way.total.span.value, way.first.span.value, way.wire, way.upload) == (
        0.004,
        0.010,
        (13543, 1140),
        ("float32", 12288),
    )
    assert way.overhead.value == pytest.approx(0.003)
    assert way.overhead.low == pytest.approx(0.00396 - 0.00101)
    assert (page.latency.span.value, page.loads["cold"].span.value, page.firsts["warm"].span.value) == (
        0.003,
        0.3,
        0.02,
    )
    assert page.fetched == {"cold": Download(15_004_435, 15_004_435, 3), "warm": Download()}


def test_clients_of_other_machines_stand_beside_the_servers_and_their_own_servers_do_not(tmp_path):
    server = run(tmp_path, *whole(), machine="Server")
    phone = run(tmp_path, *whole(inference=0.1, later=0.2), machine="Phone", started="2026-11-27T00:00:00")
    (model,) = read([server, phone])
    assert model.servers["server-cpu"].span.value == 0.001
    assert {(one.machine, one.latency.span.value) for one in model.clients.values()} == {
        ("server-2-cores", 0.003),
        ("phone-2-cores", 0.2),
    }


def test_the_server_is_that_of_the_first_run_that_asked_one(tmp_path):
    only_timed = run(tmp_path, result("latency", "resnet20", "server-cpu", 0.5, 1), machine="Phone")
    (model,) = read([only_timed, run(tmp_path, *whole(), machine="Server")])
    assert (model.machine, model.servers["server-cpu"].span.value) == ("server-2-cores", 0.001)


def test_clients_of_a_machine_with_a_server_are_held_against_that_one(tmp_path):
    first = run(tmp_path, *whole(), machine="Server")
    own = run(tmp_path, *whole(inference=0.1, later=0.2), machine="Laptop", started="2026-11-27T00:00:00")
    phone = run(tmp_path, *client("resnet20", 0.3), machine="Phone", started="2026-11-28T00:00:00")
    decided = {(one.clients.machine, one.model.machine) for one in decisions_of([own, phone, first])}
    assert decided == {
        ("server-2-cores", "server-2-cores"),
        ("laptop-2-cores", "laptop-2-cores"),
        ("phone-2-cores", "laptop-2-cores"),
    }
    assert not [one for one in decisions_of([own, phone, first]) if one.model.left_out]


def test_the_later_of_two_runs_of_a_machine_counts_in_whatever_order_they_are_named(tmp_path):
    early, late = run(tmp_path, *whole()), run(tmp_path, *whole(later=0.005), started="2026-11-27T00:00:00")
    for runs in ([early, late], [late, early]):
        (model,) = read(runs)
        assert [one.latency.span.value for one in model.clients.values()] == [0.005]


def test_two_models_of_one_name_are_refused(tmp_path):
    other = run(tmp_path, result("latency", "resnet20", "server-cpu", 0.5, 1, **{keys.MODEL_SHA256: "abcdef"}))
    with pytest.raises(MixedError, match=r"its resnet20 is another file \(SHA-256 abcdef\) than in .*leave one"):
        read([run(tmp_path, *whole()), other])


def test_other_batch_sizes_are_no_answer_to_one_input(tmp_path):
    results = [result("latency", "resnet20", "server-cpu", 0.5, 8, **{keys.BATCH_SIZE: 8})]
    assert read([run(tmp_path, *results)]) == []


def test_what_a_simulated_gpu_took_is_no_speed_and_is_told(tmp_path):
    slow = result("latency", "resnet20", "chromium-webgpu", 9.0, 1, **{keys.SOFTWARE_GPU: True})
    (model,) = read([run(tmp_path, *whole(), slow)])
    assert [one.platform for one in model.clients.values()] == ["chromium-wasm"]
    assert model.left_out == [f"{slow['name']}: on a simulated GPU, no speed"]


def test_a_link_without_a_round_trip_counts_before_loopback(tmp_path):
    on_loopback = remote("resnet20", 0.002, 0.001, over={}, **{keys.WIRE_BYTES: None})
    over_link = remote("resnet20", 0.004, 0.001)
    for results in ([on_loopback, over_link], [over_link, on_loopback]):
        (model,) = read([run(tmp_path, *results)])
        assert model.ways["remote-cpu"].total.span.value == 0.004
    (model,) = read([run(tmp_path, on_loopback)])
    assert model.ways["remote-cpu"].total.span.value == 0.002
    assert model.ways["remote-cpu"].counted is None


def test_what_was_measured_over_a_network_is_not_taken_for_the_servers_own_time(tmp_path):
    far = remote("resnet20", 0.2, 0.001, over=network("cable", 0.028, 5e6, 1e6))
    (model,) = read([run(tmp_path, far)])
    way = model.ways["remote-cpu"]
    assert (way.total, way.over["cable", "kept"].span.value) == (None, 0.2)


def test_a_clients_load_over_a_network_is_not_its_load_without_one(tmp_path):
    over = result("load", "resnet20", "chromium-wasm-over-cable", 30.0, "cold", **network("cable", 0.028, 5e6, 1e6))
    (model,) = read([run(tmp_path, *client("resnet20", 0.003), over)])
    (page,) = model.clients.values()
    assert (page.loads["cold"].span.value, page.loads_over["cable", "cold"].span.value) == (0.3, 30.0)


def test_a_server_nearby_is_told_less_the_round_trip_and_counts_before_one_that_never_rests(tmp_path):
    near = network("10ms", 0.01)
    near[keys.NETWORK]["obtained"]["round_trip"] = 0.0102
    results = [
        remote("resnet20", 0.0155, 0.0007, over=near),
        remote("resnet20", 0.0470, 0.0007, over=near, phase="first_inference"),
        remote("resnet20", 0.004, 0.0006),
        remote("resnet20", 0.010, 0.0006, phase="first_inference"),
    ]
    (model,) = read([run(tmp_path, *results)])
    way = model.ways["remote-cpu"]
    assert way.total.span.value == pytest.approx(0.0053)
    assert way.first.span.value == pytest.approx(0.0470 - 3 * 0.0102)
    assert way.inference.value == pytest.approx(0.0007)


def test_weak_clients_and_threads_are_clients_of_their_own(tmp_path):
    slowed = result(
        "latency",
        "resnet20",
        "chromium-wasm@4x",
        0.013,
        1,
        **{keys.SLOWDOWN: {"asked": 4}, keys.SLOWDOWN_OBTAINED: 4.3},
    )
    wide = result("latency", "resnet20", "chromium-wasm-2t", 0.002, 1)
    (model,) = read([run(tmp_path, *client("resnet20", 0.003), slowed, wide)])
    assert {one.name: one.obtained for one in model.clients.values()} == {
        "chromium-wasm": None,
        "chromium-wasm@4x": 4.3,
        "chromium-wasm-2t": None,
    }


def test_doubts_untrained_weights_and_rates_are_carried(tmp_path):
    doubtful = {keys.TRUST: {keys.DOUBTS: {"drift": "drifted by +43%"}}, keys.UNTRAINED: True, keys.PRECISION: "int8"}
    rate = result("server", "resnet50", "remote-cpu", 1.0, queries_per_second=figure(218.0))
    (model,) = read([run(tmp_path, result("latency", "resnet50", "server-cpu", 0.1, 1, **doubtful), rate)])
    assert model.title == "resnet50 (int8, untrained)"
    assert model.servers["server-cpu"].doubts == ["drifted by +43%"]
    assert model.rate("remote-cpu")[0].span.value == 218.0


def test_a_figure_that_is_no_time_is_not_taken(tmp_path):
    (model,) = read([run(tmp_path, result("latency", "resnet20", "server-cpu", 0.0, 1))])
    assert model.servers == {}


def test_a_model_that_was_fed_other_shapes_is_refused(tmp_path):
    longer = run(tmp_path, *client("resnet20", 0.003, **{keys.INPUTS: {"input": [1, 3, 64, 64]}}))
    words = r"its resnet20 was fed input \[1, 3, 64, 64\], in .* input \[1, 3, 32, 32\]; leave one of them out"
    with pytest.raises(MixedError, match=words):
        read([run(tmp_path, *whole()), longer])


def elsewhere(url, seconds=0.05, **info):
    server = {keys.SERVER: {"software": "triton", "protocol": "http/1.1", "url": url, "is_relayed": False}}
    nothing = {keys.SERVER_SECONDS: None, keys.WIRE_BYTES: None}
    return remote("resnet20", seconds, 0.001, platform="remote-url", over={}, **{**nothing, **server, **info})


def test_two_servers_of_one_platform_are_refused(tmp_path):
    one, other = (run(tmp_path, elsewhere(f"https://{name}.example")) for name in "ab")
    with pytest.raises(MixedError, match=r"remote-url is https://a\.example in one file and https://b\.example in"):
        read([one, other])


@pytest.mark.parametrize(
    ("url", "is_far"),
    [("https://models.example:8443", True), ("http://127.0.0.1:8000", False), ("http://localhost:8000", False)],
)
def test_a_server_that_was_there_has_a_network_before_it(tmp_path, url, is_far):
    (model,) = read([run(tmp_path, elsewhere(url))])
    assert model.ways["remote-url"].has_own_network == is_far


def test_servers_of_another_machine_are_told_once_where_they_do_not_count(tmp_path):
    phone = run(tmp_path, *whole(inference=0.1, later=0.2), machine="Phone", started="2026-11-27T00:00:00")
    (model,) = read([run(tmp_path, *whole(), machine="Server"), phone])
    assert model.left_out == ["the servers of phone-2-cores: those of another machine count"]
