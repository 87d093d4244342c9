"""What the choices make of a phase, without a run: no pytest, no process, no platform opened."""

import argparse

import pytest
from helpers import make_graph, make_linear, make_many

from benchmarks import hardware
from benchmarks.clients import CLIENTS
from benchmarks.platforms import DEFAULT_SWEEP, PLATFORMS, local
from benchmarks.quota import Limit
from benchmarks.run import choices, nothing
from benchmarks.run.choices import BASE, PHASES, Phase, Target
from benchmarks.run.selection import Selection
from browser_harness.joined.found import ENGINES
from browser_harness.network import LOOPBACK, parse
from models import manifest
from models.manifest import ModelError

CABLE, ASKED = parse("cable"), parse("rtt=60ms,down=10mbit,up=1mbit")
NAMES = ("model", "platform", "batch_size", "caches")
BEST = manifest.chosen()[0]
PHASE = PHASES["latency"]


def names(selection, phase):
    return [case.name for case in selection.cases(PHASES[phase], NAMES[:3])]


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (BASE, "server-cpu"),
        (Target("server-cpu", 4), "server-cpu-4t"),
        (Target("chromium-wasm", slowdown=10), "chromium-wasm@10x"),
        (Target("chromium-wasm", 2, 4), "chromium-wasm-2t@4x"),
        (Target("chromium-wasm", where="worker"), "chromium-wasm@worker"),
        (Target("chromium-wasm", 2, 4, CABLE, "worker"), "chromium-wasm-2t@worker@4x-over-cable"),
        (Target("remote-cpu", network=CABLE), "remote-cpu-over-cable"),
        (Target("chromium-wasm", 2, 4, ASKED), "chromium-wasm-2t@4x-over-60ms-10mbit-1mbit"),
    ],
)
def test_a_target_and_its_label_are_the_same(target, label):
    assert (target.label, Target.of(label)) == (label, target)


def test_a_case_has_its_parameters_in_order_and_a_name():
    selection = Selection(models=("resnet8",), platforms=("server-cpu",), threads=(2,), batch_sizes=(3,))
    (case,) = selection.cases(PHASES["load"], NAMES)
    assert (case.name, case.values) == ("resnet8-server-cpu-2t-b3-process", ("resnet8", "server-cpu-2t", 3, "process"))
    (without_caches,) = selection.cases(PHASES["load"], NAMES[:3])
    assert without_caches.values == case.values[:3]


def test_without_a_choice_the_phase_decides():
    assert names(Selection(), "load") == [f"{BEST}-{platform}-b1" for platform in DEFAULT_SWEEP]
    assert len(names(Selection(), "latency")) == len(manifest.chosen()) * len(DEFAULT_SWEEP) * 2


def test_a_browser_has_the_usual_clients_as_far_as_it_runs_them():
    def platforms(*browsers, **choices):
        return [target.platform for target in Selection(browsers=browsers, **choices).targets_of(PHASE)]

    in_firefox, in_webkit = ([f"{name}-{runtime}" for runtime in ("wasm", "tfjs", "litert")] for name in ENGINES[1:])
    assert platforms("firefox") == ["server-cpu", *in_firefox]
    assert platforms("webkit", "firefox", "webkit") == ["server-cpu", *in_webkit, *in_firefox]
    assert platforms("chromium") == [*DEFAULT_SWEEP]
    servers = [name for name in local() if PLATFORMS[name].side == "server"]
    assert platforms("firefox", is_full=True) == [*servers, *in_firefox]
    assert {*in_firefox, *in_webkit} <= {*platforms(platforms=("all",))}
    assert PLATFORMS["firefox-wasm"].caches == PLATFORMS["webkit-litert"].caches == ("cold",)


def test_what_a_phase_is_swept_over_are_its_fields():
    phase = Phase("made up", models=2, batch_sizes=(5,), precisions=("int8", "fp16"))
    cases = Selection(platforms=("server-cpu",)).cases(phase, NAMES[:3])
    first, second = manifest.chosen()[:2]
    assert [case.values[0] for case in cases] == [f"{first}.int8", f"{first}.fp16", f"{second}.int8", f"{second}.fp16"]
    assert {case.values[2] for case in cases} == {5}


def test_a_timing_network_is_chosen_by_name_alone_and_labelled_untrained():
    assert not [
        model for phase in PHASES.values() for model in Selection(is_full=True).models_of(phase) if "net-" in model
    ]
    selection = Selection(models=("mobilenet-v2", "resnet18.int8"), platforms=("server-cpu",), precisions=("all",))
    assert not [*selection.faults()]
    assert names(selection, "load") == [
        f"{model}.untrained-server-cpu-b1"
        for model in ("mobilenet-v2", "mobilenet-v2.fp16", "mobilenet-v2.int8", "resnet18.int8")
    ]
    (case, *_) = selection.cases(PHASES["load"], NAMES[:3])
    assert case.values == ("mobilenet-v2", "server-cpu", 1)


@pytest.mark.parametrize("builds_stand_ins", [False, True])
def test_an_absent_timing_network_names_the_command_that_makes_it(monkeypatch, tmp_path, builds_stand_ins):
    monkeypatch.setattr(manifest, "UNTRAINED", tmp_path / "manifest.json")
    with pytest.raises(ModelError, match=r"^resnet50\.fp16: .*; make it with `tox run -e networks -- resnet50`$"):
        Selection(builds_stand_ins=builds_stand_ins).model_file("resnet50.fp16")


def test_only_a_phase_that_says_so_has_every_precision_in_full():
    full = Selection(is_full=True)
    assert [*full.precisions_of(PHASES["latency"])] == ["float32", "fp16", "int8"]
    assert [*full.precisions_of(PHASES["load"])] == ["float32"]
    assert [*Selection(models=("resnet8",), is_full=True).precisions_of(PHASES["latency"])] == ["float32"]


def test_in_full_fewer_bits_are_measured_at_one_batch_size():
    full = Selection(is_full=True)
    assert [*full.batch_sizes_of(PHASES["latency"], "resnet8")] == [1, 8, 64]
    assert [*full.batch_sizes_of(PHASES["latency"], "resnet8.int8")] == [1]


def test_a_phase_that_needs_a_device_leaves_other_platforms_out():
    every = Selection(platforms=("all",))
    assert [target.platform for target in every.targets_of(PHASES["latency"])] == [*local()]
    assert [target.platform for target in every.targets_of(PHASES["device"])] == [
        name for name, platform in PLATFORMS.items() if platform.has_device
    ]


@pytest.mark.parametrize(
    ("cores", "asked_for", "latency", "scaling"),
    [
        (6, (), [1], [2, 4, 6]),
        (6, ("all",), [1, 2, 4, 6], [2, 4, 6]),
        (4, ("all",), [1, 2, 4], [2, 4]),
        (1, ("all",), [1], []),
        (6, (3, 1, 3), [3, 1], [3]),
    ],
)
def test_a_phase_that_needs_threads_has_several(cores, asked_for, latency, scaling):
    selection = Selection(threads=asked_for, cores=cores)
    assert selection.threads_of(PHASES["latency"]) == latency
    assert selection.threads_of(PHASES["scaling"]) == scaling


def test_a_server_is_as_strong_as_it_is():
    selection = Selection(platforms=("server-cpu", "chromium-wasm"), slowdowns=(4, 2, 4))
    assert [target.label for target in selection.targets_of(PHASES["latency"])] == [
        "server-cpu",
        "chromium-wasm@4x",
        "chromium-wasm@2x",
    ]


def test_a_client_by_name_is_a_slowdown_and_two_of_one_factor_are_one_case():
    selection = Selection(platforms=("chromium-wasm",), slowdowns=(4,), clients=tuple(CLIENTS.values()))
    labels = [target.label for target in selection.targets_of(PHASES["latency"])]
    assert labels == ["chromium-wasm@4x", "chromium-wasm@2x", "chromium-wasm@10x"]


def test_a_network_is_between_a_page_and_the_server_that_it_asks():
    selection = Selection(platforms=("server-cpu", "chromium-wasm", "remote-cpu"), networks=(CABLE, LOOPBACK, CABLE))

    def labels(phase):
        return [target.label for target in selection.targets_of(PHASES[phase])]

    over = ["remote-cpu-over-cable", "remote-cpu"]
    assert labels("latency") == ["server-cpu", "chromium-wasm", *over]
    assert labels("load") == ["server-cpu", "chromium-wasm-over-cable", "chromium-wasm", *over]
    assert labels("memory") == ["server-cpu", "chromium-wasm"]


def test_a_server_that_a_page_asks_is_measured_where_it_is_named():
    assert "remote" not in {PLATFORMS[target.platform].side for target in Selection(is_full=True).targets_of(PHASE)}
    both = Selection(platforms=("remote-cpu", "all")).targets_of(PHASE)
    assert [target.platform for target in both] == [*local(), "remote-cpu"]


def test_what_a_server_elsewhere_takes_of_its_machine_is_not_told_of_this_one():
    selection = Selection(platforms=("remote-cpu",))
    assert not selection.targets_of(PHASES["memory"])
    words = "--platform remote-cpu: the most memory that process or renderer held: what a server elsewhere does is not"
    assert nothing.empty(selection, PHASES["memory"]).startswith(words)


def test_a_file_of_ones_own_is_measured_at_the_batch_size_it_fixes(tmp_path):
    from onnx import helper

    relu = helper.make_node("Relu", ["x"], ["y"])
    fixed = make_graph(tmp_path / "fixed.onnx", [relu], [("x", "FLOAT", [7, 3, 4, 4])], [("y", "FLOAT", [7, 3, 4, 4])])
    selection = Selection(models=(fixed,), platforms=("server-cpu",))
    assert names(selection, "latency") == ["fixed.onnx-server-cpu-b7"]
    assert names(selection, "accuracy") == ["fixed.onnx-server-cpu-b7"]


def test_lengths_of_free_dimensions_are_in_the_name_of_the_file_that_has_them(tmp_path):
    many, dims = make_many(tmp_path / "many.onnx"), (("sequence", 5), ("pixels:1", 4))
    selection = Selection(models=("resnet8", many), platforms=("server-cpu",), batch_sizes=(1,), dims=dims)
    assert names(selection, "latency") == ["resnet8-server-cpu-b1", "many.onnx.sequence=5.pixels:1=4-server-cpu-b1"]
    assert [*selection.faults()] == []


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(precisions=("int8",), models=("resnet8.fp16",)), "--precision has no effect: "),
        (Selection(slowdowns=(2,), platforms=("server-cpu",)), "--slowdown has no effect: "),
        (Selection(clients=(CLIENTS["low-end-mobile"],), platforms=("server-cpu",)), "--client has no effect: "),
        (Selection(networks=(CABLE,), platforms=("server-cpu",)), "--network has no effect: "),
        (Selection(dims=(("sequence", 2),)), "--dim sequence: not a free dimension; "),
        (
            Selection(browsers=("webkit",), platforms=("firefox-wasm",)),
            "--browser webkit beside --platform firefox-wasm: a --platform names its browser already: ",
        ),
        (Selection(browsers=("webkit",), about={"engine": "firefox"}), "--browser webkit: this run is for a device, "),
    ],
)
def test_a_choice_without_effect_or_meaning_is_a_fault(selection, words):
    (fault,) = selection.faults()
    assert fault.startswith(words)


def test_two_files_of_one_name_are_a_fault_and_the_same_file_twice_is_none(tmp_path):
    (tmp_path / "other").mkdir()
    first, second = make_linear(tmp_path / "linear.onnx"), make_linear(tmp_path / "other" / "linear.onnx")
    (fault,) = Selection(models=(first, second)).faults()
    assert fault.startswith("--model: more than one model is called linear.onnx; ")
    assert [*Selection(models=(first, first)).faults()] == []


def test_what_has_an_effect_on_one_thing_chosen_is_no_fault():
    chosen = Selection(
        models=("resnet8.fp16", "resnet8"), platforms=("server-cpu", "all"), precisions=("int8",), slowdowns=(2,)
    )
    assert [*chosen.faults()] == []


def test_threads_are_bounded_by_the_machines_cores(monkeypatch):
    monkeypatch.setattr(hardware, "CORES", 6)
    monkeypatch.setattr(hardware, "LIMIT", None)
    assert [choices.threads(text) for text in ("6", "all")] == [6, "all"]
    assert Selection().cores == 6
    with pytest.raises(argparse.ArgumentTypeError, match="'7' is not a number from 1 to 6, this machine's cores"):
        choices.threads("7")


def test_threads_are_bounded_by_the_quota(monkeypatch):
    for name, value in {"REACHED": 4, "CORES": 2, "LIMIT": Limit(2.5, "/sys/fs/cgroup/pod")}.items():
        monkeypatch.setattr(hardware, name, value)
    assert [choices.threads(text) for text in ("2", "all")] == [2, "all"]
    assert Selection(threads=("all",)).threads_of(PHASES["latency"]) == [1, 2]
    why = (
        r"^3 threads would be stopped by the quota of 2.5 cores \(/sys/fs/cgroup/pod\): raise or lift it, or choose up"
    )
    with pytest.raises(argparse.ArgumentTypeError, match=why):
        choices.threads("3")
    with pytest.raises(argparse.ArgumentTypeError, match="'5' is not a number from 1 to 2, "):  # no quota's fault
        choices.threads("5")
