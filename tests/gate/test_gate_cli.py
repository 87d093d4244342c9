"""The gate's command line: what is refused with which words, what reaches the suite, and the exit codes."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from gate_helpers import measurements
from helpers import ROOT
from test_gate_baseline import MACHINE, NAME, content, result, starts
from test_gate_checkouts import TOX, of, repository  # noqa: F401  # a fixture

from benchmarks.gate import checkouts, command, compare, screen
from benchmarks.gate.pair import Match, Matched, Version


@pytest.fixture
def gate(root, tmp_path, monkeypatch, capfd, outside_xdist):
    """Run the command line on a small repository; return the exit code, what was told, and the JSON, if any."""
    monkeypatch.setattr(compare, "ROOT", root)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)  # pytest has handlers of its own
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["gate", "--out=out", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command.main()
        out, err = capfd.readouterr()
        file = Path("out/gate.json")
        return ended.value.code, out + err, json.loads(file.read_text()) if file.exists() else None

    return run


# Wrong usage


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ((), "error: name BASE, a revision such as origin/main or a folder, or --baseline with saved runs"),
        (("main", "--baseline", "a.json"), "error: name BASE, *; one of the two"),
        (("--baseline",), "error: argument --baseline: expected at least one argument"),
        (("main", "--head-runs", "a.json"), "error: --head-runs has no effect without --baseline"),
        (("--head-runs", "a.json"), "error: name BASE"),
        (("--merge-base", "--baseline", "a.json"), "error: --merge-base has no effect with --baseline"),
        (("--merge-base",), "error: name BASE"),
        (("main", "side", "third"), "error: unrecognized arguments: third"),
        (("main", "--nonsense"), "error: unrecognized arguments: --nonsense"),
        (("main", "--screen", "0"), "error: argument --screen: 0 is not positive"),
        (("main", "--confirm", "1.5"), "error: argument --confirm: invalid int value: '1.5'"),
        (("main", "--seconds", "nan"), "error: argument --seconds: nan is not positive"),
        (("main", "--fail-on", "slower"), "error: argument --fail-on: invalid choice: 'slower'"),
        (("nonsense",), "error: nonsense: neither a revision of this repository nor a folder"),
        (("main", "nonsense"), "error: nonsense: neither a revision"),
        (("--merge-base", "nonsense"), "error: nonsense: no revision of "),
        (("--merge-base", "main", "nonsense"), "error: nonsense: no revision of "),
    ],
)
def test_wrong_usage_ends_with_4_and_says_what_is_wrong(gate, words, error):
    code, text, outcome = gate(*words)
    assert (code, outcome) == (4, None)
    assert text.startswith("usage: gate ")
    for part in error.split("*"):
        assert part in text


def test_behind_two_dashes_everything_is_the_suites():
    options = command.parsed(["main", "--screen", "2", "--", "--model", "resnet8", "--", "-x", "--baseline"])
    assert (options.base, options.head, options.rules.screen) == ("main", None, 2)
    assert options.suite == ["--model", "resnet8", "--", "-x", "--baseline"]


# In lockstep


@pytest.fixture
def gated(monkeypatch):
    """Let nothing be measured; return what would be."""
    given = []

    def prepared(name, source, environment):
        given.append((name, source.words, environment))
        return Version(name, source.path, Path("python"))

    def measured(versions, arguments, folder, rules, only=None):
        given.append((arguments, folder, rules, only))
        matched = Matched([Match("one", "one")], [], [])
        return measurements(
            matched, screened={"one": starts(0)[:10]}, confirmed={NAME: starts(0.1)}, threads={"one": 1}
        )

    monkeypatch.setattr(checkouts, "prepare", prepared)
    monkeypatch.setattr(screen, "gate", measured)
    monkeypatch.setattr(screen, "confirm", measured)
    return given


def test_two_revisions_are_gated_as_the_command_line_says(gate, gated, root):
    words = (
        "--starts=6",
        "--screen=5",
        "--confirm=6",
        "--max-suspects=7",
        "--seconds=0.25",
        "--environment=bench-full",
    )
    code, _, outcome = gate("side", "v1.0", *words, "--", "-k", "a")
    left, right, (arguments, folder, rules, _) = gated
    assert left == ("base", f"side ({of(root, 'side')[:12]})", "bench-full")
    assert right == ("head", f"v1.0 ({of(root, 'v1.0')[:12]})", "bench-full")
    assert arguments == ["--benchmark-max-time=1.5", "-k", "a"]  # of six starts
    assert folder.parent == root / ".gate" / "runs"
    assert (rules.starts, rules.screen, rules.confirm, rules.max_suspects) == (6, 5, 6, 7)
    assert (code, outcome["exit"], outcome["base"], outcome["head"]) == (0, 0, left[1], right[1])


def test_the_merge_base_of_the_head_takes_the_bases_place(gate, gated, root):
    gate("--merge-base", "side")
    gate("--merge-base", "side", "main")
    checkouts.git("merge", "--quiet", "--strategy=ours", "--no-edit", "side", cwd=root)  # nothing to commit but that
    gate("--merge-base", "side", "v1.0")
    assert [call[1] for call in gated if call[0] == "base"] == [of(root, "v1.0")[:12]] * 3
    heads = [call[1].partition(" (")[0] for call in gated if call[0] == "head"]
    assert heads == ["the working tree", "main", "v1.0"]


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        ((), (False, False, False)),
        (("--allow-new",), (True, False, False)),
        (("--allow-missing",), (False, True, False)),
        (("--fail-on", "faster"), (False, False, True)),
    ],
)
def test_what_may_pass_is_said_on_the_command_line(gate, gated, options, policy):
    *_, outcome = gate("side", *options)
    assert tuple(outcome["policy"].values()) == policy


def test_a_version_that_cannot_be_prepared_is_not_comparable(gate):
    code, text, outcome = gate("side", "v1.0")  # without a tox.ini, thus without that environment
    assert (code, outcome["exit"]) == (3, 3)
    assert "refusal  base: `tox run -e bench --notest` failed in " in text


def test_two_gates_of_a_second_do_not_share_a_folder(gate, root):
    folders = {compare.runs_folder() for _ in range(3)}
    assert len(folders) == 3
    assert {folder.parent for folder in folders} == {root / ".gate" / "runs"}


def test_an_error_of_the_gate_itself_is_no_slowdown(gate, gated, monkeypatch):
    monkeypatch.setattr(screen, "rows", lambda *_: 1 / 0)
    code, text, _ = gate("side")
    assert code == 2
    assert "ZeroDivisionError" in text


def test_an_interrupt_before_anything_was_compared_is_told(gate, monkeypatch):
    monkeypatch.setattr(checkouts, "prepare", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    code, text, outcome = gate("side")
    assert (code, outcome["exit"], outcome["base"]) == (2, 2, "side")
    assert "problem  interrupted before anything was compared" in text


def test_the_whole_way_with_the_suites_options(gate, root, tmp_path):
    for name in ("base", "head"):
        folder = tmp_path / name
        shutil.copytree(root, folder)
        (folder / "tox.py").write_text(TOX)
        (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
        shutil.copy(ROOT / "conftest.py", folder)
    code, text, outcome = gate("base", "head", "--seconds=0.25", "--", "--benchmark-min-rounds=7", "-v")
    assert (code, outcome["rows"], outcome["problems"]) == (2, [], [])
    assert "gate: exit 2, incomplete: there are no benchmarks" in text
    assert "report   out/gate.xml" in text
    (runs,) = (root / ".gate" / "runs").iterdir()
    for log in ("screen-1-base.log", "screen-1-head.log"):
        header = (runs / log).read_text()
        assert "min_rounds=7" in header
        assert "max_time=1.25" in header


# Against saved runs


@pytest.fixture
def files(tmp_path):
    """Return a function that saves five runs and returns their files."""

    def save(name, slower=0.0, commit="c0ffee", **more):
        paths = [tmp_path / f"{name}-{number}.json" for number in range(5)]
        for number, file in enumerate(paths):
            saved = result(1e-3 * (1 + slower) * (1 + number / 1000))
            file.write_text(json.dumps(content(saved, commit_info={"id": commit, "dirty": False}, **more)))
        return paths

    return save


def test_saved_runs_without_a_base_to_run_decide_alone_and_say_so(gate, files):
    for slower, code in ((0.0, 0), (0.1, 1), (0.04, 2), (-0.1, 0)):
        ended, text, _ = gate("--baseline", *files("base"), "--head-runs", *files("head", slower))
        assert ended == code, text
        assert "note     nothing was confirmed in lockstep: the runs name no commit" in text


def test_runs_of_another_machine_are_refused(gate, files):
    there = files("head", machine_info={**MACHINE, "cores_usable": 64})
    code, text, _ = gate("--baseline", *files("base"), "--head-runs", *there)
    assert code == 3
    assert "refusal  usable cores: 2 and 64, in " in text


def test_a_file_that_is_no_run_makes_the_gate_incomplete(gate, files):
    code, text, _ = gate("--baseline", *files("base"), "--head-runs", "gone.json")
    assert code == 2
    assert "problem  gone.json: no run of this suite: FileNotFoundError" in text


@pytest.mark.parametrize("info", [None, {"id": "unknown", "dirty": None, "error": "dubious"}, {"id": "unversioned"}])
def test_runs_of_which_git_told_no_commit_are_refused_as_either_side(gate, files, info):
    nameless = files("nameless")
    for file in nameless:
        file.write_text(json.dumps(json.loads(file.read_text()) | {"commit_info": info}))
    for base, head in ((nameless, files("head")), (files("base"), nameless)):
        code, text, _ = gate("--baseline", *base, "--head-runs", *head)
        assert code == 2
        assert f"problem  {nameless[0]}: tells no commit, so nobody knows what was measured; measure again" in text


def test_lockstep_has_the_last_word_where_it_can_run_both_commits(gate, gated, files, root):
    base, head = files("base", commit=of(root, "v1.0")), files("head", 0.04, commit=of(root, "side"))
    code, _, outcome = gate("--baseline", *base, "--head-runs", *head)
    assert (code, outcome["rows"][0]["verdict"]) == (1, "slower")
    assert {call[:2] for call in gated[:2]} == {("base", of(root, "v1.0")[:12]), ("head", of(root, "side")[:12])}
    assert gated[2][3] == {NAME}


def test_what_is_no_suspect_is_not_measured_again(gate, gated, files, root):
    same = [files(name, commit=of(root, "v1.0")) for name in ("base", "head")]
    code, *_ = gate("--baseline", *same[0], "--head-runs", *same[1])
    assert (code, gated) == (0, [])


def test_a_base_that_cannot_be_prepared_leaves_its_suspects_undecided(gate, files, root):
    base, head = files("base", commit=of(root, "v1.0")), files("head", 0.04, commit=of(root, "side"))
    code, text, outcome = gate("--baseline", *base, "--head-runs", *head)
    assert (code, outcome["rows"][0]["verdict"]) == (3, "undecided")
    assert "--notest` failed in " in text
