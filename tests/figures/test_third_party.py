"""Other people's models: what is read from a run of the suite on one of them."""

import json

import pytest

from benchmarks.figures import third_party
from benchmarks.figures.third_party import MODELS, Row

REPORT = """<testsuites><testsuite name="pytest">
<testcase classname="benchmarks.test_latency" name="test_latency[m.onnx-server-cpu-b1]" time="1"/>
<testcase classname="benchmarks.test_latency" name="test_latency[m.onnx-server-cuda-tf32-b1]" time="1">
<skipped type="pytest.skip" message="no GPU">/somewhere/missing.py:34: server-cuda-tf32: no GPU</skipped></testcase>
<testcase classname="benchmarks.test_latency" name="test_latency[m.onnx-chromium-webnn-no-batch]" time="1">
<failure message="f">chromium-webnn: m.onnx: broke</failure></testcase>
<testcase classname="benchmarks.test_latency" name="test_latency[m.onnx-server-torch-b1]" time="1">
<error message="e">server-torch: m.onnx: refused
and more</error></testcase>
<testcase classname="benchmarks.test_latency" name="test_latency[m.onnx-server-litert-b1]" time="1"/>
</testsuite></testsuites>"""


@pytest.fixture
def files(tmp_path):
    benchmark = {
        "group": "m.onnx, batch 1",
        "name": "test_latency[m.onnx-server-cpu-b1]",
        "fullname": "benchmarks/test_latency.py::test_latency[m.onnx-server-cpu-b1]",
        "params": {"model": "m.onnx", "platform": "server-cpu", "batch_size": 1},
        "param": "m.onnx-server-cpu-b1",
        "stats": {"median": 0.002, "data": [0.002]},
        "extra_info": {"parity": 2e-7, "may_steer": ["sr"], "clock": "c"},
        "options": {},
    }
    content = {"benchmarks": [benchmark], "machine_info": {}, "datetime": "2026-11-27T00:00:00", "exit_status": 1}
    (tmp_path / "m.json").write_text(json.dumps(content))
    (tmp_path / "m.xml").write_text(REPORT)
    return tmp_path / "m.json", tmp_path / "m.xml"


def test_every_case_is_a_row_timed_or_with_the_reason(files):
    assert [*third_party.rows("m", *files)] == [
        Row("m", "server-cpu", "2.000 ms", "–", "2e-07", "made up: sr"),
        Row("m", "server-cuda-tf32", "", "", "", "server-cuda-tf32: no GPU"),
        Row("m", "chromium-webnn", "", "", "", "chromium-webnn: m.onnx: broke", is_failure=True),
        Row("m", "server-torch", "", "", "", "server-torch: m.onnx: refused", is_failure=True),
        Row("m", "server-litert", "", "", "", "passed, and saved nothing", is_failure=True),
    ]


def test_another_file_than_was_measured_before_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(third_party, "FOLDER", tmp_path)
    model = MODELS["magika"]
    model.file.parent.mkdir()
    model.file.write_bytes(b"another")
    with pytest.raises(SystemExit, match=r"its SHA-256 begins with \w{12}, not with fe2d2eb49c5f; delete it"):
        model.fetch()
