"""A device is lent to one process after another of this user, and to nobody else."""

import os
import subprocess
import sys
import threading
from multiprocessing.connection import Client
from pathlib import Path

import pytest
from helpers import ROOT

from browser_harness.channel import PageError
from browser_harness.joined import control
from browser_harness.joined.channel import VARIABLE, LeftError
from browser_harness.joined.control import borrowed, lent


class Device:
    """A device that answers at once, or hangs."""

    def __init__(self):
        self.asked, self.released = [], threading.Event()
        self.hangs = threading.Event()

    def about(self):
        return {"engine": "made-up"}

    def call(self, function, argument, timeout):
        self.asked.append(function)
        if function == "hang":
            self.hangs.set()
            self.released.wait(30)
            raise PageError("who asked has ended")
        if function == "leave":
            raise LeftError("the device left")
        if function == "odd":
            return lambda: None
        return {"function": function, **argument}

    def release(self):
        self.released.set()

    def secret(self):
        raise AssertionError


@pytest.fixture(autouse=True)
def nothing_borrowed(monkeypatch):
    monkeypatch.setattr(control, "_BORROWED", {})


def lending():
    return [thread for thread in threading.enumerate() if thread.name == "lending"]


def in_a_process(variables, *lines, check=True):
    script = "\n".join(
        [
            "import os",
            "from browser_harness.joined.control import borrowed",
            f"device = borrowed(os.environ['{VARIABLE}'])",
            *lines,
        ]
    )
    command = [sys.executable, "-c", script]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE, text=True)


def test_it_is_asked_as_if_it_were_here_and_its_errors_are_told_here():
    device = Device()
    with lent(device) as variables:
        there = borrowed(variables[VARIABLE])
        assert there.about() == {"engine": "made-up"}
        assert there.call("time", {"rounds": 3}, 10) == {"function": "time", "rounds": 3}
        with pytest.raises(LeftError, match=r"^the device left$"):
            there.call("leave", {}, 10)
        assert borrowed(variables[VARIABLE]) is there
    assert lending() == []
    assert there.about() == {"engine": "made-up"}  # a run that was cut off saves what it measured
    with pytest.raises(PageError, match=r"^the process that lent the device has ended"):
        there.call("time", {"rounds": 3}, 10)


def test_an_answer_that_cannot_be_handed_on_is_told():
    with lent(Device()) as variables, pytest.raises(PageError, match=r"^call: .*pickle"):
        borrowed(variables[VARIABLE]).call("odd", {}, 10)


@pytest.mark.parametrize("key", ["", "x", "0" * 32, "x" * 10_000])
def test_without_the_key_nobody_is_heard(key):
    device = Device()
    with lent(device) as variables:
        _, _, address = variables[VARIABLE].partition("@")
        with pytest.raises(PageError, match=rf"^no device is lent by \${VARIABLE} \((EOF|ConnectionReset|BrokenPipe)"):
            borrowed(f"{key}@{address}")
        with Client(address) as stranger:
            stranger.send(("about", ()))  # which would be unpickled
            with pytest.raises((EOFError, OSError)):
                stranger.recv()
        assert borrowed(variables[VARIABLE]).about() == {"engine": "made-up"}  # who has it is heard all the same
    assert device.asked == []


def test_one_that_comes_and_says_nothing_does_not_keep_others_out(monkeypatch):
    monkeypatch.setattr(control, "GREETING", 0.1)
    with lent(Device()) as variables, Client(variables[VARIABLE].partition("@")[2]):
        monkeypatch.setattr(control, "GREETING", 10.0)
        assert borrowed(variables[VARIABLE]).about() == {"engine": "made-up"}


@pytest.mark.parametrize("name", ["secret", "release", "__init__", "asked", "dismiss", "__class__"])
def test_only_what_a_device_is_asked_for_can_be_asked(name):
    with lent(Device()) as variables:
        there = borrowed(variables[VARIABLE])
        with pytest.raises(PageError, match=f"a device is not asked for {name}"):
            there._asked(name, ())


def test_two_at_once_are_told(monkeypatch):
    with lent(Device()) as variables:
        first = borrowed(variables[VARIABLE])
        monkeypatch.setattr(control, "_BORROWED", {})
        monkeypatch.setattr(control, "GREETING", 0.1)
        with pytest.raises(PageError, match=r"is asked by another process; wait until that has ended$"):
            borrowed(variables[VARIABLE])
        assert first.about() == {"engine": "made-up"}


def test_words_that_name_no_device_are_told():
    for told in ("", "nonsense", "key@/nowhere/socket"):
        with pytest.raises(PageError, match=rf"^no device is lent by \${VARIABLE}"):
            borrowed(told)


def test_a_process_that_dies_in_the_midst_of_a_call_releases_the_device():
    device = Device()
    with lent(device) as variables:
        dying = in_a_process(variables, "device.call('hang', {}, 100)")
        assert device.hangs.wait(30)
        dying.kill()
        dying.communicate()
        assert device.released.wait(10)
        after = in_a_process(variables, "print(device.call('time', {}, 10)['function'])")
        assert after.communicate(timeout=30)[0] == "time\n"
    assert lending() == []


def test_what_is_lent_ends_also_while_somebody_asks():
    device = Device()
    with lent(device) as variables:
        asking = in_a_process(variables, "device.call('hang', {}, 100)")
        assert device.hangs.wait(30)
    device.released.set()
    asking.communicate(timeout=30)
    assert asking.returncode == 1
    for thread in lending():  # the call's, which is answered to nobody
        thread.join(10)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else")
def test_other_users_of_the_machine_do_not_get_in():
    with lent(Device()) as variables:
        _, _, address = variables[VARIABLE].partition("@")
        folder = Path(address).parent
        assert (folder.stat().st_mode & 0o777, folder.stat().st_uid) == (0o700, os.geteuid())
        for place, reached in ((folder.parent, True), (address, False)):
            done = subprocess.run(["ls", "-d", place], capture_output=True, check=False, user=65534, group=65534)
            assert (done.returncode == 0) == reached
