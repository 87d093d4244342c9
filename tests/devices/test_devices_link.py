"""The link in a terminal: a code that a camera reads where it would be seen as it is, the address everywhere."""

import io
import os
import shutil

import pytest
import segno

from browser_harness.joined import link

URL = "http://192.168.0.7:54321/#AAAAAAAAAAAAAAAAAAAAAA"


class Screen(io.StringIO):
    def __init__(self, encoding="utf-8", is_screen=True):
        super().__init__()
        self.called, self.is_screen = encoding, is_screen

    encoding = property(lambda self: self.called)

    def isatty(self):
        return self.is_screen


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setattr(shutil, "get_terminal_size", lambda **_: os.terminal_size((80, 24)))


def test_the_code_is_the_links_with_its_quiet_zone():
    rows = [*link.qr(URL)]
    # Each letter is two modules, one above the other, the light ones drawn.
    upper = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}
    drawn = [[upper[letter][half] for letter in row] for row in rows for half in (0, 1)]
    code = segno.make(URL, error="l", micro=False)
    expected = [[int(module) for module in row] for row in code.matrix_iter(border=link.BORDER)]
    assert drawn[: len(expected)] == expected


def test_on_a_screen_it_has_colours_of_its_own_light_on_dark():
    address, blank, *rows = link.lines(URL, Screen(), {})
    assert (address, blank) == (f"  {URL}", "")
    assert all(row.startswith(f"  {link.COLOURS}") and row.endswith(link.PLAIN) for row in rows)
    assert len(rows) <= 20
    assert all(len(row.removeprefix("  ").removeprefix(link.COLOURS).removesuffix(link.PLAIN)) <= 40 for row in rows)


@pytest.mark.parametrize(
    ("screen", "environment", "columns"),
    [
        (Screen(is_screen=False), {}, 80),
        (Screen(), {"NO_COLOR": "1"}, 80),
        (Screen(), {"TERM": "dumb"}, 80),
        (Screen("ascii"), {}, 80),
        (Screen("iso8859-1"), {}, 80),
        (Screen(), {}, 30),
    ],
    ids=["a file", "no colours", "a dumb terminal", "ASCII", "Latin 1", "narrow"],
)
def test_where_it_would_not_be_read_the_address_stands_alone(screen, environment, columns, monkeypatch):
    monkeypatch.setattr(shutil, "get_terminal_size", lambda **_: os.terminal_size((columns, 24)))
    assert [*link.lines(URL, screen, environment)] == [f"  {URL}"]
