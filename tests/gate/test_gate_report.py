"""What is told of a gate: every format says the same as the exit code, and nothing in a name can break it."""

import dataclasses
import itertools
import json
import math
import re
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from benchmarks.gate import report
from benchmarks.gate.verdicts import Effect, Exit, Outcome, Policy, Row, Verdict

EFFECT = Effect(0.0213, 0.019, 0.0236, 10)
SAME = Row("another", Verdict.SAME, Effect(-1e-6, -0.001, 0.001, 4))
ALLOWING = Policy(allow_new=True, allow_missing=True)
STRICT = Policy(fail_on_faster=True)
NASTY = """a`test|[a-"b"]<i>&'é \\| \x1b[31m \ud800 \u202e\nnext_*x*"""


def outcome_of(*rows, **more):
    return Outcome("main (0123abc)", "feature (4567def)", [SAME, *rows], **more)


def no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def parsed(outcome):
    return json.loads(report.json_text(outcome), parse_constant=no_constant)


def suite(outcome):
    (only,) = JUnitXml.fromstring(report.junit(outcome).encode())
    return only


def case(outcome, name="one"):
    (only,) = [case for case in suite(outcome) if case.name == name]
    return only


def result(outcome, name="one"):
    """The kind and message of a test case, the kind None if it passed."""
    tested = case(outcome, name)
    (kind, message) = (type(tested.result[0]), tested.result[0].message) if tested.result else (None, tested.system_out)
    return kind, message


def row_line(outcome, name="one"):
    (line,) = [line for line in report.lines(outcome) if f"  {name}" in line]
    return line


# each verdict, in each format


VERDICTS = [
    (Verdict.SLOWER, Policy(), 1, Failure, "2 of 3 benchmarks are slower"),
    (Verdict.FASTER, Policy(), 0, None, "nothing is slower: 1 same, 2 faster"),
    (Verdict.FASTER, STRICT, 1, Failure, "2 of 3 benchmarks are faster (--fail-on faster)"),
    (Verdict.SAME, Policy(), 0, None, "nothing is slower: 3 same"),
    (Verdict.UNDECIDED, Policy(), 2, Error, "incomplete: 2 of 3 benchmarks are undecided"),
    (Verdict.NEW, Policy(), 2, Error, "incomplete: 2 of 3 benchmarks are new (without --allow-new)"),
    (Verdict.NEW, ALLOWING, 0, Skipped, "nothing is slower: 1 same, 2 new"),
    (Verdict.MISSING, Policy(), 2, Error, "incomplete: 2 of 3 benchmarks are missing (without --allow-missing)"),
    (Verdict.MISSING, ALLOWING, 0, Skipped, "nothing is slower: 1 same, 2 missing"),
    (Verdict.RENAMED, Policy(), 0, None, "nothing is slower: 1 same, 2 renamed"),
    (Verdict.FAILED, Policy(), 2, Error, "incomplete: 2 of 3 benchmarks failed"),
    (Verdict.NOT_COMPARABLE, Policy(), 3, Error, "not comparable: 2 of 3 benchmarks are not comparable"),
    (Verdict.NOT_GATED, Policy(), 0, Skipped, "nothing is slower: 1 same, 2 not gated"),
]


def test_every_verdict_is_tried():
    assert {verdict for verdict, *_ in VERDICTS} == {*Verdict}


@pytest.mark.parametrize(("verdict", "policy", "exit_code", "kind", "meaning"), VERDICTS)
def test_verdict(verdict, policy, exit_code, kind, meaning):
    outcome = outcome_of(Row("one", verdict, EFFECT, "so it is"), Row("two", verdict), policy=policy)
    effect = "+2.13 % (+1.90 to +2.36 %, 10 starts)"
    assert re.split("  +", row_line(outcome)) == [verdict, "one", effect, *result(outcome)[1].split("; ", 1)[1:]]
    assert report.lines(outcome)[-1] == f"gate: exit {exit_code}, {meaning}"
    assert (parsed(outcome)["exit"], parsed(outcome)["meaning"]) == (exit_code, meaning)
    assert parsed(outcome)["rows"][1]["verdict"] == verdict
    assert result(outcome)[0] is kind
    assert result(outcome)[1].startswith(f"{verdict}: {effect}; so it is")
    assert f"Exit code {exit_code}, {meaning}. Head `feature (4567def)`, base" in report.markdown(outcome)
    assert report.markdown(outcome).count("| `one` ") == (1 if verdict in {Verdict.SAME, Verdict.NOT_GATED} else 2)


@pytest.mark.parametrize("verdict", Verdict)
def test_the_policy_says_what_a_verdict_makes_of_a_gate_that_passes(verdict):
    for flags in itertools.product([False, True], repeat=3):
        policy = Policy(*flags)
        assert policy.exit_of(verdict) is Outcome("", "", [SAME, Row("one", verdict)], policy).exit


@pytest.mark.parametrize(
    "texts", [{}, {"refusals": ["r"]}, {"problems": ["p"]}, {"refusals": ["r"], "problems": ["p"]}]
)
def test_every_format_agrees_with_the_exit_code(texts):
    pairs = itertools.combinations_with_replacement([None, *Verdict], 2)
    for verdicts, flags in itertools.product(pairs, itertools.product([False, True], repeat=3)):
        rows = [Row(f"row {number}", verdict) for number, verdict in enumerate(verdicts) if verdict]
        agrees_with_the_exit_code(Outcome("base", "head", rows, Policy(*flags), **texts))


def agrees_with_the_exit_code(outcome):
    cases = suite(outcome)
    bad = [case for case in cases if case.is_failure or case.is_error]
    assert bool(bad) == (outcome.exit is not Exit.PASSED)
    assert (cases.failures + cases.errors, cases.tests) == (len(bad), len([*cases]))
    assert any(case.is_failure for case in cases) == (outcome.exit is Exit.SLOWER)
    assert report.lines(outcome)[-1].startswith(f"gate: exit {int(outcome.exit)}, ")
    assert not report.lines(outcome)[-1].endswith((": ", ", "))
    assert parsed(outcome)["exit"] == outcome.exit
    assert f"\nExit code {int(outcome.exit)}, " in report.markdown(outcome)


# order, effects and remarks


def test_the_worst_comes_first():
    given = [
        Row("a", Verdict.NOT_GATED),
        Row("b", Verdict.MISSING),
        Row("c", Verdict.SLOWER, Effect(0.02, 0.01, 0.03, 10)),
        Row("d", Verdict.FASTER, Effect(-0.3, -0.4, -0.2, 10)),
        Row("e", Verdict.NOT_COMPARABLE),
        Row("f", Verdict.SLOWER, Effect(0.2, 0.1, 0.3, 10)),
        Row("g", Verdict.UNDECIDED),
        Row("h", Verdict.FASTER, Effect(-0.5, -0.6, -0.4, 10)),
        Row("i", Verdict.SAME),
    ]

    def order(policy):
        outcome = Outcome("", "", given, policy)
        names = "".join(case.name for case in suite(outcome))
        assert "".join(re.search("  ([a-i])\\b", line)[1] for line in report.lines(outcome)[: len(given)]) == names
        return names

    assert order(Policy()) == "fcebgadhi"
    assert order(STRICT) == "fchdebgai"
    assert order(ALLOWING) == "fcegabdhi"
    assert [row["name"] for row in parsed(Outcome("", "", given))["rows"]] == [*"abcdefghi"]


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        (Effect(-0.000001, -0.00004, 0.0, 1), "+0.00 % (+0.00 to +0.00 %, 1 start)"),
        (Effect(0.05, 0.04, 0.06, 10, "mean"), "+5.00 % of the mean (+4.00 to +6.00 %, 10 starts)"),
        (Effect(-0.5, -1, math.inf, 5, "p10"), "-50.00 % (-100.00 to +inf %, 5 runs a side)"),
        (Effect(math.nan, math.nan, math.nan, 3), "+nan % (+nan to +nan %, 3 starts)"),
    ],
)
def test_effects(effect, text):
    outcome = outcome_of(Row("one", Verdict.UNDECIDED, effect))
    assert row_line(outcome).endswith(f"  {text}")
    assert f" {text};" in f"{result(outcome)[1]};"
    assert f"| {text} " in report.markdown(outcome)


@pytest.mark.parametrize(
    ("row", "policy", "remark"),
    [
        (Row("one", Verdict.UNDECIDED, EFFECT, "noisy", 12), Policy(), "noisy; 12 more starts would decide"),
        (Row("one", Verdict.UNDECIDED, EFFECT, more_starts=1), Policy(), "1 more start would decide"),
        (Row("one", Verdict.UNDECIDED, None, "3 of 5 runs", 2), Policy(), "3 of 5 runs; 2 more would decide"),
        (
            Row("one", Verdict.UNDECIDED, Effect(0, -1, 1, 5, "p10"), more_starts=3),
            Policy(),
            "3 more runs a side would decide",
        ),
        (Row("one", Verdict.NEW), Policy(), "--allow-new lets it pass"),
        (Row("one", Verdict.NEW), ALLOWING, "let pass by --allow-new"),
        (Row("one", Verdict.MISSING), Policy(), "--allow-missing lets it pass"),
        (Row("one", Verdict.MISSING, why="gone"), ALLOWING, "gone; let pass by --allow-missing"),
        (Row("one", Verdict.FASTER), STRICT, "fails because of --fail-on faster: renew the baseline"),
        (Row("one", Verdict.SAME, EFFECT, doubts="1 of 4 results: hot"), Policy(), "(!) 1 of 4 results: hot"),
        (Row("one", Verdict.RENAMED, renamed_from="old"), Policy(), "renamed from old"),
        (Row("one", Verdict.SLOWER, renamed_from="old"), Policy(), "renamed from old"),
    ],
)
def test_remarks(row, policy, remark):
    outcome = outcome_of(row, policy=policy)
    assert row_line(outcome).endswith(f"  {remark}")
    assert result(outcome)[1].endswith(f" {remark}")
    assert f"| {remark.replace('from old', 'from `old`')} " in report.markdown(outcome)


def test_columns_are_aligned():
    outcome = outcome_of(
        Row("a much longer name", Verdict.NOT_COMPARABLE, why="x"), Row("b", Verdict.UNDECIDED, why="y")
    )
    rows = report.lines(outcome)[:3]
    assert len({row.index(name) for row, name in zip(rows, ["a much", "b", "another"], strict=True)}) == 1
    assert rows[0].index("  x") == rows[1].index("  y")


# what is no benchmark


def test_refusals_problems_and_notes():
    texts = {"refusals": ["clock: tsc, hpet"], "problems": ["head ended\n  early_1"], "notes": ["took 5 s"]}
    outcome = Outcome("main", "feature", [], **texts)
    assert report.lines(outcome) == [
        "refusal  clock: tsc, hpet",
        "problem  head ended",
        "         early_1",
        "base     main",
        "head     feature",
        "note     took 5 s",
        "gate: exit 3, not comparable: 1 refusal, 1 problem",
    ]
    assert result(outcome, "refusal 1") == (Error, "clock: tsc, hpet")
    assert result(outcome, "problem 1") == (Error, "head ended early_1")
    assert {name: parsed(outcome)[name] for name in texts} == texts
    bullets = [line for line in report.markdown(outcome).splitlines() if line.startswith("- ")]
    assert bullets == ["- refusal: clock: tsc, hpet", r"- problem: head ended early\_1", "- took 5 s"]


def test_a_slowdown_does_not_hide_the_rest():
    outcome = outcome_of(Row("one", Verdict.SLOWER), Row("two", Verdict.FAILED), refusals=["x"], problems=["y", "z"])
    assert report.lines(outcome)[-1] == "gate: exit 1, 1 of 3 benchmarks is slower, 1 failed, 1 refusal, 2 problems"
    assert report.markdown(outcome).startswith("## Regression gate: 1 of 3 benchmarks is slower\n")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "there are no benchmarks"),
        ([Row("one", Verdict.NOT_GATED)], "none of 1 benchmark was compared"),
        ([Row("one", Verdict.NEW), Row("two", Verdict.MISSING)], "none of 2 benchmarks was compared"),
    ],
)
def test_nothing_compared(rows, words):
    outcome = Outcome("main", "feature", rows, ALLOWING)
    assert report.lines(outcome)[len(rows) :] == [
        "base     main",
        "head     feature",
        f"gate: exit 2, incomplete: {words}",
    ]
    assert result(outcome, "problem 1") == (Error, words)
    assert f"incomplete: {words}." in report.markdown(outcome)
    assert ("<details>" in report.markdown(outcome)) == bool(rows)


# names and texts that could break a format


def test_no_text_breaks_a_format():
    bad = Row(NASTY, Verdict.SLOWER, why=NASTY, renamed_from=NASTY)
    outcome = Outcome(NASTY, NASTY, [bad], refusals=[NASTY], problems=[NASTY], notes=[NASTY], details={"x": NASTY})
    line, *others = report.lines(outcome)
    shown = NASTY.translate({0x1B: r"\x1b", 0xD800: r"\ud800", 0x202E: r"\u202e", ord("\n"): " "})
    assert line == f"slower  {shown}    {shown}; renamed from {shown}"
    assert all(line.isprintable() for line in others)
    assert case(outcome, shown).result[0].message == f"slower: {shown}; renamed from {shown}"
    assert parsed(outcome)["rows"][0]["name"] == parsed(outcome)["details"]["x"] == NASTY


def test_markdown_shows_every_text_letter_by_letter():
    row = Row("a|b[`c`]<i>", Verdict.SLOWER, why="x|y <b> *z* _w_ [l](u) & #1 $", renamed_from="d|<e>")
    (line, _) = [line for line in report.markdown(outcome_of(row)).splitlines() if line.startswith("| slower")]
    _, verdict, name, effect, why, _ = line.replace(r"\|", "PIPE").split("|")
    assert (verdict.strip(), name.strip(), effect.strip()) == ("slower", "`` aPIPEb[`c`]<i> ``", "")
    escaped = r"xPIPEy \<b\> \*z\* \_w\_ \[l\](u) \& \#1 \$"
    assert why.strip() == f"{escaped}; renamed from `dPIPE<e>`"


def test_markdown_folds_all_but_what_deserves_attention():
    quiet = [Row(f"quiet {number}", Verdict.SAME) for number in range(30)]
    seen, folded = report.markdown(outcome_of(*quiet, Row("loud", Verdict.FASTER))).split("<details>")
    assert "loud" in seen
    assert "quiet" not in seen
    assert all(row.name in folded for row in [*quiet, Row("loud", Verdict.FASTER)])
    assert "\n\n</details>\n\n- effect: how much slower the head is, with intervals of 99 % confidence\n" in folded


# JSON


def test_json_has_no_nan_and_every_key():
    bad = {"pairs": {"one": [(math.nan, math.inf), [-math.inf, 1.5]]}, "rules": EFFECT}
    row = Row("one", Verdict.UNDECIDED, Effect(math.nan, -math.inf, math.inf, 2), "why", 3, "old")
    outcome = Outcome("base", "head", (row,), ALLOWING, ["r"], ["p"], ["n"], bad)
    rules = {"value": 0.0213, "low": 0.019, "high": 0.0236, "starts": 10, "statistic": "quartile", "confidence": 0.99}
    assert parsed(outcome) == {
        "schema": 2,
        "exit": 3,
        "meaning": "not comparable: 1 of 1 benchmark is undecided, 1 refusal, 1 problem",
        "base": "base",
        "head": "head",
        "rows": [
            {
                "name": "one",
                "verdict": "undecided",
                "effect": rules | {"value": None, "low": None, "high": None, "starts": 2},
                "why": "why",
                "more_starts": 3,
                "renamed_from": "old",
                "doubts": "",
            }
        ],
        "policy": {"allow_new": True, "allow_missing": True, "fail_on_faster": False},
        "refusals": ["r"],
        "problems": ["p"],
        "notes": ["n"],
        "details": {"pairs": {"one": [[None, None], [None, 1.5]]}, "rules": rules},
    }


def test_every_key_of_the_json_is_documented():
    documented = report.json_text.__doc__
    fields = {field.name for kind in (Outcome, Row, Effect, Policy) for field in dataclasses.fields(kind)}
    assert [key for key in {"schema", "exit", "meaning", *fields} if f"``{key}``" not in documented] == []


def test_json_refuses_what_it_has_no_form_for():
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        report.json_text(outcome_of(details={"x": {1}}))
    with pytest.raises(ValueError, match="not JSON compliant"):
        report.json_text(outcome_of(details={math.nan: 1}))


# files


def test_files(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    outcome = outcome_of(Row(NASTY, Verdict.SLOWER, EFFECT))
    files = report.write(outcome, tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["gate.txt", "gate.json", "gate.xml", "gate.md"]
    assert {*(tmp_path / "new" / "folder").iterdir()} == {*files}
    text, data, xml, summary = (file.read_text(encoding="utf-8") for file in files)
    assert text.splitlines() == report.lines(outcome)
    assert (data, xml, summary) == (report.json_text(outcome), report.junit(outcome), report.markdown(outcome))


def write_half(path, text, encoding):
    path.write_bytes(text.encode(encoding)[: len(text) // 2])
    raise OSError("the disk is full")


def test_older_files_are_replaced_all_together_or_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    report.write(outcome_of(), tmp_path)
    before = {file: file.read_text() for file in tmp_path.iterdir()}
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        report.write(outcome_of(Row("one", Verdict.SLOWER), details={"x": {1}}), tmp_path)
    assert {file: file.read_text() for file in tmp_path.iterdir()} == before
    with monkeypatch.context() as disk, pytest.raises(OSError, match="full"):
        disk.setattr(Path, "write_text", write_half)
        report.write(outcome_of(Row("one", Verdict.SLOWER)), tmp_path)
    assert {file: file.read_text() for file in tmp_path.iterdir()} == before
    report.write(outcome_of(Row("one", Verdict.SLOWER)), tmp_path)
    assert all("slower" in file.read_text() for file in tmp_path.iterdir())


def test_the_summary_is_added_to_what_github_shows(tmp_path, monkeypatch):
    shown = tmp_path / "summary"
    shown.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shown))
    outcome = outcome_of(Row("é", Verdict.SLOWER))
    report.write(outcome, tmp_path / "gate")
    report.write(outcome, tmp_path / "gate")
    assert shown.read_text(encoding="utf-8") == "before\n" + 2 * report.markdown(outcome)
