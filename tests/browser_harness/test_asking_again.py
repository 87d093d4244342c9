"""A process that was cut off in the midst of asking a device can ask it again: it saves what it measured then."""

import pytest
from devices_made_up import MadeUpDevice

from browser_harness.channel import PageError
from browser_harness.joined import control
from browser_harness.joined.channel import VARIABLE


def cut_off():
    raise KeyboardInterrupt


def test_after_a_ctrl_c_the_next_question_has_its_own_answer():
    device = MadeUpDevice()
    with control.lent(device) as variables:
        borrowed = control.borrowed(variables[VARIABLE])
        borrowed._connection.recv = cut_off
        with pytest.raises(KeyboardInterrupt):
            borrowed.wait(7)
        assert borrowed.story() == device.story()
        assert borrowed.wait(8)


def test_what_a_device_says_of_itself_is_known_when_who_lent_it_has_ended():
    with control.lent(MadeUpDevice()) as variables:
        borrowed = control.borrowed(variables[VARIABLE])
    assert borrowed.about()["engine"] == "firefox"
    for _ in range(2):
        with pytest.raises(PageError, match="the process that lent the device has ended"):
            borrowed.story()
