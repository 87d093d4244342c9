"""Several machines at once: each measures by itself, its results are kept as they come, and what differs is told."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from execnet import RemoteError, XSpec
from helpers import FAKE_PLATFORMS, ROOT, Suite
from made_up_runs import benchmark, content, doubtful, run, save

from benchmarks.results import keys, load
from benchmarks.results.saved import Fault
from benchmarks.run import each
from benchmarks.run.each import checking, head, specs
from benchmarks.run.each.alone import Alone
from benchmarks.run.each.arriving import Arriving, Place
from benchmarks.run.each.checking import Answer
from benchmarks.run.each.ending import LOST, Ended, differences, why
from benchmarks.run.each.lines import Lines
from benchmarks.run.each.machine import Head, There
from benchmarks.run.each.specs import Machine, SpecError, machine_of
from benchmarks.run.each.words import BEGIN, KEPT, RESULT, RUN, STOP
from benchmarks.run.identity import suite as digest_of_suite
from benchmarks.run.storage import DEFAULT

# How a machine is named


def test_what_a_spec_leaves_out_is_as_it_is_here(monkeypatch):
    monkeypatch.setattr(specs.Path, "home", lambda: ROOT.parent)
    machine = machine_of("ssh=me@alpha")
    assert (machine.name, machine.folder) == ("alpha", ROOT.name)
    assert machine.python == f"{ROOT.name}/.tox/machines/bin/python"
    monkeypatch.setattr(specs.Path, "home", lambda: Path("/somewhere/else"))
    assert machine_of("ssh=alpha").folder == str(ROOT)


def test_a_home_is_left_to_the_shell_and_blanks_are_not():
    assert specs.python_of("~/my suite") == "~/'my suite/.tox/machines/bin/python'"
    assert machine_of("ssh=alpha//chdir=~/suite").python == "~/suite/.tox/machines/bin/python"


def test_ssh_asks_nobody_gives_up_and_finds_out_that_a_machine_is_silent():
    machine = machine_of("ssh=-p 2222 me@alpha//python=py//chdir=suite//ssh_config=file//env:A=b//id=first")
    assert machine.name == "first"
    command = machine.asking("-")
    assert command[:4] == ["ssh", "-C", "-F", "file"]
    assert command[-1] == "py -"
    assert command[-4:-1] == ["-p", "2222", "me@alpha"]
    assert {"BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=10"} <= {*command}
    spec = XSpec(machine.measuring("/home/me/suite"))
    assert (spec.chdir, spec.id, spec.python, spec.ssh_config, spec.env) == (
        *("/home/me/suite", "first", "py", "file"),
        {"A": "b"},
    )
    assert spec.ssh.endswith(" -p 2222 me@alpha")
    assert "ServerAliveCountMax=3" in spec.ssh


def test_this_machine_needs_no_ssh():
    machine = machine_of("popen")
    assert (machine.name, machine.folder, machine.asking("-")) == ("here", str(ROOT), [sys.executable, "-"])
    assert machine.measuring("/a") == f"popen//python={sys.executable}//chdir=/a//id=here"


@pytest.mark.parametrize("text", ["socket=host:1", "alpha", "ssh=a//ssh=b", "_ssh=a"])
def test_what_names_no_machine_is_refused_with_what_would(text):
    with pytest.raises(SpecError, match="ssh=HOST"):
        machine_of(text)


# What it is asked before it measures

ALPHA = Machine("alpha", "alpha", "py", "suite")
TOLD = {
    "node": "alpha",
    "kernel": "boot-1",
    "cores": [0],
    "system": "Linux x86_64",
    "python": "3.11.7",
    "folder": "/home/me/suite",
    "is_there": True,
    "commit": "a" * 40,
    "changes": "",
    "suite": "123456",
    "versions": {"onnxruntime": "1.32.0", "numpy": "2.0"},
}


def answer(**told):
    return Answer(ALPHA, {**TOLD, **told})


def answered(said="", code=0, errors="", machine=ALPHA):
    return checking.answer_of(machine, code, said, errors).fault


def said(**told):
    return checking.MARK + json.dumps({**TOLD, **told})


def test_a_machine_that_can_measure_says_so():
    assert answered(said()) == ""
    assert checking.lines([answer()], TOLD) == [
        "machine  alpha: ready: Linux x86_64, 1 core, Python 3.11.7, commit aaaaaaaaa"
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"code": 255, "errors": "noise\nssh: connect to host alpha port 22: Connection refused\n"},
            "does not answer: ssh: connect to host alpha port 22: Connection refused; `ssh alpha` must work, without a",
        ),
        (
            {"code": 127, "errors": "bash: line 1: py: No such file or directory"},
            "has no Python that could measure: bash: line 1: py: No such file or directory; in suite there: tox run",
        ),
        ({"said": f"Welcome!\n{said()}"}, "its shell writes 'Welcome!' before it obeys, which breaks the connection"),
        ({"said": said(is_there=False)}, "has no checkout in /home/me/suite; clone it there, or name its folder: al"),
        ({"said": said(python="3.9.2")}, "its Python is 3.9.2; the suite needs 3.11, there: tox run -e machines"),
        ({"said": said(versions={"a": None, "b": "1"})}, "its Python lacks a; in /home/me/suite there: tox run -e ma"),
    ],
    ids=["silent", "no Python", "a shell that talks", "no checkout", "an old Python", "a package"],
)
def test_what_a_machine_lacks_is_told_in_a_line_with_what_to_do(given, words):
    line = answered(**given)
    assert line.startswith(words)
    assert "\n" not in line
    assert ALPHA.name not in [one.machine.name for one in [Answer(ALPHA, {}, line)] if not one.fault]


def test_how_a_machine_differs_from_here_is_told():
    found = [*checking.differences(TOLD, {**TOLD, "commit": "b" * 40, "suite": "654321", "python": "3.12.1"})]
    assert found == [
        "commit bbbbbbbbb, here commit aaaaaaaaa",
        "the code that measures is not that here",
        "Python 3.12.1, here 3.11.7",
    ]
    assert [*checking.differences(TOLD, {**TOLD, "versions": {"onnxruntime": "1.31.0"}, "python": "3.11.2"})] == [
        "onnxruntime 1.31.0, here 1.32.0"
    ]
    (line,) = checking.lines([answer(commit=None)], TOLD)
    assert line == "machine  alpha: ready, and differs: a commit that git does not tell, here commit aaaaaaaaa"


def test_this_machine_is_asked_for_true():
    machine = machine_of("popen")
    one, none = checking.ask([machine, Machine("there", "", sys.executable, "/nowhere")])
    assert one.fault == ""
    assert one.told["suite"] == digest_of_suite()
    assert {"onnxruntime", "pytest-benchmark", "pytest-xdist", "playwright"} <= {*one.told["versions"]}
    assert none.fault.startswith("has no checkout in /nowhere")


def test_one_that_never_answers_is_given_up(monkeypatch):
    def never(*_words, timeout, **_more):
        raise subprocess.TimeoutExpired("ssh", timeout)

    monkeypatch.setattr(checking.subprocess, "run", never)
    (line,) = [one.fault for one in checking.ask([ALPHA])]
    assert line == "did not answer within 60 s; does `ssh alpha` end by itself?"


def shared(*told):
    answers = [Answer(Machine(name, name, "", ""), {**TOLD, **one}) for name, one in zip("abc", told, strict=False)]
    return [*checking.shared(answers)]


def test_two_that_are_one_machine_are_found_whatever_they_are_called():
    ((line, is_refused),) = shared({"node": "a"}, {"node": "b"})
    assert is_refused
    assert line.startswith("a and b are one and the same machine (a): they would disturb each other; name it once")
    assert shared({"kernel": "boot-1"}, {"kernel": "boot-2"}) == []
    assert shared({"kernel": None, "cores": None}, {"kernel": None, "cores": None})[0][1]
    assert shared({"kernel": None, "node": "a"}, {"kernel": None, "node": "b"}) == []


def test_rooms_of_one_machine_with_cores_of_their_own_may_measure_and_are_told():
    ((line, is_refused),) = shared({"cores": [0, 1]}, {"cores": [2]})
    assert not is_refused
    assert line.startswith("a and b are one machine with cores of their own")


# What comes of it

INFO = {"gpus": [], keys.QUOTA: None, "cpu": {"brand_raw": "Intel Xeon", "family": 6, "model": 1}}


def arriving(folder, machine="alpha", json_file=None, storage=None, in_storage=True):
    heard = []
    place = Place(storage or f"file://{folder}/runs", in_storage, json_file)
    return Arriving(machine, place, heard.append), heard


def message(kind, **told):
    return kind, json.dumps(told)


def begin(benchmarks=(), **about):
    common = content(exit_status=keys.KILLED, quota=None, **about)
    return message(BEGIN, save="abc_now", machine_id="Linux-CPython-3.11-64bit", common=common)


def saved(folder):
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_a_whole_run_is_saved_and_only_then_the_machine_hears_of_it(tmp_path):
    one, heard = arriving(tmp_path)
    one(begin())
    one(message(RESULT, **benchmark()))
    assert [file.partition("-")[0] for file in saved(tmp_path)] == ["runs/unfinished"]
    one(message(RUN, **content(benchmark(), benchmark(batch=8))))
    assert heard == [KEPT]
    one.end()
    assert saved(tmp_path) == ["runs/Linux-CPython-3.11-64bit/0001_alpha_abc_now.json"]
    assert [len(load(file).results) for file in one.files] == [2]
    assert (Ended("", one).problem, Ended("", one).words) == ("", "through, 2 benchmarks")


def test_what_had_come_of_a_machine_that_is_lost_is_a_run_that_was_killed(tmp_path):
    one, heard = arriving(tmp_path)
    one(begin())
    one(message(RESULT, **benchmark(**doubtful())))
    one.end()
    (file,) = one.files
    assert saved(tmp_path) == ["runs/Linux-CPython-3.11-64bit/0001_alpha_abc_now_killed.json"]
    found, raw = load(file), json.loads(file.read_text())
    assert (found.faults, len(found.results), heard) == ([Fault.KILLED], 1, [])
    assert [*raw["unstable"]] == [benchmark()["name"]]
    assert Ended(LOST, one).words == f"{LOST}; what had come, 1 benchmark, is kept"


def test_a_machine_that_sent_nothing_leaves_nothing(tmp_path):
    one, _ = arriving(tmp_path)
    one(begin())
    one.end()
    assert saved(tmp_path) == []
    assert Ended("", one).words == "measured nothing"


def test_the_next_run_saves_what_a_head_that_was_killed_had_got(tmp_path):
    killed, _ = arriving(tmp_path)
    killed(begin())
    killed(message(RESULT, **benchmark()))
    killed._journal.close()  # as the kernel does
    one, _ = arriving(tmp_path)
    one(begin())
    one.end()
    assert saved(tmp_path) == ["runs/Linux-CPython-3.11-64bit/0001_alpha_abc_now_killed.json"]
    (line,) = one.told
    assert "was killed; what it had finished, 1 benchmark, is saved as" in line


def test_each_machine_has_its_folder_and_two_that_are_alike_have_two_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, cores in (("alpha", 2), ("beta", 2), ("gamma", 4)):
        one, _ = arriving(tmp_path, name, storage=DEFAULT)
        one(begin(cores_usable=cores))
        one(message(RUN, **content(benchmark())))
        one.end()
    folder = ".benchmarks/intel-xeon-model-6.167-{}-cores/Linux-CPython-3.11-64bit"
    two, four = folder.format(2), folder.format(4)
    both = [f"{two}/0001_alpha_abc_now.json", f"{two}/0002_beta_abc_now.json"]
    assert saved(tmp_path) == [*both, f"{four}/0001_gamma_abc_now.json"]


def test_a_file_of_its_own_has_the_machines_name(tmp_path):
    one, _ = arriving(tmp_path, json_file=tmp_path / "out.json", in_storage=False)
    one(begin())
    one(message(RUN, **content(benchmark())))
    one.end()
    assert saved(tmp_path) == ["out-alpha.json"]


def test_no_name_leads_out_of_the_storage(tmp_path):
    one, _ = arriving(tmp_path, "../../up")
    one(message(BEGIN, save="../../x", machine_id="../..", common=content(quota=None)))
    one(message(RUN, **content(benchmark())))
    one.end()
    assert saved(tmp_path) == ["runs/_/0001__.._up__.._x.json"]


def test_what_cannot_be_saved_stays_in_the_journal_and_is_told(tmp_path, monkeypatch):
    one, heard = arriving(tmp_path)
    one(begin())
    one(message(RESULT, **benchmark()))

    def full(*_any):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("benchmarks.run.each.arriving.save_next", full)
    one(message(RUN, **content(benchmark())))
    one.end()
    assert heard == []  # so that the machine keeps it
    assert [problem.rpartition(": ")[2] for problem in one.problems[:1]] == ["No space left on device"]
    assert "its next run here saves it" in one.problems[1]
    assert [file.partition("-")[0] for file in saved(tmp_path)] == ["runs/unfinished"]


@pytest.mark.parametrize("sent", [(RESULT, "{"), (RESULT, "[1]"), ("else", "{}"), (RUN, "{}")])
def test_what_makes_no_sense_ends_nothing_and_is_told(tmp_path, sent):
    one, _ = arriving(tmp_path)
    one(begin())
    one(sent)
    one(message(RESULT, **benchmark()))
    one.end()
    assert any("what it sent could not be kept" in problem for problem in one.problems)


# The machine's side


class Channel:
    """A connection that is there, cut, or closed at the other end."""

    def __init__(self, is_open=True, answers=()):
        self.is_open, self.answers, self.sent = is_open, answers, []

    def setcallback(self, callback):
        self.callback = callback

    def send(self, item):
        if not self.is_open:
            raise OSError("cannot send")
        self.sent.append(item)
        for word in self.answers:
            self.callback(word)


class Storage:
    """Notes what is saved on the machine itself."""

    def __init__(self, folder):
        self.path = folder

    def get(self, name):
        return self.path / name

    def query(self, _pattern):
        return []


def test_a_run_that_the_head_keeps_is_not_saved_twice(tmp_path):
    channel = Channel(answers=[KEPT])
    There(Head(channel), Storage(tmp_path)).save({"benchmarks": [1]}, "run")
    assert channel.sent == [(RUN, '{"benchmarks": [1]}')]
    assert saved(tmp_path) == []


@pytest.mark.parametrize("channel", [Channel(is_open=False), Channel()], ids=["cut", "silent"])
def test_a_run_that_the_head_does_not_keep_stays_on_the_machine(tmp_path, monkeypatch, channel):
    monkeypatch.setattr("benchmarks.run.each.machine.PATIENCE", 0.01)
    head = Head(channel)
    head.add({"number": 1})  # nor does a result that nobody takes end the run
    There(head, Storage(tmp_path)).save({"benchmarks": [1]}, "run")
    assert saved(tmp_path) == ["0001_run.json"]


def test_a_head_that_is_stopped_stops_the_machine_in_order(monkeypatch):
    signals, channel = [], Channel()
    monkeypatch.setattr("benchmarks.run.each.machine.os.kill", lambda _pid, number: signals.append(number.name))
    Head(channel)
    channel.callback(STOP)
    assert signals == ["SIGTERM"]


# How it goes on, and ends


def test_no_machine_waits_for_another_nor_takes_over_what_it_leaves():
    through = []
    alone = Alone(through.append)
    assert not alone.tests_finished
    for node in ("alpha", "beta"):
        alone.add_node(node)
    alone.add_node_collection("alpha", ["a", "b"])
    assert (alone.collection_is_completed, alone.has_pending, alone.tests_finished) == (True, True, False)
    for index in range(2):
        alone.mark_test_complete("alpha", index)
    assert (through, alone.tests_finished) == (["alpha", "alpha"], False)  # beta has not begun
    assert alone.remove_node("beta") is None
    assert alone.tests_finished
    with pytest.raises(KeyError):
        alone.remove_node("beta")


class Node:
    """What pytest-xdist knows of a worker that has ended."""

    def __init__(self, exitstatus, error=None):
        self.workeroutput, self.error, self.channel = {"exitstatus": exitstatus}, error, self

    def waitclose(self, _timeout):
        if self.error:
            raise self.error


REFUSAL = RemoteError("Traceback …\n_pytest.config.exceptions.UsageError: --model x.onnx: no such file; name another\n")
OF_COMMAND_LINE = RemoteError(
    """Traceback (most recent call last):
  File "x.py", line 1, in <module>
_pytest.config.exceptions.UsageError: usage: python -m pytest [options]
python -m pytest: error: argument --model: x.onnx: no such file
  inifile: /home/me/suite/pyproject.toml
  rootdir: /home/me/suite
"""
)


@pytest.mark.parametrize(
    ("node", "error", "words"),
    [
        (Node(0), None, ""),
        (Node(1), None, ""),
        (Node(0), "Not properly terminated", LOST),
        (Node(0), REFUSAL, "--model x.onnx: no such file; name another"),
        (Node(4, REFUSAL), None, "refused: --model x.onnx: no such file; name another"),
        (Node(0), OF_COMMAND_LINE, "argument --model: x.onnx: no such file"),
        (Node(0), RemoteError("Traceback …\nZeroDivisionError"), "ZeroDivisionError"),
        (Node(2), None, "was stopped there"),
        (Node(5, EOFError()), None, "found nothing to measure"),
    ],
)
def test_why_a_machine_has_ended_is_told_in_its_own_words(node, error, words):
    assert why(node, error) == words


def two(*others, **about):
    runs = {"alpha": run(Path("a.json"), benchmark(), versions={"onnxruntime": "1.32.0"}, suite="1")}
    return runs | {"beta": run(Path("b.json"), *others, versions={"onnxruntime": "1.32.0"}, suite="1", **about)}


def test_machines_that_differ_in_hardware_alone_are_alike():
    assert [*differences(two(benchmark(), benchmark(batch=8), cores_usable=64, system="Darwin"))] == []


def test_another_commit_version_or_model_is_told():
    other = run(Path("b.json"), benchmark(model_sha256="0" * 64), commit="b" * 40, suite="2", versions={"chrome": "1"})
    runs = two(benchmark()) | {"beta": other}
    (line,) = differences(runs)
    assert line == (
        "beta from alpha: commit bbbbbbbbb and not aaaaaaaaa, the suite's own code, "
        "the model's file of 1 benchmark, as test_latency[resnet20-server-cpu-b1]"
    )
    newer = run(Path("b.json"), benchmark(), versions={"onnxruntime": "1.33.0"}, suite="1")
    assert [*differences(two(benchmark()) | {"beta": newer})] == ["beta from alpha: onnxruntime 1.33.0 and not 1.32.0"]


# What is refused


class Config:
    """Options, as pytest has read them."""

    def __init__(self, **options):
        self.option = SimpleNamespace(**OPTIONS, **options)

    def getoption(self, name, default=None):
        return getattr(self.option, name, default)

    getvalue = getoption


OPTIONS = {"benchmark_only": True, "benchmark_skip": False, "benchmark_disable": False, "collectonly": False}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"dist": "load", "tx": ["popen"]},
            "benchmarks disturb each other under pytest-xdist: leave out -n and --dist",
        ),
        ({"dist": "each", "numprocesses": 1}, "benchmarks disturb each other under pytest-xdist: leave out -n and --d"),
        ({"dist": "each"}, "--dist each has no machine to measure on; --dist each --tx ssh=HOST measures on machines"),
        ({"dist": "each", "tx": ["a"], "report": "a.html"}, "--report is of one machine, and --dist each of several:"),
        ({"dist": "each", "tx": ["a"], "build_models": True}, "two workers would train the same stand-in"),
    ],
)
def test_what_would_measure_something_else_is_refused(options, words):
    (fault,) = each.faults(Config(**options))
    assert fault.startswith(words)


@pytest.mark.parametrize("options", [{}, {"dist": "no"}, {"dist": "each", "tx": ["ssh=alpha"]}])
def test_what_measures_as_it_is_meant_is_not(options):
    assert [*each.faults(Config(**options))] == []


class Reporter:
    """Where lines are written."""

    def __init__(self):
        self.lines = []

    def ensure_newline(self):
        pass

    def isatty(self):
        return False

    def write_line(self, line):
        self.lines.append(line)


def head_of(*tx, json_file=None):
    """Return the head of a run on these machines, and where it writes."""
    config, reporter = Config(dist="each", tx=[*tx]), Reporter()
    config.pluginmanager = SimpleNamespace(get_plugin=lambda _name: reporter)
    return head.Head(config, Place(DEFAULT, json_file is None, json_file), Lines(config)), config, reporter.lines


@pytest.mark.parametrize(
    ("tx", "words"),
    [
        (["2*popen"], "--tx: here is named 2 times: they would disturb each other"),
        (["ssh=alpha", "ssh=me@alpha//python=py"], "--tx: alpha is named 2 times: they would disturb each other"),
        (["socket=a:1"], "--tx socket=a:1: a machine is named as ssh=HOST, or popen for this one; --dist each --tx"),
        (["ssh=-p 1 127.0.0.1"], "--dist each: no machine can measure, see above"),
        (["popen//id=a", "popen//id=b"], "--tx: a and b are one and the same machine ("),
    ],
    ids=["counted", "named", "socket", "silent", "same"],
)
def test_machines_that_would_disturb_each_other_or_cannot_measure_are_refused(tx, words):
    with pytest.raises(pytest.UsageError) as refused:
        head_of(*tx)[0].pytest_sessionstart()
    assert str(refused.value).startswith(words)


def test_a_file_that_could_not_be_written_is_refused_before_anybody_is_asked(tmp_path):
    with pytest.raises(
        pytest.UsageError, match=r"out-HOST.json cannot be written: No such file or directory; name one"
    ):
        head_of("ssh=alpha", json_file=tmp_path / "nowhere" / "out.json")[0].pytest_sessionstart()


def test_a_machine_that_does_not_answer_is_told_and_left_out():
    one, config, lines = head_of("popen", "ssh=-p 1 127.0.0.1//id=delta")
    one.pytest_sessionstart()
    assert [spec.partition("//")[0] for spec in config.option.tx] == ["popen"]
    assert [line[:24] for line in lines] == ["machine  here: ready: Li", "machine  delta: cannot m"]


def test_what_of_a_machines_run_cannot_be_read_is_told(tmp_path):
    damaged = save(tmp_path / "damaged.json", benchmark(), benchmark(batch=8, **{keys.TAKEN: "much"}))
    (tmp_path / "none.json").write_text("[]")
    lines = Lines(Config(benchmark_group_by="group"))
    lines._config.hook = SimpleNamespace(pytest_benchmark_group_stats=lambda **_: None)
    lines.names = ["a", "b"]
    files = zip(lines.names, (damaged, tmp_path / "none.json"), strict=True)
    lines.end(
        {
            name: SimpleNamespace(
                words="through", problem="", results=[], arriving=SimpleNamespace(files=[file], problems=[], told=[])
            )
            for name, file in files
        }
    )
    told = [line for line in lines._at_end if line.startswith("problem  ")]
    assert [line.removeprefix("problem  ") for line in told] == lines.problems
    assert told[0].startswith("problem  a: test_latency[resnet20-server-cpu-b8]: damaged: ValueError")
    assert told[1].startswith(f"problem  b: {tmp_path / 'none.json'}: no run of this suite")
    assert len(told) == 2


# The real command, with machines that are processes of this one

TWO_MACHINES = """
from benchmarks.run.each import checking
checking.shared = lambda answers: ()  # two processes of this machine stand for two

import signal
time_of = FakeSession.time

def time_or_die(session, feeds, rounds, iterations=1):
    if session.case.batch_size == int(os.environ.get("FAKE_DEATH", 0)):
        os.kill(os.getpid(), signal.SIGKILL)
    return time_of(session, feeds, rounds, iterations)

FakeSession.time = time_or_die
FakePlatform.versions = lambda platform, settings: {platform.name: os.environ.get("FAKE_VERSION", "1.0")}
"""


def tx(suite, name, **variables):
    more = "".join(f"//env:{key}={value}" for key, value in variables.items())
    return f"--tx=popen//chdir={suite.folder}//id={name}{more}"


def test_each_machine_measures_by_itself_and_what_each_has_is_kept(pytester, outside_xdist):
    suite = Suite(pytester, FAKE_PLATFORMS + TWO_MACHINES)
    machines = [tx(suite, "alpha"), tx(suite, "beta", FAKE_DEATH=3), tx(suite, "gamma", FAKE_VERSION="2.0")]
    machines += ["--tx=ssh=-p 1 127.0.0.1//id=delta"]
    result = suite.run(
        "--benchmark-only", "test_latency.py", "--dist=each", *machines, "--batch-size=2", "--batch-size=3"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "machine  alpha: ready*",
            "machine  delta: cannot measure: does not answer: ssh: connect to host 127.0.0.1 port 1: Connection refus*",
        ]
    )
    text = result.stdout.str()
    for name in ("alpha", "gamma"):
        assert f"{name}  3/3  test_latency[resnet8-fake-b3]  median " in text
        assert f"machine  {name}: through, 3 benchmarks" in text
    assert "beta   2/3  test_latency[resnet8-fake-b2]  median " in text
    assert text.count(f"machine  beta: {LOST}; what had come, 2 benchmarks, is kept") == 2  # at once, and at the end
    result.stdout.fnmatch_lines(["differs  gamma from alpha: fake 2.0 and not 1.0, *"])
    assert "worker" not in text.replace("workers", "")
    files = {file.name.split("_")[1]: load(file) for file in suite.folder.rglob(".benchmarks/*/*/0*.json")}
    assert {name: (len(one.results), one.exit_status) for name, one in files.items()} == {
        "alpha": (3, 0),
        "beta": (2, keys.KILLED),
        "gamma": (3, 0),
    }
    assert all(found.samples for one in files.values() for found in one.results)
    assert [*suite.folder.rglob("unfinished-*")] == []
    assert not (suite.folder / "pytest").exists()  # which pytest-xdist would have copied
    compared = next(line for line in result.outlines if line.startswith("compare  "))
    assert len([word for word in shlex.split(compared) if word.endswith(".json")]) == 3
    assert any("B [w] ÷ A" in line for line in result.outlines)


def test_a_machine_that_is_measured_alone_is_shown_as_any_run(suite):
    options = ("--benchmark-json=out.json", "--benchmark-save=mine", "--benchmark-storage=runs")
    result = suite.run("--dist=each", tx(suite, "alpha"), *options)
    assert result.ret == pytest.ExitCode.OK
    saved = ["results  alpha: out-alpha.json", "results  alpha: runs/*/0001_alpha_mine.json"]
    result.stdout.fnmatch_lines(["fake  *", *saved])
    assert len(suite.benchmarks("out-alpha.json")) == 1
    assert not [*suite.folder.rglob(".benchmarks/**/*.json")]
