"""``--report``: a run's page is tried out first, written last, and costs nothing of what was measured."""

from types import SimpleNamespace

import pytest
from helpers import FAKE_PLATFORMS, Suite

from benchmarks.run import reporting

# The second benchmark is stopped by a Ctrl-C.
STOPPED = """
def outputs(self, feeds, factor=1, offset=0):
    if self.case.batch_size == 2:
        raise KeyboardInterrupt
    return references.reference(self.model, feeds)
FakeSession.outputs = outputs
"""
UNDRAWN = """
def write(file, runs, refused=()):
    raise ValueError("no ink")
from benchmarks import report
report.write = write
"""


def test_a_run_that_is_stopped_shows_what_it_had_measured_with_its_mark(pytester, outside_xdist):
    suite = Suite(pytester, FAKE_PLATFORMS + STOPPED)
    (suite.folder / "page.html").write_text("<!DOCTYPE html>of another run")
    result = suite.run("--report=page.html", "--batch-size=2")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    page = (suite.folder / "page.html").read_text()
    assert "test_latency[resnet8-fake-b1]" in page
    assert "test_latency[resnet8-fake-b2]" not in page
    assert "interrupted, failed or refused" in page
    assert "this run, not saved" in page
    assert "report   page.html" in result.outlines


def test_a_page_that_cannot_be_drawn_costs_neither_files_nor_tables(pytester, outside_xdist):
    suite = Suite(pytester, FAKE_PLATFORMS + UNDRAWN)
    result = suite.run("--report=page.html", "--benchmark-json=out.json")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert len(suite.benchmarks("out.json")) == 1
    result.stdout.fnmatch_lines(["results  out.json", "problem  page.html could not be written: ValueError no ink"])
    assert not (suite.folder / "page.html").exists()


class Config:
    """A pytest config that was given ``--report``, where pytest-benchmark measures nothing."""

    option = SimpleNamespace(collectonly=False)
    pluginmanager = SimpleNamespace(get_plugin=lambda _: SimpleNamespace(disabled=True))

    def __init__(self, page="page.html"):
        self.page, self.stash = page, pytest.Stash()
        reporting.pytest_configure(self)

    def getoption(self, name):
        return {"report": str(self.page), "benchmark_json": None}[name]


def test_a_page_that_could_not_be_written_is_refused_as_the_session_starts(tmp_path):
    config = Config(tmp_path / "nowhere" / "page.html")
    with pytest.raises(
        pytest.UsageError, match=r"--report: .*page\.html cannot be written: there is no folder .*; name"
    ):
        reporting.pytest_sessionstart(SimpleNamespace(config=config))


def test_where_nothing_is_measured_no_empty_page_is_written(tmp_path):
    config = Config(tmp_path / "page.html")
    reporting.pytest_sessionfinish(SimpleNamespace(config=config, exitstatus=pytest.ExitCode.OK))
    assert config.stash[reporting.LINES] == ["report   nothing was measured: no page is written"]
    assert not [*tmp_path.iterdir()]


def test_of_several_processes_the_one_that_they_report_to_writes_the_page():
    config = Config()
    assert reporting._is_wanted(config)
    config.workerinput = {}
    assert not reporting._is_wanted(config)


def test_an_environment_that_cannot_draw_refuses_with_the_remedy(monkeypatch):
    monkeypatch.setattr(reporting, "NEEDED", ("jinja2", "no_such_package"))
    assert reporting._fault(Config()) == "there is no no_such_package here; pip install --group report"


def test_what_is_saved_without_samples_does_not_take_the_place_of_what_has_them():
    with_, without = ({"benchmarks": [{"stats": stats}]} for stats in ({"data": [1.0]}, {}))
    assert reporting._has_more_samples(without, {})
    assert reporting._has_more_samples(with_, without)
    assert not reporting._has_more_samples(without, with_)
