"""What a host tells of a page's processes: this machine by the browser's word, an unknown one nothing."""

import os

import pytest

from browser_harness.channel import PageError
from browser_harness.host import LocalHost, UnknownHost


class Browser:
    """A browser whose processes are this one; a second look finds a GPU's."""

    def __init__(self, *looks):
        self.looks = [*looks]

    def processes(self):
        return self.looks.pop(0)


KINDS = {"browser": [1], "renderer": [2, 3], "network.mojom.NetworkService": [4], "audio.mojom.AudioService": [5]}


def test_only_renderers_and_services_that_may_compute_are_looked_at():
    host = LocalHost(Browser(KINDS, KINDS | {"GPU": [6], "on_device_model.mojom.OnDeviceModelService": [7]}))
    host.follow()
    assert (host.renderers, host.services) == ([2, 3], [])
    host.follow()
    assert (host.renderers, host.services, host.computing) == ([2, 3], [6, 7], [2, 3, 6, 7])


def test_this_machine_tells_processor_time_and_memory_of_the_page():
    host = LocalHost(Browser({"browser": [1], "renderer": [os.getpid()]}))
    host.follow()
    watched = host.watch_memory()
    held = bytearray(os.urandom(20_000_000))
    assert any(process == os.getpid() and seconds > 0 for (process, _), seconds in host.thread_seconds().items())
    before, peak = watched.before_and_peak(with_services=False)
    assert len(held) / 2 < peak - before
    assert host.slowdown == 1


class Group:
    """A control group that nothing gets into."""

    slowdown = 4

    def adopt(self, processes):
        pass

    def holds(self, process):
        return False


def test_a_process_outside_the_group_that_slows_it_down_is_told():
    host = LocalHost(Browser({"browser": [os.getpid()], "renderer": [os.getpid()]}), Group())
    assert host.slowdown == 4
    with pytest.raises(PageError, match=f"process {os.getpid()} is outside the control group"):
        host.follow()


def test_an_unknown_host_tells_nothing_and_lets_nothing_be_done():
    host = UnknownHost()
    for nothing in (host.follow, host.slow_down, host.run_freely, lambda: host.keep_on(0)):
        nothing()
    assert (host.thread_seconds(), host.slowdown) == ({}, 1)
    assert host.watch_memory().before_and_peak(with_services=True) == (None, None)
