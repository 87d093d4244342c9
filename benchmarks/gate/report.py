"""What is told of a gate's outcome: as text, as JSON, as JUnit, and as Markdown for a pull request."""

import io
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from tabulate import tabulate

from benchmarks.gate.verdicts import WORST_FIRST, Effect, Exit, Outcome, Policy, Row, Verdict
from benchmarks.results.tidy import DOUBT
from models.files import replacing

NAMES = ("gate.txt", "gate.json", "gate.xml", "gate.md")
SCHEMA = 2  # of the JSON: another number where a key goes or means something else
SUMMARY = "GITHUB_STEP_SUMMARY"  # names the file whose Markdown GitHub shows on the page of a run
IN_WORDS = {Exit.PASSED: "nothing is slower", Exit.NOT_COMPARABLE: "not comparable", Exit.INCOMPLETE: "incomplete"}
ALLOWING = {Verdict.NEW: "--allow-new", Verdict.MISSING: "--allow-missing"}
QUIET = {Verdict.SAME, Verdict.NOT_GATED}  # what nobody has to look at

Writer = Callable[[str], str]


def write(outcome: Outcome, folder: Path) -> list[Path]:
    """Write gate.txt, gate.json, gate.xml (JUnit) and gate.md into *folder* and return them; tell GitHub as well.

    Each file changes all at once or not at all. Where GITHUB_STEP_SUMMARY names a file, the Markdown is added to it.
    """
    summary = markdown(outcome)
    text = "".join(f"{line}\n" for line in lines(outcome))
    texts = dict(zip(NAMES, (text, json_text(outcome), junit(outcome), summary), strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        with replacing(folder / name) as partial:
            partial.write_text(content, encoding="utf-8")
    if path := os.environ.get(SUMMARY):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(summary)
    return [folder / name for name in texts]


def remove(folder: Path) -> None:
    """Remove an earlier gate's reports, which would pass for this one's where it ends without any."""
    for name in NAMES:
        for left in (name, f"{name}.part"):  # the second by one that was killed
            (folder / left).unlink(missing_ok=True)


def lines(outcome: Outcome) -> list[str]:
    """Return a line for each benchmark, the worst first, what else there is to know, and the exit code in the last."""
    policy = outcome.policy
    cells = [[row.verdict, _one_line(row.name), _effect(row.effect), _remark(row, policy)] for row in _ordered(outcome)]
    return [
        *(line.rstrip() for line in tabulate(cells, tablefmt="plain", disable_numparse=True).splitlines()),
        *_labelled("refusal", outcome.refusals),
        *_labelled("problem", outcome.problems),
        *_labelled("base", [outcome.base]),
        *_labelled("head", [outcome.head]),
        *_labelled("effect", _legend(outcome)),
        *_labelled("note", outcome.notes),
        f"gate: exit {int(outcome.exit)}, {meaning(outcome)}",
    ]


def meaning(outcome: Outcome) -> str:
    """Return in words what the exit code means: ``2 of 30 benchmarks are slower, 1 is undecided``."""
    reasons = ", ".join(_reasons(outcome))
    return reasons if outcome.exit is Exit.SLOWER else f"{IN_WORDS[outcome.exit]}: {reasons}"


def json_text(outcome: Outcome) -> str:
    """Return the whole outcome as JSON, what is not a finite number as null.

    Its keys:

    - ``schema``: 2; another number where a key goes or means something else, while keys may be added
    - ``exit``: the exit code, 0 to 3; ``meaning``: the same in words
    - ``base``, ``head``: what was compared, in words
    - ``rows``: a list, in the order of measuring, of

      - ``name``, ``verdict`` (a value of Verdict, ``"not comparable"``), ``why`` (may be empty)
      - ``effect``: null, or ``value``, ``low`` and ``high`` (0.02 is 2 % slower), ``starts`` (runs a side where the
        statistic is ``p10``), ``statistic`` (``quartile``, ``mean`` or ``p10``), ``confidence`` (0.99)
      - ``more_starts``: null, or how many would decide; ``renamed_from``: null, or the base's name
      - ``doubts``: what the results doubt of themselves (may be empty)

    - ``policy``: ``allow_new``, ``allow_missing``, ``fail_on_faster``
    - ``refusals``, ``problems``, ``notes``: lists of texts
    - ``details``: what the gate adds, such as its rules and raw log ratios

    Raises TypeError for details that JSON has no form for.
    """
    whole = {"schema": SCHEMA, "exit": outcome.exit, "meaning": meaning(outcome), **asdict(outcome)}
    return json.dumps(_finite(whole), indent=2, allow_nan=False) + "\n"


def junit(outcome: Outcome) -> str:
    """Return JUnit's XML, a test case for each benchmark, refusal and problem.

    A failure is what is slower (or faster, where that fails), an error what keeps the gate from telling, and skipped
    what was let pass without a verdict. There is a failure or an error exactly where the exit code is not 0.
    """
    suite = TestSuite("gate")
    for name, value in {"base": outcome.base, "head": outcome.head, "exit": str(int(outcome.exit))}.items():
        suite.add_property(name, _one_line(value))
    suite.add_testcases([_case(row, outcome.policy) for row in _ordered(outcome)])
    problems = [*outcome.problems, *_nothing_compared(outcome)]
    suite.add_testcases([_error_case("refusal", *numbered) for numbered in enumerate(outcome.refusals, 1)])
    suite.add_testcases([_error_case("problem", *numbered) for numbered in enumerate(problems, 1)])
    xml, buffer = JUnitXml("gate"), io.BytesIO()
    xml.add_testsuite(suite)
    xml.write(buffer, pretty=True)
    return buffer.getvalue().decode()


def markdown(outcome: Outcome) -> str:
    """Return a summary for a pull request: the verdict, what deserves attention, and all the rest folded away."""
    ordered = _ordered(outcome)
    loud = [row for row in ordered if row.verdict not in QUIET]
    headline = next(_reasons(outcome)) if outcome.exit is Exit.SLOWER else IN_WORDS[outcome.exit]
    blocks = [
        f"## Regression gate: {headline}",
        f"Exit code {int(outcome.exit)}, {meaning(outcome)}. Head {_code(outcome.head)}, base {_code(outcome.base)}.",
        _bullets([*_tagged("refusal", outcome.refusals), *_tagged("problem", outcome.problems)]),
        _table(loud, outcome.policy),
        *_folded(f"All benchmarks ({len(ordered)})", _table(ordered, outcome.policy)),
        _bullets([*_tagged("effect", _legend(outcome)), *outcome.notes]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _ordered(outcome: Outcome) -> list[Row]:
    """Return the worst first, what is slower by its size, and otherwise in the given order."""

    def rank(row: Row) -> tuple[int, bool, float]:
        exit_code = outcome.policy.exit_of(row.verdict)
        by_size = row.effect is not None and exit_code is Exit.SLOWER
        size = abs(row.effect.value) if row.effect and by_size else 0.0
        return WORST_FIRST.index(exit_code), by_size and row.verdict is Verdict.FASTER, -size

    return sorted(outcome.rows, key=rank)


def _is_against(row: Row, policy: Policy) -> bool:
    """Whether the gate does not pass because of that row."""
    return policy.exit_of(row.verdict) is not Exit.PASSED


def _reasons(outcome: Outcome) -> Iterator[str]:
    """Give in words each reason for which the gate did not pass; of one that did, how many got each verdict."""
    if outcome.exit is Exit.PASSED:
        yield from (f"{count} {verdict}" for verdict, count in Counter(row.verdict for row in outcome.rows).items())
        return
    counts = Counter(row.verdict for row in _ordered(outcome) if _is_against(row, outcome.policy))
    of_all = f" of {_count(len(outcome.rows), 'benchmark')}"
    for verdict, count in counts.items():
        yield f"{count}{of_all} {_said_of(verdict, count)}"
        of_all = ""
    for word, texts in (("refusal", outcome.refusals), ("problem", outcome.problems)):
        if texts:
            yield _count(len(texts), word)
    yield from _nothing_compared(outcome)


def _said_of(verdict: Verdict, count: int) -> str:
    if verdict is Verdict.FAILED:
        return str(verdict)
    option = " (--fail-on faster)" if verdict is Verdict.FASTER else ""
    if verdict in ALLOWING:
        option = f" (without {ALLOWING[verdict]})"
    return f"{'is' if count == 1 else 'are'} {verdict}{option}"


def _nothing_compared(outcome: Outcome) -> list[str]:
    """Return the one reason that no row, refusal or problem tells, where it is the only one."""
    is_told = outcome.problems or any(_is_against(row, outcome.policy) for row in outcome.rows)
    if outcome.exit is not Exit.INCOMPLETE or is_told:
        return []
    if not outcome.rows:
        return ["there are no benchmarks"]
    return [f"none of {_count(len(outcome.rows), 'benchmark')} was compared"]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _legend(outcome: Outcome) -> list[str]:
    """Return what the effects are, where there are any."""
    levels = sorted({row.effect.confidence for row in outcome.rows if row.effect})
    intervals = " and ".join(f"{100 * level:g} %" for level in levels)
    return [f"how much slower the head is, with intervals of {intervals} confidence"] if levels else []


def _effect(effect: Effect | None) -> str:
    """Return an effect with its interval: ``+2.13 % (+1.90 to +2.36 %, 10 starts)``."""
    if effect is None:
        return ""
    # Adding zero takes the sign of what is rounded to -0.
    value, low, high = (f"{round(100 * ratio, 2) + 0.0:+.2f}" for ratio in (effect.value, effect.low, effect.high))
    of_what = " of the mean" if effect.statistic == "mean" else ""
    return f"{value} %{of_what} ({low} to {high} %, {_measured(effect.starts, effect)})"


def _measured(number: int, effect: Effect, more: str = "") -> str:
    return f"{_count(number, f'{more}run')} a side" if effect.statistic == "p10" else _count(number, f"{more}start")


def _remarks(row: Row, policy: Policy) -> Iterator[str]:
    """Give what is to be said beside the effect."""
    if row.why:
        yield _one_line(row.why)
    if row.more_starts is not None:
        # Without an effect ``why`` alone tells of what: of starts, or of stored runs.
        more = _measured(row.more_starts, row.effect, "more ") if row.effect else f"{row.more_starts} more"
        yield f"{more} would decide"
    if row.verdict is Verdict.FASTER and policy.fail_on_faster:
        yield "fails because of --fail-on faster: renew the baseline"
    if option := ALLOWING.get(row.verdict):
        yield f"{option} lets it pass" if _is_against(row, policy) else f"let pass by {option}"
    if row.doubts:
        yield f"{DOUBT} {_one_line(row.doubts)}"


def _remark(row: Row, policy: Policy, prose: Writer = str, code: Writer = str) -> str:
    """Return all of them in one line, as *prose* and *code* write texts and names."""
    renamed = [f"renamed from {code(_one_line(row.renamed_from))}"] if row.renamed_from else []
    return "; ".join([*map(prose, _remarks(row, policy)), *renamed])


def _labelled(label: str, texts: Iterable[str]) -> Iterator[str]:
    """Give the texts with the label in front, the further lines of each below its first."""
    for text in texts:
        for number, line in enumerate(text.splitlines()):
            yield f"{'' if number else label:<8} {_one_line(line)}".rstrip()


def _one_line(text: str) -> str:
    """Return a text without what breaks lines, moves a terminal's cursor or is forbidden in XML, escaped as in repr."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)


def _finite(value: Any) -> Any:
    """Return the same with None for every NaN and infinity, for which JSON has no words."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _case(row: Row, policy: Policy) -> TestCase:
    case = TestCase(_one_line(row.name), "gate")
    words = "; ".join(part for part in (_effect(row.effect), _remark(row, policy)) if part)
    message = f"{row.verdict}: {words}" if words else str(row.verdict)
    if kind := _kind(row, policy):
        case.result = kind(message, row.verdict)
    else:
        case.system_out = message
    return case


def _kind(row: Row, policy: Policy) -> type[Failure | Error | Skipped] | None:
    """Return what that row is to JUnit, None if it passed."""
    exit_code = policy.exit_of(row.verdict)
    if exit_code is Exit.SLOWER:
        return Failure
    if exit_code is not Exit.PASSED:
        return Error
    return Skipped if row.verdict in {Verdict.NOT_GATED, *ALLOWING} else None


def _error_case(kind: str, number: int, text: str) -> TestCase:
    case = TestCase(f"{kind} {number}", "gate")
    case.result = Error(_one_line(text), kind)
    return case


def _table(rows: Sequence[Row], policy: Policy) -> str:
    """Return the rows as a Markdown table, nothing of no rows."""
    cells = [[row.verdict, _code(row.name), _effect(row.effect), _remark(row, policy, _prose, _code)] for row in rows]
    piped = [[cell.replace("|", r"\|") for cell in line] for line in cells]
    headers = ["verdict", "benchmark", "effect", "why"]
    return tabulate(piped, headers, tablefmt="github", disable_numparse=True) if rows else ""


def _tagged(tag: str, texts: Iterable[str]) -> list[str]:
    return [f"{tag}: {text}" for text in texts]


def _bullets(texts: Iterable[str]) -> str:
    return "\n".join(f"- {_prose(text)}" for text in texts)


def _folded(title: str, body: str) -> list[str]:
    """Return the blocks of what shows its title alone until it is clicked, none of an empty body."""
    return [f"<details><summary>{title}</summary>", body, "</details>"] if body else []


def _code(text: str) -> str:
    """Return a text as Markdown shows it letter by letter: between more backticks than it has in a row."""
    shown = _one_line(text)
    if "`" not in shown:
        return f"`{shown}`"
    fence = "`" * (1 + max(len(run) for run in re.findall("`+", shown)))
    return f"{fence} {shown} {fence}"


def _prose(text: str) -> str:
    """Return a text of which nothing is markup to Markdown or HTML."""
    return re.sub(r"[\\`*_\[\]<>&#~$]", r"\\\g<0>", _one_line(text))
