"""A model in a dedicated worker: the same answers, counted, and whatever goes wrong there is told by the page."""

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import inputs
from benchmarks.inputs import seeded_feeds
from benchmarks.measuring.reference import reference
from benchmarks.platforms.chromium import CHROMIUM_PLATFORMS
from browser_harness import chromium, page_files
from browser_harness.channel import PageError
from browser_harness.driven import DrivenPage
from browser_harness.lending import LENDER
from browser_harness.server import serving
from browser_harness.unwatched import open_unwatched
from models import manifest

ORDINARY = [platform for platform in CHROMIUM_PLATFORMS if platform.name.rpartition("-")[2] not in ("gpu", "webgpu")]
FLAGS = ("--disable-gpu",)  # as most of the platforms have it: one browser is lent to all
ENGINE, INPUT = "/engines/made_up.mjs", "/inputs/0.bin"
MADE_UP = """
let deeds; // an inference each
export async function load(configuration) {
  deeds = configuration.deeds;
  console.log('loading');
  for (const url of configuration.fetched ?? []) await (await fetch(url)).arrayBuffer();
  return compile();
}
const compile = () => WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
export const open = () => {};
export const inputName = () => 'x';
export const tensor = (laid) => laid;
const kept = new Float32Array(8); // as a runtime's memory, which is the runtime's still when an output has left
export const outputs = ({ values, shape }) => {
  kept.set(values.map((value) => 2 * value));
  const twice = { type: 'float32', dims: shape, data: values.slice() }; // one piece of memory by two names
  return [['y', { type: 'float32', dims: shape, data: kept.subarray(0, values.length) }], ['z', twice], ['x', twice]];
};
export const inEffect = (lines) => ({ lines, hasDocument: 'document' in self });
const DEEDS = {
  throw: () => { throw new RangeError('too far'); },
  lose: () => { setTimeout(() => { throw new Error('lost'); }); },
  reject: () => { Promise.reject(new Error('refused')); },
  ask: () => fetch('http://127.0.0.1:9/').catch(() => {}),
};
export async function infer({ x }) {
  await DEEDS[deeds.shift()]?.();
  return x;
}
"""


@pytest.mark.parametrize("platform", ORDINARY, ids=lambda platform: platform.name)
def test_it_computes_the_reference_and_tells_its_own_part(platform, settings):
    case = replace(inputs.case_of(manifest.load("resnet8")), where="worker")
    feeds = seeded_feeds(case.model_file, 1)
    with platform.open_fresh(case, settings) as session:
        block = session.time(feeds, 20)
        facts = session.facts
    (expected,) = reference(case.model_file, feeds).values()
    np.testing.assert_allclose(block.outputs["logits"], expected, atol=1e-4)
    assert facts.where == "worker"
    assert len(block.computing) == len(block.seconds) == 20
    assert all(0 <= part <= whole for part, whole in zip(block.computing, block.seconds, strict=True))
    if platform.threading != "runtime":  # its threads are the page's process'
        assert block.cpu.all_threads > 0.5 * sum(block.computing)


@pytest.fixture(scope="module", params=[LENDER.lend, open_unwatched], ids=["watched", "unwatched"])
def browsers(request):
    return request.param


@pytest.fixture(scope="module")
def page(browsers):
    """A page of one browser for all that go well or fail in their call; it is loaded anew for each."""
    with serving(page_files.FILES) as server, browsers(chromium.find(), 30, FLAGS) as page:
        server.publish(ENGINE, MADE_UP.encode())
        server.publish(INPUT, np.arange(3, dtype=np.float32).tobytes())
        yield DrivenPage(page, server)


def opened(page, *deeds, where="worker", engine=ENGINE):
    page.load()
    return page.call("open", {"engine": engine, "where": where, "files": [], "configuration": {"deeds": deeds}})


def time(page, rounds=1):
    feeds = [{"name": "x", "url": INPUT, "type": "float32", "shape": [3]}]
    return page.call("time", {"feeds": feeds, "rounds": rounds, "inline": 1000})


@pytest.mark.parametrize("where", ["main", "worker"])
def test_the_engine_is_where_it_was_asked_for(page, where):
    in_effect = opened(page, where=where)
    assert (in_effect["hasDocument"], in_effect["lines"]) == (where == "main", ["loading"])
    assert in_effect["crossOriginIsolated"]
    assert ENGINE in in_effect["loaded"]
    first, again = time(page), time(page, 3)  # the inputs are copied on their way, and are there again
    assert first["outputs"] == again["outputs"]
    assert [name for name, _ in first["outputs"]] == ["y", "z", "x"]
    assert [len(again["samples"]), len(again.get("told") or ())] == [3, 3 if where == "worker" else 0]


@pytest.mark.parametrize("where", ["main", "worker"])
def test_what_a_load_is_made_of_is_seen_from_its_beginning_on(page, where):
    in_effect = opened(page, where=where)
    seen, load = in_effect["loading"], in_effect["load"]
    requests = {request["path"]: request for request in seen["requests"]}
    there = (
        {"/worker.js", "/memory.mjs", "/runner.mjs", "/fetching.mjs", "/loading.mjs"} if where == "worker" else set()
    )
    assert requests.keys() == {ENGINE} | there
    assert all(0 <= one["start"] <= one["response"] <= one["end"] <= load for one in requests.values())
    assert requests[ENGINE]["decoded"] == len(MADE_UP)
    begun = requests[ENGINE]["start"]
    assert 0 <= seen["began"] <= begun
    assert where == "main" or seen["began"] >= requests["/worker.js"]["end"]
    (compiling,) = seen["compiled"]
    assert begun <= compiling["begin"] <= compiling["end"] <= load
    assert compiling["path"] is None


@pytest.mark.parametrize("where", ["main", "worker"])
def test_a_load_of_more_files_than_a_browser_notes_of_itself_is_seen_whole(page, where):
    page.load()
    # One after the other: all at once they would take as many of the browser's file descriptors, which CI is short of.
    configuration = {"deeds": [], "fetched": [f"{INPUT}?{number}" for number in range(260)]}
    answer = page.call("open", {"engine": ENGINE, "where": where, "files": [], "configuration": configuration})
    assert sum(request["path"] == INPUT for request in answer["loading"]["requests"]) == 260


def test_what_is_thrown_there_is_the_calls_own_error(page):
    opened(page, "throw")
    with pytest.raises(PageError, match=r"^time: (RangeError: )?too far") as raised:
        time(page)
    assert "made_up.mjs" in "".join(raised.value.__notes__)


def test_an_engine_that_is_not_there_is_told(page):
    with pytest.raises(PageError, match=r"^open: .*/engines/none\.mjs"):
        opened(page, engine="/engines/none.mjs")


def test_what_nobody_catches_there_is_told(page):
    """The last of this page: some of it is told twice, by the worker and by the driver, and late."""
    opened(page, "lose", "reject", "ask")
    wanted = ("in the worker: .*lost", "in the worker: .*refused", r"by the worker's policy: connect-src http://127\.0")
    told, calls = "", 0
    while (missing := [words for words in wanted if not re.search(words, told)]) and (calls := calls + 1) < 1000:
        try:
            time(page)
        except PageError as error:
            told += str(error)
    assert missing == []
