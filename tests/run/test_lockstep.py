"""The words of lockstep: what two commits say to each other is no commit's own to change."""

import io
import json
import subprocess
import sys

import pytest
from helpers import ROOT

from benchmarks.run import lockstep
from benchmarks.run.lockstep import Report, Schedule


def test_the_words_of_protocol_2():
    """Whoever has to change this test changes what older commits understand: PROTOCOL needs another number."""
    assert lockstep.PROTOCOL == 2
    assert lockstep.arguments(3, 4) == ["--lockstep=3,4"]
    assert [*Report] == ["collected", "test", "start", "turn", "done", "end"]
    assert json.dumps([Report.TEST, "a"]) == '["test", "a"]'
    schedule = '{"names": ["a"], "turn_seconds": 0.005, "starts": 4}'
    assert json.dumps(Schedule(["a"], starts=4).to_json()) == schedule
    identity = lockstep.identity("test_latency", "ab", {"platform": "server-cpu", "batch_size": 1})
    assert identity == {"function": "test_latency", "sha256": "ab", "platform": "server-cpu", "batch_size": 1}


def test_a_schedule_is_read_as_it_was_written():
    for schedule in (Schedule(["a", "b"], 0.02, 1), Schedule([])):
        assert Schedule.from_json(json.loads(json.dumps(schedule.to_json()))) == schedule
    assert Schedule.from_json({"names": [], "turn_seconds": 1, "starts": 5, "more": 2}) == Schedule([], 1)


def test_the_ends_of_the_pipes_are_read_as_they_were_written():
    (argument,) = lockstep.arguments(13, 4)
    assert lockstep.pipe_ends(argument.partition("=")[2]) == (13, 4)


def test_a_benchmark_is_another_where_anything_differs_or_the_file_is_absent():
    known, absent = (lockstep.identity("test_latency", sha256, {"batch_size": 1}) for sha256 in ("ab", None))
    assert lockstep.is_same(known, {**known})
    assert not lockstep.is_same(absent, {**absent})
    for difference in ({"function": "test_device"}, {"sha256": "cd"}, {"batch_size": 8}, {"more": 1}):
        assert not lockstep.is_same(known, {**known, **difference})


@pytest.mark.parametrize("message", [None, ["end", {"a": "two\nlines, µ"}]])
def test_a_message_is_a_line(message):
    pipe = io.StringIO()
    lockstep.send(pipe, message)
    assert pipe.getvalue().count("\n") == 1
    pipe.seek(0)
    assert lockstep.receive(pipe) == message


@pytest.mark.parametrize("text", ["", '["coll'])
def test_what_ends_within_a_line_has_ended(text):
    with pytest.raises(EOFError, match="the other end of the pipe is closed"):
        lockstep.receive(io.StringIO(text))


def test_neither_pytest_nor_what_computes_is_needed():
    absent = "import sys; sys.modules.update(pytest=None, numpy=None, onnx=None); import benchmarks.run.lockstep"
    subprocess.run([sys.executable, "-c", absent], cwd=ROOT, check=True)


# What a checkout's files tell


@pytest.fixture
def checkout(tmp_path):
    """Return a function that writes files of those names and texts and returns their folder."""

    def written(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return written


def test_this_checkout_speaks_what_its_module_says():
    assert lockstep.protocol_of(ROOT) == lockstep.PROTOCOL


@pytest.mark.parametrize(
    ("files", "protocol"),
    [
        ({"benchmarks/run/lockstep.py": '"""Words."""\nPROTOCOL = 12  # since then\n'}, 12),
        ({"benchmarks/run/lockstep.py": "PROTOCOL = 2\nraise SystemExit", "benchmarks/run/turns.py": ""}, 2),
        ({"benchmarks/run/lockstep.py": "NUMBER = 2", "benchmarks/run/turns.py": ""}, None),
        ({"benchmarks/run/turns.py": ""}, 1),
        ({"benchmarks/turns.py": ""}, 1),
        ({"benchmarks/test_latency.py": ""}, None),
    ],
)
def test_a_checkout_tells_its_protocol_without_being_run(checkout, files, protocol):
    assert lockstep.protocol_of(checkout(files)) == protocol
