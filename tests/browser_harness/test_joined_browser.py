"""A real browser joins: no list of processes shows the link, and a runtime travels once."""

import queue

from helpers import command_line

from benchmarks.inputs import case_of
from benchmarks.platforms import PLATFORMS
from benchmarks.settings import Settings
from browser_harness.joined.browsers import started
from browser_harness.joined.channel import VARIABLE
from browser_harness.joined.control import lent
from browser_harness.joined.server import JoinServer
from browser_harness.processes import descendants
from models import manifest


def test_a_link_is_in_no_list_of_processes_and_a_runtime_is_fetched_once():
    came = queue.SimpleQueue()
    with JoinServer(on_join=came.put) as server, started("chromium", server.url) as browser:
        device = came.get(timeout=30)
        token = server.url.partition("#")[2]
        processes = [browser._process.pid, *descendants(browser._process.pid)]
        assert len(processes) > 2
        assert not [process for process in processes if token in command_line(process)]
        assert device.wait(30)
        with lent(device) as variables:
            first, second, other = (opened(variables, model) for model in ("resnet8", "resnet8", "resnet14"))
    assert first.keys() >= {"/harness.mjs", "/model/0", "/ort/ort-wasm-simd-threaded.wasm"}
    assert all(wire > 0 for wire in first.values())
    assert {path: wire for path, wire in second.items() if wire} == {}
    assert {path for path, wire in other.items() if wire} == {"/model/0"}


def opened(variables, model):
    """Open a model in a new page; return how many bytes of each file the page saw travel, as the server sent them."""
    case, settings = case_of(manifest.load(model)), Settings(device=variables[VARIABLE])
    with PLATFORMS["chromium-wasm"].open_fresh(case, settings) as session:
        fetched = {path: file["wire"] for path, file in session.facts.details["fetched"].items()}
        fetched.pop("/index.html")  # by a new address each time
        seen = {row["path"]: row["wire"] for row in session._waterfall}
        assert {path: wire for path, wire in seen.items() if wire}.items() <= fetched.items()
        return {**dict.fromkeys(seen, 0), **fetched}
