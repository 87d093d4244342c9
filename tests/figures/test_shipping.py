"""The least that a person could ship: sums, tables, what is counted, on made-up sizes; nothing is opened or built."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.figures.shipping import __main__ as shipping
from benchmarks.figures.shipping import builds, needed, sizes
from benchmarks.figures.shipping.sizes import Sizes
from benchmarks.figures.shipping.table import HEAD, NAMES, Custom, Shipped, build_line, document, table
from benchmarks.measuring.starts import figure
from benchmarks.platforms import PLATFORMS
from benchmarks.platforms.chromium import ChromiumWebgpu
from browser_harness import encoding
from models import manifest

WHOLE = {"core.js": Sizes(3_000_000, 900, 800), "core.wasm": Sizes(2_000, 200, 200)}
BUILDS = (
    Custom("small", "much", {"small.js": Sizes(1_500, 500, 400)}, 1e-7, figure([1.0, 1.01, 0.99])),
    Custom("smaller", "more", {"small.js": Sizes(900, 300, 250)}, 2e-7, figure([2.0, 2.1, 2.2])),
)
FOUND = [Shipped("chromium-tfjs", "4.0", WHOLE, BUILDS), Shipped("chromium-litert", "2.5", WHOLE)]


def cells(line):
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_a_runtime_is_the_sum_of_its_files_beside_its_smallest_build():
    head, _, tfjs, litert = table(FOUND).splitlines()
    assert cells(head) == [*HEAD]
    assert cells(tfjs) == [NAMES["chromium-tfjs"], "2", "3,002,000", "1,100", "1,000", "250", "75%"]
    assert cells(litert)[1:] == ["2", "3,002,000", "1,100", "1,000", "–", "–"]


def test_a_build_tells_what_it_lacks_and_whether_it_is_as_fast():
    line = build_line(FOUND[0], BUILDS[0])
    assert "TensorFlow.js, small: 1,000 → 400 wire bytes (60% less); lacks much; the same answers within 1e-07" in line
    assert "an inference takes 1.00 (0.9" in line


def test_the_json_holds_files_sums_builds_and_what_was_not_built():
    told = json.loads(json.dumps(document("resnet8", FOUND, builds.NOT_BUILT)))
    assert told["model"] == "resnet8"
    tfjs = told["runtimes"]["chromium-tfjs"]
    assert tfjs["sum"] == {"decoded": 3_002_000, "gzip": 1_100, "wire": 1_000}
    assert tfjs["files"]["core.wasm"]["gzip"] == 200
    assert tfjs["builds"]["small"]["sum"]["wire"] == 400
    assert tfjs["builds"]["small"]["parity"] == 1e-7
    assert told["not_built"].keys() == builds.NOT_BUILT.keys()


def came(decoded, wire):
    return {"decoded": decoded, "wire": wire, "encoding": "br", "level": 10}


OWN = {url: came(9, 9) for url in ("/", "/harness.mjs", "/model/0", "/inputs/0.bin")}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_page_needs_of_each_runtime_is_what_came(monkeypatch, name):
    monkeypatch.setattr(encoding, "forms", lambda file: {"gzip": SimpleNamespace(size=70)})
    runtime = PLATFORMS[name]
    fetched = {url: came(100, 60) for url in runtime.runtime} | {f"/engines/{runtime.engine}.mjs": came(9, 9), **OWN}
    found = needed.needed(runtime, {"fetched": fetched})
    assert len(found) == len(runtime.runtime) >= 2  # none hides another of its name
    assert {*found.values()} == {Sizes(100, 70, 60)}
    left_out = min(runtime.runtime)
    del fetched[left_out]
    assert len(needed.needed(runtime, {"fetched": fetched})) == len(found) - 1


def test_what_gzip_does_not_make_smaller_is_told_as_it_is(monkeypatch):
    monkeypatch.setattr(encoding, "forms", lambda file: {})
    assert sizes.of(Path("core.js"), came(100, 100)) == Sizes(100, 100, 100)


@pytest.mark.parametrize(
    ("fetched", "words"),
    [
        ({"/ort/proxy.js": came(1, 1)}, "chromium-wasm: the page also asked for /ort/proxy.js; nothing"),
        (OWN, "chromium-wasm: the page asked for no file of its runtime: it has them from a cache"),
    ],
)
def test_what_cannot_be_counted_is_refused(fetched, words):
    with pytest.raises(needed.UncountedError, match=words):
        needed.needed(PLATFORMS["chromium-wasm"], {"fetched": fetched})


def test_webnn_and_webgpu_are_one_runtime():
    assert PLATFORMS["chromium-webnn"].runtime == ChromiumWebgpu().runtime


def test_a_custom_build_is_one_script_and_its_webassembly():
    for threads, binary in ((True, "threaded-simd"), (False, "simd")):
        custom = builds.CustomTfjs(Path("made"), threads=threads)
        assert [*custom.runtime] == ["/tfjs/custom.js", f"/tfjs/tfjs-backend-wasm-{binary}.wasm"]
        assert custom.has_threads == threads


def test_a_build_lies_whole_in_its_folder_and_is_the_runtimes_own(tmp_path):
    (jspi,) = (build for build in builds.BUILDS if build.of == "chromium-webnn")
    platform = jspi.make([], tmp_path)
    assert {*platform.runtime.values()} == {*tmp_path.iterdir()}
    assert (platform.name, platform.placement) == ("chromium-webnn", "WebNNExecutionProvider")
    assert platform.bundle != PLATFORMS["chromium-webnn"].bundle


def test_every_runtime_has_a_build_or_words_why_not():
    assert {build.of for build in builds.BUILDS} | builds.NOT_BUILT.keys() == NAMES.keys()


def test_a_graph_tells_which_operations_it_has():
    assert builds.operations(manifest.load("resnet8")) == ["add", "conv", "gemm", "mean", "relu"]
    with pytest.raises(LookupError, match=r"resnet8\.int8 has no TensorFlow\.js export"):
        builds.operations(manifest.load("resnet8.int8"))


def test_fewer_starts_than_have_an_interval_are_refused(ended):
    code, told = ended(shipping, "--starts", "2")
    assert code == 2
    assert "--starts 2: fewer than 3 have no interval" in told


def test_what_breaks_is_told_in_a_line(ended, monkeypatch):
    def broken(question, starts, folder):
        raise shipping.packages.SetUpError("`npm ci` ended with 1: no network")

    monkeypatch.setattr(shipping, "measured", broken)
    code, told = ended(shipping, "--model", "resnet8")
    assert (code, told) == ("shipping: `npm ci` ended with 1: no network", "")


def test_what_a_machine_lacks_is_told_and_left_out(monkeypatch, capsys):
    for name in NAMES:
        monkeypatch.setattr(PLATFORMS[name], "unavailable", lambda settings, name=name: f"{name}: no browser")
    assert [*shipping.measured(None, 3, Path())] == []
    assert capsys.readouterr().out.splitlines() == [f"not measured: {name}: no browser" for name in NAMES]


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("sys.argv", ["shipping", "--json", str(tmp_path / "no" / "x.json")])
    with pytest.raises(SystemExit):
        shipping.main()
    assert "x.json: no file can be written there; name one in a folder of yours" in capsys.readouterr().err
