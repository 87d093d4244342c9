"""Names in any script, in a run from its first line to its last."""

import os

import pytest
from helpers import make_linear

from models import own
from models.names import shown


@pytest.mark.parametrize(
    "name",
    [
        "модель",
        "模型",
        "نمودار",
        "🚀👩‍👩‍👧",
        "e\u0301 é",
        "a model (1)",
        "a[b]::c",
        'it\'s "q"',
        "50%d%s",
        "a,b;c",
        "x" * 200,
    ],
)
def test_a_name_that_can_be_written_is_shown_as_it_is(name):
    assert shown(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        (os.fsdecode(b"b\xff"), r"b\xff"),
        ("\u202egnp", r"\u202egnp"),
        ("a\u2028b", r"a\u2028b"),
        ("模\x07", r"模\x07"),
    ],
    ids=["line", "colour", "bytes", "direction", "separator", "bell"],
)
def test_what_a_terminal_would_obey_is_escaped(name, words):
    assert shown(name) == words


def test_what_this_system_cannot_write_is_escaped(monkeypatch):
    monkeypatch.setattr("os.fsencode", lambda text: text.encode("latin-1"))
    assert shown("é 模") == r"é \u6a21"


@pytest.mark.parametrize(
    ("name", "words"),
    [("模型 [1]::é.onnx", None), (os.fsdecode(b"b\xff\x1b[31m.onnx"), r"b\xff\x1b[31m.onnx")],
    ids=["script", "broken"],
)
def test_a_run_shows_and_saves_the_name(suite, tmp_path, name, words):
    model, words = make_linear(tmp_path / name), words or name
    # The project's own line of pyproject.toml; the suite of a test has an ini file of its own.
    unescaped = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support=true"
    result = suite.run("-o", unescaped, "--benchmark-json=out.json", "-k", "é or red or xff", model=model)
    result.assert_outcomes(passed=1)
    assert f"test_latency[{words}-fake-b1]" in result.stdout.str()
    assert "\x1b[31m" not in result.stdout.str()
    (benchmark,) = suite.benchmarks()
    assert (benchmark["param"], benchmark["params"]["model"]) == (f"{words}-fake-b1", words)


def test_names_are_not_escaped_by_pytest(pytestconfig):
    assert pytestconfig.getini("disable_test_id_escaping_and_forfeit_all_rights_to_community_support")


def test_a_runtime_is_handed_a_name_that_can_be_shown(tmp_path):
    saving = {"save_as_external_data": True, "location": "веса.bin", "size_threshold": 0}
    made = make_linear(tmp_path / "a.onnx", **saving)
    broken = tmp_path / os.fsdecode(b"b\xff.onnx")
    os.rename(made, broken)
    artefact = own.check(own.load(broken))
    assert (artefact.name, artefact.path.name) == (r"b\xff.onnx", r"b\xff.onnx")
    assert [*artefact.row["data_sha256"]] == ["веса.bin"]
