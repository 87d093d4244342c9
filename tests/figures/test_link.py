"""The figure of the link is missed by what is off by more than 1 ms or 3 %, and is told by the exit code."""

import pytest

from benchmarks.figures import link
from browser_harness.network import Obtained, parse

ASKED = parse("rtt=20ms,down=10mbit,up=1mbit")


@pytest.mark.parametrize(
    ("obtained", "within"),
    [
        (Obtained(0.0209, 9.75e6, 1.02e6), True),
        (Obtained(0.0211, 10e6, 1e6), False),
        (Obtained(0.0189, 10e6, 1e6), False),
        (Obtained(0.02, 9.6e6, 1e6), False),
        (Obtained(0.02, 10e6, 1.04e6), False),
        (Obtained(0.02, None, 1e6), False),
    ],
)
def test_what_is_obtained_is_held_against_the_marks(obtained, within):
    assert link.is_within(ASKED, obtained) == within


def test_without_a_limit_there_is_no_rate_to_miss():
    assert link.is_within(parse("rtt=20ms"), Obtained(0.02, None, None))


@pytest.mark.parametrize(("within", "code"), [(True, 0), (False, "1 of 1 networks are not what was asked for")])
def test_the_exit_code_tells_what_was_missed(monkeypatch, capsys, within, code):
    monkeypatch.setattr(link, "row", lambda asked: (within, [asked.name, *["?"] * (len(link.HEAD) - 1)]))
    with pytest.raises(SystemExit) as end:
        link.main(["cable"])
    assert end.value.code == code
    assert "cable" in capsys.readouterr().out
