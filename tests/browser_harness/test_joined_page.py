"""The page that a person sees who opens a link, in real browsers, with a person who leaves, hides it and comes back."""

import json
import math
import os
import queue
import subprocess
import threading
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
from real_browsers import NoBrowserError, node, person_at

from benchmarks import inputs
from benchmarks.inputs import seeded_feeds
from benchmarks.measuring.reference import reference
from benchmarks.platforms import PLATFORMS
from benchmarks.settings import Settings
from browser_harness import page_files
from browser_harness.joined import JoinedPage
from browser_harness.joined.channel import VARIABLE
from browser_harness.joined.control import lent
from browser_harness.joined.entrance import Entrance
from browser_harness.joined.server import PAGE, JoinServer
from models import manifest

PHONE = "phone.test"  # an address that is not loopback, and leads there all the same
OFFER = {
    "title": "Client or server: how fast is this device?",
    "what": ["ResNet-8 with onnxruntime-web", "one image of 32 × 32 pixels at a time"],
    "minutes": 6,
}
FIGURES = [
    {"model": "resnet8", "platform": "chromium-wasm", "median_ms": 7.4312, "server_ms": 1.204, "ratio": 6.172}
    | {"interval": [6.0211, 6.3149], "mark": ""},
    {"model": "mobilenet-v3-small", "platform": "chromium-tfjs", "median_ms": 1234.5, "server_ms": None}
    | {"ratio": None, "interval": None, "mark": "(!) untrained"},
    {"model": "resnet20", "platform": "chromium-webgpu", "median_ms": 1.1, "server_ms": 3.9, "ratio": 0.282}
    | {"interval": [0.27, 0.3], "mark": ""},
]
# "times slower" is told by three digits, and what is faster than the server as such; what is unknown says so.
ROWS = [
    "resnet8 chromium-wasm 7.43 1.20 6.17 times slower 6.02 to 6.31",
    "mobilenet-v3-small chromium-tfjs 1,235 (!) untrained unknown unknown",
    "resnet20 chromium-webgpu 1.10 3.90 3.55 times faster 3.33 to 3.70",
]
MEASURING = {
    "state": "measuring",
    "words": "resnet8 on chromium-wasm, batch 1",
    "done": 5,
    "of": 16,
    "seconds_left": 272.0,
}
DONE = {"state": "done", "words": "All is measured.", "done": 16, "of": 16, "figures": FIGURES}
WIDTHS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def at(tmp_path_factory):
    """Return the person at a browser, the same one for all tests of it."""
    people = {}
    with ExitStack() as stack:

        def at(browser, *flags):
            if (browser, *flags) not in people:
                aside = tmp_path_factory.mktemp(browser)
                people[browser, *flags] = stack.enter_context(person_at(browser, aside, *flags))
            return people[browser, *flags]

        yield at


@pytest.fixture
def chromium(at):
    return at("chromium", f"--host-resolver-rules=MAP {PHONE} 127.0.0.1")


class Host:
    """Who serves a run: lets devices in, and asks them."""

    def __init__(self, server, came):
        self.server, self._came, self.url = server, came, server.url

    def device(self):
        """Return the next that has come, once its page is seen."""
        device = self._came.get(timeout=30)
        assert device.wait(30)
        return device


@contextmanager
def hosting(**entrance):
    came = queue.Queue()
    with JoinServer(Entrance(**entrance), came.put, OFFER) as server:
        yield Host(server, came)


def lose(device):
    """Cut its connection, as a network does that is lost: neither side is told why."""
    device._thread.loop.call_soon_threadsafe(device._socket._req.transport.abort)


def wait_for_call(device, thread):
    """Wait until a call is under way that a thread makes, or none can be."""
    while device.presence.state == "here" and not device._waiting:
        thread.join(0.002)
        assert thread.is_alive()


class Computing:
    """A session on a device, and the blocks that are asked of it while the person does something."""

    def __init__(self, session, device):
        self.session, self.device = session, device
        self.feeds = seeded_feeds(manifest.load("resnet8").path, 1)
        self.outputs = session.run(self.feeds)
        expected = reference(manifest.load("resnet8").path, self.feeds)
        np.testing.assert_allclose(self.outputs["logits"], expected["logits"], atol=1e-4)
        self.second = min(session.time(self.feeds, 50).seconds)

    def __call__(self, meddle):
        """Draw a block that lasts a while, have *meddle* done in its midst; it is whole, whatever that cut."""
        blocks, rounds = [], math.ceil(0.5 / self.second)
        drawing = threading.Thread(target=lambda: blocks.append(self.session.time(self.feeds, rounds)))
        drawing.start()
        wait_for_call(self.device, drawing)
        meddle()
        drawing.join(60)
        (block,) = blocks
        assert len(block.seconds) == rounds
        for name, output in self.outputs.items():
            np.testing.assert_array_equal(block.outputs[name], output)


@contextmanager
def computing(device, platform):
    """Open a real network in the page of a device, by the way that a run of its own has to it."""
    with lent(device) as variables:
        settings = Settings(device=variables[VARIABLE], device_patience=30)
        case = inputs.case_of(manifest.load("resnet8"))
        with PLATFORMS[platform].open_fresh(case, settings) as session:
            yield Computing(session, device)


def test_a_phone_agrees_hides_leaves_and_comes_back_and_its_figures_are_whole(chromium):
    """Over plain HTTP, with the page in one thread: while it computes, it hears nothing."""
    with hosting(name=PHONE) as host:
        chromium.open(url=host.url, width=360)
        seen = chromium.read(words="Nothing runs before you press the button")
        assert seen["title"] == f"Waiting for you: {OFFER['title']}"
        assert "#" not in seen["address"]  # the token stands in no history, nor over anyone's shoulder
        assert {*OFFER["what"]} <= {*seen["offer"]}
        assert any("about 6 minutes" in line for line in seen["offer"])
        assert host._came.empty()
        chromium.press(id="button")
        device = host.device()
        assert chromium.read(words="This is device 1 of the run")["offer"] == []
        assert (device.about()["secure"], device.about()["isolated"]) == (False, False)
        with computing(device, "chromium-wasm") as block:
            device.show(MEASURING)
            seen = chromium.read(words="Measuring: leave this page in front")
            assert seen["title"].startswith("31 %: ")
            assert MEASURING["words"] in seen["words"]
            assert seen["progress"] == "5 of 16 measured, about 5 minutes left"
            assert any("cannot keep the screen on" in words for words in seen["words"])

            block(lambda: hidden_for_a_while(chromium, device))
            (told,) = [words for words in chromium.seen()["words"] if "hidden" in words]
            assert told.startswith("This page was hidden once: what that cut is measured again.")
            block(lambda: lose(device))
            assert device.story()["calls_cut"] == 2
            lost_for_a_while(chromium, device)
            block(chromium.reload)
            chromium.open(url=host.url, width=360)
            chromium.read(words="Measuring: leave this page in front")
            chromium.turnTo(tab=-2)
            assert chromium.read(words="goes on in another tab")["title"].startswith("In another tab: ")
            block(lambda: chromium.press(id="button"))  # and back

        story = device.story()
        assert (story["hidden"], story["left"]) == (1, 5)
        device.show(DONE)
        rows = chromium.read(words="All is measured.")["rows"]
        assert [row.split() for row in rows] == [row.split() for row in ROWS]
        assert chromium.seen()["title"].startswith("Done: ")
        assert len(host.server.devices) == 1
    assert chromium.read(words="All is measured.")["rows"] == rows  # the server has gone, and what it told is there


def hidden_for_a_while(person, device):
    person.hide()
    shown_again(person, device)


def shown_again(person, device):
    person.read(words="Paused")
    assert device.presence.state == "paused"
    assert person.seen()["title"].startswith("Paused: ")
    person.show()


def lost_for_a_while(person, device):
    person.offline()
    lose(device)
    person.read(words="The server does not answer")
    assert device.presence.state == "away"
    person.online()
    assert device.wait(30)


def test_firefox_hides_leaves_and_comes_back_without_being_asked_on_loopback(at):
    try:
        firefox = at("firefox")
    except NoBrowserError as error:
        pytest.skip(str(error))
    with hosting() as host:
        firefox.open(url=host.url, width=360)
        device = host.device()
        about = device.about()
        assert (about["engine"], about["secure"], about["isolated"]) == ("firefox", True, True)
        with computing(device, "firefox-wasm") as block:
            device.show(MEASURING)
            firefox.read(words="Measuring: leave this page in front")
            firefox.hide()
            block(lambda: shown_again(firefox, device))
            assert device.story()["calls_cut"] == 1
            block(firefox.reload)
            block(lambda: (firefox.leave(), firefox.back()))
        device.show(DONE)
        assert len(firefox.read(words="All is measured.")["rows"]) == len(ROWS)
        assert firefox.axe() == []
    assert firefox.heard()["errors"] == []


def states(person, host):
    """Have one state after the other to be seen, and yield its name."""
    person.open(url=host.url)
    person.read(words="Nothing runs before")
    yield "asking"
    person.press(id="button")
    device = host.device()
    person.read(words="This is device")
    yield "waiting"
    device.show(MEASURING | {"figures": FIGURES[:1]})
    person.read(words="Measuring")
    yield "measuring"
    person.hide()
    person.read(words="Paused")
    yield "paused"
    person.show()
    person.offline()
    lose(device)
    person.read(words="The server does not answer")
    yield "lost"
    person.online()
    assert device.wait(30)
    person.open(url=host.url)
    person.read(words="Measuring")
    person.turnTo(tab=-2)
    person.read(words="goes on in another tab")
    yield "moved"
    person.press(id="button")
    device.show(DONE)
    person.read(words="All is measured")
    person.ask(script="document.querySelector('details').open = true")
    yield "done"
    person.open(url=f"{host.url}x")
    yield "again"  # who has come once needs no token
    device.show(MEASURING)
    host.server._thread.ask(device.end())
    person.read(words="The run has ended, before all was measured here")
    yield "ended"


def test_every_state_is_readable_on_a_phone_and_a_desk_by_day_and_by_night(chromium):
    """Without violations that axe-core finds; pictures for a person go to the folder in JOINED_SCREENSHOTS."""
    before = len(chromium.heard()["requests"])
    folder, seen = os.environ.get("JOINED_SCREENSHOTS"), []
    with hosting(name=PHONE) as host:
        for state in states(chromium, host):
            for width, scheme in WIDTHS:
                chromium.resize(width=width, scheme=scheme)
                assert chromium.sideways() == {"by": 0, "outside": [], "cut": []}, (state, width)
                if folder:
                    chromium.shoot(file=f"{folder}/{state}-{width}-{scheme}.png")
                if (width == 360) == (scheme == "dark"):
                    assert chromium.axe() == [], (state, width, scheme)
            seen.append(state)
        asked = {url.split("/")[2] for url in chromium.heard()["requests"][before:] if not url.startswith("data:")}
        assert asked == {host.server.origin.removeprefix("http://")}  # nobody else is told
    assert seen[-1] == "ended"
    assert chromium.heard()["errors"] == []
    assert [line for line in chromium.heard()["console"] if "Content Security Policy" in line] == []


@pytest.mark.parametrize(
    ("entrance", "behind", "browser", "words"),
    [
        ({}, "/#nonsense", {}, "This link is of another run: open the one that is shown now"),
        ({}, "/", {}, "This address alone lets nobody in: open the whole link, or scan its code"),
        ({"most_devices": 0}, None, {}, "As many devices have joined as may: try again later"),
        (
            {},
            None,
            {"without": ["WebAssembly"]},
            "This browser cannot be measured, for its WebAssembly has no SIMD: update",
        ),
    ],
)
def test_who_is_not_let_in_is_told_what_to_do(chromium, entrance, behind, browser, words):
    with hosting(**entrance) as host:
        chromium.open(url=host.server.origin + behind if behind else host.url, **browser)
        seen = chromium.read(words=words)
        assert len(seen["words"]) == 1
        assert seen["title"].startswith("Not measured: ")
        assert chromium.axe() == []


def test_who_has_no_scripts_or_too_old_a_browser_is_told(chromium):
    """A module that a browser cannot read is as good as one that does not come: nothing says so but the page itself."""
    with hosting() as host:
        chromium.open(url=host.url, broken="/words.mjs")
        assert chromium.seen()["words"] == []
        chromium.ask(script="document.getAnimations().forEach((one) => one.finish())")
        (told,) = chromium.seen()["words"]
        assert told.startswith("Nothing has begun. If that stays so, this browser is too old: update it")
        chromium.open(url=host.url, hasScripts=False)
        assert any(
            words.startswith("This page measures with JavaScript, which is off") for words in chromium.seen()["words"]
        )


LISTENING = """
    window.noted = [];
    new MutationObserver(() => noted.push(performance.now()))
        .observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    for (const name of ["setTimeout", "setInterval", "requestAnimationFrame"]) {
        const original = window[name];
        window[name] = (doing, ...others) => original(() => { noted.push(performance.now()); doing(); }, ...others);
    }
"""
# It lets the page's other tasks run, as a runtime does that computes in workers or on a GPU.
ENGINE = b"""
    export const load = () => {}, open = () => {}, inputName = () => "x", inEffect = () => ({ threads: 1 });
    export const outputs = () => [];
    export async function infer() {
        const counted = [count(window), count(parent)];
        const began = parent.performance.now();
        await new Promise((resolve) => setTimeout(resolve, 400));
        const ended = parent.performance.now();
        parent.computed = { began, ended, counted: await Promise.all(counted), steps: [window, parent].map(step) };
    }
    /** Frames and timers of a window in 300 ms. */
    async function count(there) {
        const found = { frames: 0, timers: 0 };
        let isOver = false;
        const frame = () => { found.frames++; isOver || there.requestAnimationFrame(frame); };
        const timer = () => { found.timers++; isOver || there.setTimeout(timer); };
        there.requestAnimationFrame(frame);
        there.setTimeout(timer);
        await new Promise((resolve) => setTimeout(resolve, 300));
        isOver = true;
        return found;
    }
    function step(there) {
        let smallest = Infinity;
        for (let steps = 0; steps < 50; steps++) {
            const start = there.performance.now();
            let now = start;
            while (now === start) now = there.performance.now();
            smallest = Math.min(smallest, now - start);
        }
        return smallest;
    }
"""


def test_nothing_is_drawn_or_timed_beside_a_call_and_its_frame_is_no_slower_than_a_page(chromium):
    with hosting() as host:
        chromium.open(url=host.url)
        device = host.device()
        page = JoinedPage(device, page_files.FILES, (), {}, 30)
        page.load()
        page.publish("/engine.mjs", ENGINE)
        page.call("open", {"engine": "/engine.mjs", "files": [], "configuration": {}})
        device.show({"words": "before"})
        chromium.read(words="before")
        chromium.ask(script=LISTENING)
        asked = {"feeds": [], "rounds": 1, "iterations": 1, "inline": 0}
        calling = threading.Thread(target=lambda: page.call("time", asked))
        calling.start()
        wait_for_call(device, calling)
        device.show({"words": "meanwhile"})
        calling.join(30)
        chromium.read(words="meanwhile")
        noted, computed = chromium.ask(script="noted"), chromium.ask(script="computed")
        assert max(noted) > computed["ended"]  # it was drawn then
        assert chromium.ask(script="document.getAnimations().length") == 0
    in_frame, in_page = computed["counted"]
    assert in_frame["frames"] >= 0.8 * in_page["frames"] > 0
    assert in_frame["timers"] >= 0.8 * in_page["timers"] > 0
    assert computed["steps"][0] == pytest.approx(computed["steps"][1], rel=0.01)


LATE = """(async () => {
  const { does } = await import('/frame.mjs');
  const frame = document.getElementById('page');
  const blank = new Promise((resolve) => { frame.addEventListener('load', resolve, { once: true }); });
  await does({ do: 'close' });
  await blank;
  const loading = does({ do: 'load' });
  frame.dispatchEvent(new Event('load'));
  return loading;
})()"""


def test_a_closed_page_that_is_told_late_is_not_taken_for_the_next_one(chromium):
    with hosting() as host:
        chromium.open(url=host.url)
        device = host.device()
        page = JoinedPage(device, page_files.FILES, (), {}, 30)
        page.load()
        told = chromium.ask(script=LATE)
    assert (told["answer"], "error" in told) == (None, False)


KNOWN = {"told": {}, "device": 3, "reason": "", "tries": 0}


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (
            {"at": "refused", "status": 403},
            "This browser keeps no cookie of this page: allow it, and open",
        ),
        ({"at": "refused", "status": 403, "hasBeenIn": True}, "The run that this device took part in is over."),
        ({"at": "refused", "status": 403, "reason": "this device was sent home: lies"}, "takes nothing more from this"),
        ({"at": "refused", "status": 429}, "Too many have tried to join: wait a minute, and try again."),
        ({"at": "refused", "status": 500, "reason": "oh"}, "The server did not let this device in (500: oh): ask"),
        (
            {"at": "sent-away", "reason": "too many messages"},
            "takes nothing more from this browser (too many mess",
        ),
        (
            {"at": "lost", "tries": 9},
            "Is this device in its network, and the run still going?",
        ),
        ({"at": "ended", "told": {"state": "done", "words": "Saved: thank you."}}, "Saved: thank you."),
        (
            {"at": "in", "told": {"state": "measuring"}},
            "Measuring: leave this page in front, and let nothing",
        ),
        ({"at": "in", "told": {"state": "done"}, "isHidden": True}, "All is measured. You can close this page."),
    ],
)
def test_there_are_words_for_what_a_test_cannot_bring_about(known, words):
    script = f"import {{ wordsOf }} from {json.dumps(str(PAGE / 'words.mjs'))};"
    script += f"console.log(wordsOf({json.dumps(KNOWN | known)}));"
    done = subprocess.run([node(), "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    assert words in done.stdout
