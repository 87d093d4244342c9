"""What watching costs: three pages that differ by who watches, on numbers made up and once for real."""

import urllib.error
import urllib.request
from collections import Counter

import pytest

from benchmarks.figures import watched
from browser_harness import devtools


def test_costs_are_told_beside_the_unwatched_page():
    found = {
        watched.UNWATCHED: [[1.0, 2.0, 3.0]] * 4,
        watched.WATCHED: [[2.0, 4.0, 6.0]] * 4,
        watched.PLAYWRIGHT: [[3.0, 5.0, 9.0]] * 4,
    }
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in watched.table(found).splitlines()]
    assert cells[0] == watched.HEAD
    assert cells[2] == [watched.UNWATCHED, "2.00 ms", "1.00 ms"]
    assert cells[3][:5] == [watched.WATCHED, "4.00 ms", "2.00 ms", "+2.00 ms", "+1.00 ms"]
    assert cells[3][5].startswith("2.00 (")
    assert cells[4][:5] == [watched.PLAYWRIGHT, "5.00 ms", "3.00 ms", "+3.00 ms", "+2.00 ms"]


def test_the_pages_differ_by_who_watches(monkeypatch):
    asked, send = Counter(), devtools.DevTools.send

    def sending(self, method, *rest, **parameters):
        asked[self, method] += 1
        return send(self, method, *rest, **parameters)

    monkeypatch.setattr(devtools.DevTools, "send", sending)
    monkeypatch.setattr(watched, "WARM_UP", 1)
    found = watched.draw(3, 2)
    assert [*found] == [watched.UNWATCHED, watched.WATCHED, watched.PLAYWRIGHT]
    assert all([len(block) for block in blocks] == [2, 2, 2] for blocks in found.values())
    assert all(sample > 0 for blocks in found.values() for block in blocks for sample in block)
    enabled = {method: count for (_, method), count in asked.items() if method.startswith("Network.")}
    assert enabled == {"Network.enable": 1}
    assert len({client for client, _ in asked}) == 2


def test_blocks_without_an_interval_are_refused(ended):
    code, told = ended(watched, "--blocks", "2")
    assert code == 2
    assert "--blocks 2: fewer than 3 have no interval" in told


def test_a_machine_without_a_browser_is_told(ended, monkeypatch):
    def find(named):
        raise watched.chromium.BrowserMissingError("no Chromium that starts")

    monkeypatch.setattr(watched.chromium, "find", find)
    assert ended(watched) == (1, "no Chromium that starts\n")


@pytest.mark.parametrize("size", [0, watched.SENT - 4])
def test_what_is_sent_is_what_is_told(size):
    """A page that sent less would be faster."""
    with watched.serving() as origin:
        request = urllib.request.Request(f"{origin}/infer", data=bytes(size), method="POST")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(request, timeout=5)
