"""Tasks that two have seen, and frames that nobody has: what a page tells becomes the field's figures."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from benchmarks.inputs import case_of
from benchmarks.platforms import page_session
from benchmarks.platforms.animated import blocking, per_second, shown
from benchmarks.platforms.page import PagePlatform
from benchmarks.platforms.page_runtime import Request
from benchmarks.protocol import PlatformError
from models import own


def told(tasks, long=(), frames=60, window=1000.0, latest=0.0):
    """Return what a page tells of inferences that were begun in *tasks*, in milliseconds."""
    return {
        "window": window,
        "samples": [0.0] * len(tasks),
        "tasks": tasks,
        "longTasks": long,
        "frames": [at * 1e3 / 60 for at in range(frames)],
        "latest": latest,
    }


@pytest.mark.parametrize(
    ("tasks", "long", "longest", "total", "differs"),
    [
        ([[0, 30]], [], 30, 0, 0),  # what is short only the page sees
        ([[0, 120]], [[0, 119]], 119, 69, 1),  # once, and by the browser's sight
        ([[0, 120], [121, 221]], [[0, 120], [121, 221]], 120, 70 + 50, 0),
        ([[0, 1], [300, 301]], [[100, 200]], 100, 50, 0),  # of an answer from elsewhere, or somebody else's
        ([[0, 140]], [[0, 60], [60, 140]], 80, 10 + 30, 0),  # a frame's task, too, before the page's message is handled
        ([[0, 60]], [], 60, 10, 10),  # which the browser does not call long
        ([[0, 80]], [[0, 100]], 100, 50, 20),
        ([[0, 50]], [], 50, 0, 0),
    ],
)
def test_a_task_is_counted_once_whoever_saw_it(tasks, long, longest, total, differs):
    seen = blocking(told(tasks, long), 60.0)
    assert seen.longest_task == pytest.approx(longest / 1e3)
    assert seen.total_blocking_time == pytest.approx(total / 1e3)
    assert seen.disagreement == pytest.approx(differs / 1e3)
    assert seen.inferences == len(tasks)


def test_a_frame_that_was_later_than_any_task_is_long_is_a_sight_of_another_task():
    assert blocking(told([[0, 1]], latest=41), 60.0).disagreement == pytest.approx(0.04)
    assert blocking(told([[0, 50]], latest=41), 60.0).disagreement == 0


@pytest.mark.parametrize(
    ("window", "frames", "missed"),
    [(1000.0, 60, 0), (1000.0, 61, 0), (1000.0, 20, 40), (1016.0, 60, 0), (1017.0, 60, 1), (10.0, 0, 0)],
)
def test_only_whole_frames_are_missed(window, frames, missed):
    seen = blocking(told([[0, 1]], frames=frames, window=window), 60.0)
    assert (seen.frames, seen.frames_missed, seen.window) == (frames, missed, window / 1e3)


def test_of_frames_that_are_drawn_at_once_a_person_sees_one():
    held_up = [0.0, 30.0, 31.0, 61.0, 61.5, 90.0, 106.0]
    assert shown(held_up) == [0.0, 30.0, 61.0, 90.0, 106.0]
    seen = blocking(told([[0, 30]]) | {"frames": held_up, "window": 117.0}, 60.0)
    assert (seen.frames, seen.frames_missed) == (5, 2)


def test_frames_a_second_are_counted_from_the_first_to_the_last():
    assert per_second({"frames": [400.0, 500.0, 600.0]}) == pytest.approx(10)
    assert per_second({"frames": [400.0]}) == per_second({"frames": []}) == 0


# A runtime that is busy for as many milliseconds as it is fed; below zero in a later task than that which asked.
BUSY = """
export const load = () => {};
export const open = () => {};
export const inputName = () => 'input';
export const inEffect = () => ({ threads: 1 });
export const tensor = ({ values }) => values[0];
export const outputs = (spent) => [['spent', { type: 'float32', dims: [1], data: Float32Array.of(spent) }]];

export async function infer({ input }) {
  if (input < 0) await new Promise((resolve) => { setTimeout(resolve); });
  const start = performance.now();
  while (performance.now() < start + Math.abs(input));
  return input;
}
"""


class Busy(PagePlatform):
    name, provider, engine, packages = "page-busy", "busy", "busy", ()
    runtime: ClassVar = {}

    def request(self, case, settings):
        return Request({}, {})

    def prove(self, case, in_effect, settings):
        return {}


@pytest.fixture
def opened(tiny_model, tmp_path, settings, monkeypatch):
    """Return what opens the busy runtime in the main thread or a worker, without a long rest before an animation."""
    (engine := tmp_path / "busy.mjs").write_text(BUSY)
    monkeypatch.setattr(Busy, "runtime", {"/engines/busy.mjs": engine})
    monkeypatch.setattr(page_session, "REST", 0.2)
    case = case_of(own.load(tiny_model))
    return lambda where: Busy().open_fresh(replace(case, where=where), settings)


def fed(milliseconds):
    return {"input": np.array([milliseconds], np.float32)}


def busiest(session, act):
    """Return what *act* returns, and the process and thread that was busiest meanwhile."""
    before = session._host.thread_seconds()
    result = act()
    spent = {thread: seconds - before.get(thread, 0) for thread, seconds in session._host.thread_seconds().items()}
    return result, max(spent, key=spent.get)


def test_a_page_freezes_that_computes_itself_and_one_with_a_worker_does_not(opened):
    with opened("main") as session:
        assert session.blocking(fed(30), 0)[1].longest_task >= 0.03  # which a browser does not call long
        (block, frozen), (process, thread) = busiest(session, lambda: session.blocking(fed(120), 0))
        assert (len(block.seconds), block.outputs["spent"]) == (3, [120])
        assert thread == process  # the page's main thread
        assert 0.119 <= frozen.longest_task <= frozen.window - 2 * 0.119  # three tasks, and not one of all inferences
        assert frozen.total_blocking_time >= 3 * 0.069
        assert session.blocking(fed(-120), 0)[1].total_blocking_time >= 3 * 0.069  # seen by the browser alone
        shy = session.blocking(fed(-40), 0.2)[1]  # by nobody, unless something else holds it up; but frames are late
        assert shy.longest_task + shy.disagreement >= 0.04 - 1 / 60
        page = session._channel.page
        page._runner.run(page._page.evaluate("Object.defineProperty(document, 'hidden', { value: true })"))
        with pytest.raises(PlatformError, match=r"^page-busy: tiny\.onnx: rest: .*the page was hidden"):
            session.blocking(fed(30), 0)
    with opened("worker") as session:
        (block, lively), (process, thread) = busiest(session, lambda: session.blocking(fed(120), 0))
        assert lively.total_blocking_time < frozen.total_blocking_time
        assert thread != process
        assert block.cpu.busiest_thread > 0
        assert len(block.computing) == 3
