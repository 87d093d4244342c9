"""The command takes machines as ssh and scp name them, and hands pytest what it understands."""

import argparse
import sys

import pytest

from benchmarks.machines import __main__ as command
from benchmarks.run.each import checking
from benchmarks.run.each.specs import SpecError, machine_of


def options(**given):
    return argparse.Namespace(folder="suite", python=None, ssh_config=None, **given)


@pytest.mark.parametrize(
    ("text", "name", "ssh", "folder"),
    [
        ("alpha", "alpha", "alpha", "suite"),
        ("me@alpha", "alpha", "me@alpha", "suite"),
        ("alpha:other/suite", "alpha", "alpha", "other/suite"),
        ("me@alpha.example.org:/srv//suite/", "alpha.example.org", "me@alpha.example.org", "/srv/suite"),
        ("[2001:db8::1]:~/suite", "2001:db8::1", "2001:db8::1", "~/suite"),
    ],
)
def test_a_machine_is_named_as_scp_does(text, name, ssh, folder):
    machine = machine_of(command.spec_of(text, options()))
    assert (machine.name, machine.ssh, machine.folder) == (name, ssh, folder)
    assert machine.python == f"{folder}/.tox/machines/bin/python"


@pytest.mark.parametrize("text", ["-oProxyCommand=x", "me@-x", "a b", "", "alpha:", "@alpha", "a//b"])
def test_what_is_no_host_is_refused(text):
    with pytest.raises(SpecError, match="a machine is named as HOST"):
        command.spec_of(text, options())


def test_options_are_of_all_machines():
    given = argparse.Namespace(folder="suite", python="~/my python", ssh_config="file")
    machine = machine_of(command.spec_of("alpha", given))
    assert (machine.python, machine.ssh_config) == ("~/'my python'", "file")


def called(monkeypatch, *words):
    """Return what becomes of a command line: pytest's words, or an exit code."""
    monkeypatch.setattr(sys, "argv", ["machines", *words])
    monkeypatch.setattr(command.os, "execv", lambda _program, words: sys.exit(words[1:]))
    with pytest.raises(SystemExit) as ended:
        command.main()
    return ended.value.code


def test_pytest_is_given_each_machine_and_the_suites_own_options(monkeypatch):
    words = called(monkeypatch, "alpha", "--here", "--folder", "suite", "--", "--model", "resnet20")
    assert words[:6] == ["-m", "pytest", "benchmarks/", "--benchmark-only", "--dist", "each"]
    assert words[6:] == [
        *("--tx", "ssh=alpha//python=suite/.tox/machines/bin/python//chdir=suite"),
        *("--tx", "popen", "--model", "resnet20"),
    ]


def test_what_names_no_machine_is_told_in_a_line(monkeypatch, capsys):
    assert called(monkeypatch, "a b") == command.BAD_USAGE
    assert capsys.readouterr().err == "machines: a b: a machine is named as HOST, USER@HOST or HOST:FOLDER\n"


def test_without_a_machine_this_one_says_whether_it_can_be_measured(monkeypatch, capsys):
    assert called(monkeypatch) == 0
    ready, how = capsys.readouterr().out.splitlines()
    assert ready.startswith("machine  here: ready: ")
    assert how == "machine  name it where you measure from: tox run -e machines -- HOST"
    monkeypatch.setattr(checking, "needed", lambda: ["no-such-package"])
    assert called(monkeypatch) == 1
    assert "cannot measure: its Python lacks no-such-package; in " in capsys.readouterr().out


def test_a_check_measures_nothing_and_fails_where_one_cannot(monkeypatch, capsys, tmp_path):
    assert called(monkeypatch, "--here", "--check") == 0
    config = tmp_path / "ssh_config"
    config.write_text("Host gone\nHostName 127.0.0.1\nPort 1\n")
    assert called(monkeypatch, "--here", "gone", "--ssh-config", str(config), "--check") == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("machine  gone: "))
    assert line.endswith(f"port 1: Connection refused; `ssh -F {config} gone` must work, without a password")
