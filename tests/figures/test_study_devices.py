"""Real devices in the study's page and in the README's answer: of their runs what these say, of none nothing."""

import json

import pytest
from made_up_runs import about, benchmark, content, doubtful, of_device, ratio

from benchmarks.figures.study.__main__ import README
from benchmarks.figures.study.answer import put_into, sentences
from benchmarks.figures.study.devices import TITLE, real_devices, sentence_of
from benchmarks.figures.study.evidence import Evidence
from benchmarks.figures.study.page import page

PHONE = {"hints": {"model": "Pixel 8", "platform": "Android"}, "cores": 8, "transport": "http", "userAgent": "none"}
CHROMIUM = {"engine": "chromium", "version": "153.0.8010.0", "userAgent": "none"}


@pytest.fixture
def of(tmp_path):
    """Return what runs for devices say, each by its claims and its ratios to the server."""

    def read(*told):
        for number, (claims, values, *more) in enumerate(told):
            said = about(**claims)
            rows = [
                benchmark(model, f"{said['engine']}-wasm", 0.001 * value, **ratio(value), **(more[0] if more else {}))
                for model, value in zip(("resnet20", "resnet8"), values, strict=False)
            ]
            file = tmp_path / "devices" / f"{number}.json"
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(content(*rows, **of_device(said))))
        return Evidence.of(tmp_path)

    return read


def body(evidence):
    """Return the cells of the section's rows."""
    lines = [line for part in real_devices(evidence) for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def test_without_runs_of_devices_nothing_is_said(of):
    evidence = of()
    assert (sentence_of(evidence), [*real_devices(evidence)]) == ("", [])
    assert TITLE not in page(evidence)
    assert not [*sentences(evidence)]


def test_the_readme_has_a_line_of_them(of):
    evidence = of(({}, (4.5, 3.3)), (CHROMIUM, (3.0, 2.9), doubtful()))
    (said,) = sentences(evidence)
    assert said == (
        "**Browsers that opened a link** on this machine take these multiples of the server's time for `resnet20` and "
        "`resnet8`: Firefox 153, 2 cores: 3.3 to 4.5; Chromium 153, 2 cores: 2.9 to 3.0 (!)."
    )
    readme = put_into(README.read_text(), evidence)
    assert "- **Browsers that opened a link**" in readme
    assert put_into(readme.replace("Firefox 153", "Firefox 154"), evidence) == readme


def test_many_are_told_together(of):
    evidence = of(*(({"cores": cores}, (2.0 + cores, 2.0)) for cores in range(1, 7)))
    assert ": 6 of them, 2.0 to 8.0." in sentence_of(evidence)


def test_browsers_of_other_devices_are_not_said_to_be_on_this_machine(of):
    said = sentence_of(of(({}, (4.5,)), ({**CHROMIUM, **PHONE}, (9.0,))))
    assert "on this machine" not in said
    assert "Firefox 153, 2 cores, loopback: 4.5; Chromium 153, Pixel 8, 8 cores, http: 9.0." in said


def test_each_row_is_in_the_page_with_its_ratio_to_chromium_where_that_is_on_the_same_device(of):
    evidence = of(({}, (4.5,)), (CHROMIUM, (3.0,)), ({**CHROMIUM, **PHONE}, (9.0,), doubtful()))
    firefox, chromium, phone = body(evidence)
    assert firefox[1:] == [
        "Firefox 153, 2 cores, loopback",
        "`wasm`",
        "4.50 ms (4.41 to 4.59)",
        "4.50 (4.41 to 4.59)",
        "1.50 (1.46 to 1.54) |",
    ]
    assert chromium[-1] == "– |"
    assert [phone[1], phone[-1]] == ["Chromium 153, Pixel 8, 8 cores, http", "– |"]
    assert phone[3].endswith("(!)")
    text = page(evidence)
    assert f"## {TITLE}" in text
    assert text.count("`devices/") == 3  # in the list of runs


def test_a_doubtful_chromium_marks_what_is_held_against_it(of):
    (firefox, _) = body(of(({}, (4.5,)), (CHROMIUM, (3.0,), doubtful())))
    assert firefox[-1] == "1.50 (1.46 to 1.54) (!) |"


def test_what_a_device_says_is_no_markdown(of):
    evidence = of(({**PHONE, "hints": {"model": "a|b <i>`c`\n# d", "platform": "Android"}}, (4.5,)))
    (cells,) = body(evidence)
    assert cells[1] == r"Firefox 153, a\|b \<i\>\`c\`\\n# d, 8 cores, http"
    assert r"\<i\>" in sentence_of(evidence)


def test_devices_change_no_claim_of_the_study(of):
    assert not of(({}, (4.5,))).rows
    assert not of(({}, (4.5,))).decisions
