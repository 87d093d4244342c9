"""Charts are drawn as well by several processes as by one, and in fewer bytes than Vega's, which say the same."""

import re

import pytest

from benchmarks.report.charts import drawers, drawing

TEXT = 'opacity="1" 0.123456 <b> & role="x"'


def spec(number, text="a"):
    return {
        "data": drawing.values([{"x": number / 3, "text": text}]),
        "mark": "text",
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "text": {"field": "text"}},
    }


def test_several_processes_draw_what_one_draws_each_chart_its_own(monkeypatch):
    monkeypatch.setattr(drawers, "REACHED", 2)
    monkeypatch.setattr(drawers, "QUOTA", None)
    specs = [spec(number) for number in range(4)]
    drawn = []
    for benchmarks in (drawers.MANY, drawers.MANY - 1):
        with drawers.drawers(benchmarks) as begin:
            drawn.append([future.result() for future in [begin(lambda one=one: one) for one in specs]])
    assert drawn[0] == drawn[1] == [drawing.drawn(one) for one in specs]
    assert len({*drawn[0]}) == 4


def test_what_cannot_be_drawn_says_so_and_the_others_are_drawn(monkeypatch):
    monkeypatch.setattr(drawers, "REACHED", 2)
    monkeypatch.setattr(drawers, "QUOTA", None)
    with drawers.drawers(drawers.MANY) as begin:
        wrong, odd, right = (begin(one) for one in (lambda: {"mark": 5}, lambda: 1 / 0, lambda: spec(1)))
        with pytest.raises(ValueError, match="Vega"):
            wrong.result()
        with pytest.raises(ZeroDivisionError):
            odd.result()
        assert right.result() == drawing.drawn(spec(1))


def test_tags_are_thinned_and_texts_are_not():
    drawn = drawing.svg(spec(1, TEXT), 1, "words")
    assert 'opacity="1" 0.123456 &lt;b&gt; &amp; role="x"' in drawn.replace("&quot;", '"')
    tags = "".join(re.findall(r"<[^<>]*>", drawn))
    assert not re.findall(r"\.\d{3}|pointer-events| opacity=\"1\"", tags)
    assert (drawn.count("font-family="), drawn.count("role=") - TEXT.count("role=")) == (1, 1)


def test_words_stand_as_they_are():
    assert r'aria-label="a \1 \x1b &quot;b&quot;"' in drawing.svg(spec(1), 1, r'a \1 \x1b "b"')
