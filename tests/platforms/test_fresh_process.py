"""A fresh process answers as this one would, its faults are told in plain words, and nothing of it is left behind."""

import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from answering import Answering
from helpers import ROOT, make_linear

from benchmarks.inputs import case_of, seeded_batch, seeded_feeds
from benchmarks.platforms import PLATFORMS, worker
from benchmarks.platforms.fresh_process import FreshSession, OnDevice
from benchmarks.platforms.litert import ServerLiteRt
from benchmarks.platforms.server import ServerCpu
from benchmarks.protocol import Case, Images, PlatformError, UnavailableError
from benchmarks.settings import Settings
from browser_harness.processes import USABLE
from browser_harness.scratch import clear_up
from models import manifest, own
from models.cifar100 import MEAN, STD

CPU, LITERT = ServerCpu(), ServerLiteRt()
WORDS = r"^answering: tiny\.onnx: a fresh process "


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """Let a fresh process find the platform of these tests."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))


@pytest.fixture
def case(tiny_model):
    return case_of(own.load(tiny_model))


@pytest.fixture
def patience():
    """Settings whose timeout can be changed once a process has been started."""
    return SimpleNamespace(timeout=30, collects_garbage=True)


def fresh(case, *deeds, settings=None):
    return Answering(deeds).open_fresh(case, settings or Settings(timeout=30))


def told(session, *deeds):
    """Return what the process of a session tells of itself, when it has done *deeds*."""
    return session.run({"deeds": deeds})


def ends(process, within=10):
    """Whether a process is gone, or ends *within* seconds: one that was killed may still be on its way."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within)[0])  # readable once it has ended, waited for or not
    finally:
        os.close(handle)


# Answers


def test_it_answers_as_this_process_does():
    case, feeds = case_of(manifest.load("resnet8"), 8), {"input": seeded_batch(8)}
    images = Images(np.random.default_rng(1).integers(0, 256, (11, 3, 32, 32), np.uint8), MEAN, STD)
    settings = Settings(timeout=30)
    with CPU.open_fresh(case, settings) as session, CPU.open(case, settings) as here:
        assert replace(session.facts, clock_resolution=1) == replace(here.facts, clock_resolution=1)
        np.testing.assert_array_equal(session.run(feeds)["logits"], here.run(feeds)["logits"])
        block = session.time(feeds, 5)
        np.testing.assert_array_equal(block.outputs["logits"], here.run(feeds)["logits"])
        assert len(block.seconds) == 5
        assert min(block.seconds) > 0
        assert 0 < block.cpu.busiest_thread <= block.cpu.all_threads + 0.01
        for ours, theirs in zip(session.classify(images, 8), here.classify(images, 8), strict=True):
            np.testing.assert_array_equal(ours.outputs["logits"], theirs.outputs["logits"])


def test_a_users_own_file_is_found_from_wherever_it_was_named(tmp_path, monkeypatch):
    make_linear(tmp_path / "own.onnx")
    monkeypatch.chdir(tmp_path)
    case = case_of(own.load(Path("own.onnx")), 2)
    with CPU.open_fresh(case, Settings(timeout=30)) as session:
        assert session.run(seeded_feeds(case.model_file, 2))["y"].shape == (2, 8)


def test_a_session_on_a_device_is_of_the_same_process(case):
    with fresh(case) as session:
        on_device = session.on_device()
        assert isinstance(on_device, OnDevice)
        assert on_device.facts == session.facts
        before, there = told(session), on_device.run({})
        assert (before["place"], there["place"], there["pid"]) == ("host", "device", before["pid"])
        on_device.renew()
        assert told(session)["pid"] == on_device.run({})["pid"] != before["pid"]


def test_samples_of_several_inferences_are_drawn_there_too(case):
    with fresh(case) as session:
        for place in (session, session.on_device()):
            assert (place.time({}, 3, 4).iterations, place.time({}, 3).iterations) == (4, 1)


def test_images_are_classified_there(case):
    with fresh(case) as session:
        blocks = [*session.classify(Images(np.zeros((5, 3, 32, 32), np.uint8), MEAN, STD), 2)]
    assert [len(block.seconds) for block in blocks] == [1, 1, 1]


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_collected_unless_told_otherwise(case, collects):
    with fresh(case, settings=Settings(timeout=30, collects_garbage=collects)) as session:
        assert told(session)["collects"] == collects


def test_what_a_runtime_prints_is_no_answer(case):
    with fresh(case, ("say", "opened")) as session:
        assert session.time({"deeds": [("say", "an inference")]}, 3).seconds == [0.5] * 3


def test_it_is_kept_on_a_core_and_let_go(case):
    with fresh(case) as session:
        assert told(session)["cores"] == USABLE
        session.keep_on(min(USABLE))
        assert told(session)["cores"] == {min(USABLE)}
        session.keep_on(None)
        assert told(session)["cores"] == USABLE
    assert os.sched_getaffinity(0) == USABLE  # this process was left alone


# Renewal


def test_a_renewed_session_has_another_process(case):
    with fresh(case) as session:
        facts, first = session.facts, told(session)
        (kept := Path(first["folder"], "compiled")).touch()
        session.renew()
        assert ends(first["pid"])
        second = told(session)
        assert (session.facts, second["pid"] != first["pid"]) == (facts, True)
        assert (second["folder"], kept.exists()) == (first["folder"], True)  # what was compiled there is found again
    assert ends(second["pid"])
    assert not Path(second["folder"]).exists()


def test_two_sessions_are_opened_at_once(case, tmp_path):
    """Each is open when the other is being opened: neither is waited for until something is asked of it."""
    here, there = tmp_path / "here", tmp_path / "there"
    with fresh(case, ("meet", (here, there))) as one, fresh(case, ("meet", (there, here))) as other:
        assert one.facts == other.facts
        for note in (here, there):
            note.unlink()
        one.renew()
        other.renew()
        assert told(one)["pid"] != told(other)["pid"]


# Faults


@pytest.mark.parametrize(("deed", "error"), [("refuse", PlatformError), ("miss", UnavailableError)])
def test_what_the_platform_explains_is_raised_as_it_is(case, deed, error):
    with (
        fresh(case, (deed, "not for me")) as session,
        pytest.raises(error, match=r"^answering: tiny\.onnx: not for me$"),
    ):
        session.facts  # noqa: B018
    with fresh(case) as session:
        with pytest.raises(error, match=r"^answering: tiny\.onnx: not for me$"):
            told(session, (deed, "not for me"))
        assert told(session)["pid"]  # it still answers


def test_a_fresh_process_brings_the_platforms_own_words(tmp_path):
    case, feeds = case_of(manifest.load("resnet8"), 2), {"input": seeded_batch(2)}
    words = r"^server-litert: .* for batches of 2: it has batches of 1, 8, 64"
    with LITERT.open_fresh(case, Settings(timeout=30)) as session, pytest.raises(UnavailableError, match=words):
        session.run(feeds)
    (tmp_path / "broken.onnx").write_bytes(b"no model at all" * 100)
    with pytest.raises(PlatformError, match=r"^server-cpu: broken\.onnx: this is no ONNX file, or a part of one"):
        next(CPU.openings(Case(own.load(tmp_path / "broken.onnx"), shapes={}), feeds, Settings(timeout=30), "process"))


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (("exit", "out of cheese"), "ended with 1: out of cheese"),
        (("end", 3), "ended with 3$"),
        (("die", signal.SIGKILL), "was ended by SIGKILL, as the kernel does where memory runs out; a smaller "),
        (("die", signal.SIGFPE), "was ended by SIGFPE, a division of integers by zero$"),
        (("die", signal.SIGUSR1), "was ended by SIGUSR1$"),
        (("die", signal.SIGRTMIN + 2), r"was ended by signal \d+$"),
        (("fail", "a bug"), "ended with 1: RuntimeError: a bug"),
    ],
    ids=["exit", "end", "killed", "zero", "signal", "unnamed", "traceback"],
)
def test_a_process_that_ends_early_is_told_with_its_last_words(case, deed, words):
    pattern = f"{WORDS}{words}"
    with fresh(case, deed) as session, pytest.raises(PlatformError, match=pattern) as raised:
        session.facts  # noqa: B018
    assert "\n" not in str(raised.value)
    assert ("Traceback" in "".join(getattr(raised.value, "__notes__", ()))) == (deed[0] == "fail")  # shown with -vv
    with fresh(case) as session, pytest.raises(PlatformError, match=pattern):
        told(session, deed)
    openings = Answering((deed,)).openings(case, {}, Settings(timeout=30), "process")
    with pytest.raises(PlatformError, match=pattern):
        next(openings)


def test_only_the_last_of_many_words_are_told(case):
    with fresh(case) as session, pytest.raises(PlatformError, match=r"the end$") as raised:
        told(session, ("exit", 5000 * "many " + "the end"))
    assert len(str(raised.value)) < 2200


def test_a_process_that_has_ended_before_it_is_asked_is_told_too(case):
    with fresh(case) as session:
        os.kill(told(session)["pid"], signal.SIGKILL)
        with pytest.raises(PlatformError, match=f"{WORDS}was ended by SIGKILL"):
            told(session)


# What is left behind


@pytest.fixture
def note(tmp_path):
    """Where a process that hangs tells what it started and where; once checked, nothing of it may be left."""
    note = tmp_path / "note"
    yield note
    process, folder = note.read_text().split()
    assert not Path(folder).exists()
    assert ends(int(process))


def test_an_inference_that_hangs_is_given_up_with_all_it_started(case, patience, note):
    with fresh(case, settings=patience) as session:
        pid = told(session)["pid"]
        patience.timeout = 0.2
        with pytest.raises(PlatformError, match=rf"{WORDS}did not answer within 0\.2 s; raise --inference-timeout$"):
            session.time({"deeds": [("hang", note), ("wait_for", note)]}, 1)
        wait_for(note)
    assert ends(pid)


@pytest.mark.parametrize(
    ("patience_of", "limit", "words"),
    [(1.0, "0.02", ""), (10.0, "0.2", ", of which this is 10 times")],
    ids=["a call's limit", "a compiler's"],
)
def test_an_opening_that_hangs_is_given_up(case, patience, note, patience_of, limit, words):
    platform = Answering((("hang", note),), patience=patience_of)
    with platform.open_fresh(case, patience) as session:
        wait_for(note)
        patience.timeout = 0.02
        told = rf"{WORDS}did not answer within {limit} s; raise --inference-timeout{words}$"
        with pytest.raises(PlatformError, match=told):
            session.facts  # noqa: B018


def test_a_load_has_the_limit_of_a_call_too(case):
    openings = Answering().openings(case, {}, Settings(timeout=0.001), "process")
    with pytest.raises(PlatformError, match=rf"{WORDS}did not answer within 0\.001 s; raise --inference-timeout$"):
        next(openings)


def test_pytorchs_compiler_alone_is_given_longer():
    patience = {name: getattr(platform, "patience", 1) for name, platform in PLATFORMS.items()}
    assert {name for name, times in patience.items() if times != 1} == {"server-torch-compiled"}


def test_images_are_given_the_limit_of_a_call_for_each_batch(case):
    """A whole test set takes longer than that, and hands its blocks over as they come."""
    with fresh(case) as session:
        blocks = session.classify(Images(np.zeros((5, 3, 32, 32), np.uint8), MEAN, STD), 2)
        assert len(next(blocks).seconds) == 1
        assert told(session)["pid"]  # which would be told the next batch, were that on its way


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it")
def test_where_memory_is_short_a_fresh_process_goes_first(case):
    with fresh(case) as session:
        assert Path(f"/proc/{told(session)['pid']}/oom_score_adj").read_text().strip() == "1000"


def wait_for(note):
    while not note.exists():
        threading.Event().wait(0.01)


def interrupt_when(note):
    """Send this process a Ctrl-C as soon as another hangs."""

    def interrupt():
        wait_for(note)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()


def test_an_interrupt_ends_the_process_with_all_it_started(case, note):
    interrupt_when(note)
    with pytest.raises(KeyboardInterrupt), fresh(case) as session:
        told(session, ("hang", note))


def test_an_interrupt_ends_a_process_that_is_deaf_to_it(case, tmp_path):
    """As one is in which a runtime compiles."""
    interrupt_when(note := tmp_path / "note")
    with pytest.raises(KeyboardInterrupt), fresh(case, ("deafen", note)) as session:
        pid = session._open_worker().pid
        session.facts  # noqa: B018
    assert ends(pid)


def test_an_interrupt_ends_an_opening_with_all_it_started(case, note):
    interrupt_when(note)
    with pytest.raises(KeyboardInterrupt):
        next(Answering((("hang", note),)).openings(case, {}, Settings(timeout=30), "process"))


def test_an_error_here_ends_the_process_too(case):
    with pytest.raises(ZeroDivisionError), fresh(case) as session:
        pid = told(session)["pid"]
        raise ZeroDivisionError
    assert ends(pid)


def test_a_process_that_nobody_can_ask_any_more_ends(case):
    with FreshSession(Answering(), case, Settings(timeout=30)) as session:
        pid = told(session)["pid"]
        session._open_worker()._process.stdin.close()  # as when this process is killed
        assert ends(pid)


ASKS = """
import sys
from pathlib import Path
from answering import Answering
from benchmarks.inputs import case_of
from benchmarks.settings import Settings
from models import own
case, note = case_of(own.load(Path(sys.argv[1]))), Path(sys.argv[2])
with Answering().open_fresh(case, Settings(timeout=30)) as session:
    pid = session.run({"deeds": ()})["pid"]
    note.with_name("pid").write_text(str(pid))
    session.run({"deeds": [("hang", note)]})
"""


def test_a_process_in_the_midst_of_a_call_ends_with_its_parent(tiny_model, tmp_path, monkeypatch):
    """What it had started, and its folder, the next run ends and removes."""
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    note, path = tmp_path / "note", os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    command = [sys.executable, "-c", ASKS, str(tiny_model), str(note)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}) as parent:
        wait_for(note)
        parent.kill()
    assert ends(int((tmp_path / "pid").read_text()))
    process, folder = note.read_text().split()
    assert clear_up(temporary) == [Path(folder)]
    assert ends(int(process))


def test_a_process_whose_parent_is_gone_already_ends():
    command = [sys.executable, "-m", "benchmarks.platforms.worker", str(os.getppid())]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as orphan:
        assert orphan.wait(timeout=30) == 1  # although it could still be asked


# Openings


def test_each_opening_is_of_a_process_of_its_own(case):
    openings = Answering().openings(case, {"x": [1, 2]}, Settings(timeout=30), "process")
    first, second = next(openings), next(openings)
    openings.close()
    pids = [opening.outputs["pid"] for opening in (first, second)]
    folders = [opening.outputs["folder"] for opening in (first, second)]
    assert len({*pids}) == len({*folders}) == 2
    assert not any(Path(folder).exists() for folder in folders)
    assert all(map(ends, pids))
    assert (first.first, first.second, first.facts.platform) == (0.5, 0.5, "answering")
    np.testing.assert_array_equal(first.outputs["x"], [1, 2])
    assert 0 < first.memory.before <= first.memory.peak


def test_what_a_platform_looks_for_is_not_in_its_load(case, monkeypatch):
    clock = SimpleNamespace(now=0.0)

    class Slow(Answering):
        def unavailable(self, settings):
            clock.now += 100
            return self.reason

        def open(self, case, settings):
            clock.now += 1
            return super().open(case, settings)

    monkeypatch.setattr(worker.time, "perf_counter", lambda: clock.now)
    monkeypatch.setenv("TMPDIR", "nowhere")
    with (answers := worker.Answers(Slow(), case, Settings())).stack:
        assert answers.load() == 1
        assert answers.opening(1.0, {}).load == 1
    with pytest.raises(UnavailableError, match=r"^none here$"):
        worker.Answers(Slow(reason="none here"), case, Settings()).load()
