"""The files that report, comparison and exports read: the same ones, refused in the same words."""

import os
from pathlib import Path

import pytest
from made_up_runs import benchmark, save

from benchmarks.compare import __main__ as compare
from benchmarks.export import __main__ as export
from benchmarks.report import __main__ as report
from benchmarks.results.reading import read, told

FLEET, ANSWERS = '{"fleet_schema": 1}', '{"schema": 1, "decisions": [], "checked": null}'


@pytest.fixture
def shut(tmp_path, monkeypatch):
    """Return a folder that nobody may look into, root neither, and a file that nobody may read."""
    folder, file = tmp_path / "shut", tmp_path / "shut.json"
    folder.mkdir()
    file.touch()
    scandir, read_bytes = os.scandir, Path.read_bytes

    def refused(name, asked):
        if Path(name) in {folder, file}:
            raise PermissionError(13, "Permission denied", str(name))
        return asked(name)

    monkeypatch.setattr(os, "scandir", lambda name: refused(name, scandir))
    monkeypatch.setattr(Path, "read_bytes", lambda name: refused(name, read_bytes))
    return [folder, file]


def test_what_may_not_be_read_is_refused_and_never_an_empty_folder(tmp_path, shut):
    save(tmp_path / "run.json", benchmark())
    found = read([tmp_path])
    assert [(one.file, one.why) for one in found.refused] == [
        (str(name), "cannot be read: Permission denied") for name in shut
    ]
    assert len(found.runs) == 1


def test_what_else_the_suite_saved_is_called_by_its_name(tmp_path):
    (tmp_path / "answers.json").write_text(ANSWERS)
    (tmp_path / "fleet.json").write_text(FLEET)
    answers, fleet = told(read([tmp_path]))
    assert answers.endswith(": decide's answers, whose check `tox run -e report` shows")
    assert fleet.endswith(": a fleet, which `tox run -e report` shows")


@pytest.mark.parametrize("content", ['{"benchmarks": [', "[]", '{"benchmarks": []}'])
def test_all_three_commands_refuse_a_file_in_the_same_words(tmp_path, capsys, content):
    file, out = tmp_path / "cut.json", str(tmp_path / "out")
    file.write_text(content)
    (line,) = told(read([file]))
    compare.run(compare.parser().parse_args([str(file)]), 80)
    report.run(report.parser().parse_args([str(file), "--out", out]))
    with pytest.raises(export.ExportError) as refused:
        export.run(export.parser().parse_args([str(file), "--format", "csv", "--out", out]))
    assert capsys.readouterr().err.splitlines().count(line) == 2
    assert line == f"refused  {refused.value}"
    assert "--benchmark-autosave" in line
