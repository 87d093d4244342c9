"""README and docs name what there is, their links lead somewhere, and CI calls what they name."""

import configparser
import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
from helpers import ROOT

from benchmarks.figures.fresh import readme_commands
from benchmarks.figures.tables import candidates_table, models_table
from benchmarks.platforms import PLATFORMS
from benchmarks.run.choices import PHASES
from models import MODELS, NETWORKS

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCS = {page.relative_to(ROOT).as_posix(): page.read_text() for page in PAGES}
MINUTE = 150  # lines that are read in one
SCREEN = 130  # letters of a table's line in the file: GitHub breaks its heads, and shows 830 pixels (seen with 130)
LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:href|src|srcset)=\"([^\"]+)\"")
PATH = re.compile(r"`((?:benchmarks|browser_harness|models|docs|tests)/[\w./]+)`")
PLACEHOLDERS = {"browser_harness/engines/NAME.mjs", "docs/throttling.md"}  # one's own, and Lighthouse's
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def tox():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini")
    return parser


def tox_environments():
    parser = tox()
    return {name.removeprefix("testenv:"): parser[name] for name in parser.sections() if name.startswith("testenv:")}


def resolved(groups, name):
    """Return a dependency group's requirements, those of the groups it includes among them."""
    return [
        requirement
        for entry in groups[name]
        for requirement in ([entry] if isinstance(entry, str) else resolved(groups, entry["include-group"]))
    ]


@pytest.mark.parametrize("name", dict.fromkeys([*PLATFORMS, *PHASES, *MODELS, *NETWORKS, *tox_environments()]))
def test_readme_or_docs_name_it(name):
    assert any(f"`{name}`" in text for text in DOCS.values())


def test_the_readme_is_read_in_a_minute():
    lines = README.splitlines()
    assert len(lines) <= MINUTE
    assert not [line for line in lines if line.startswith("|") and len(line) > SCREEN]


@pytest.mark.parametrize("page", DOCS)
def test_links_lead_somewhere(page):
    for link in map("".join, LINK.findall(CODE.sub("", DOCS[page]))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", [page for page in DOCS if page != "README.md"])
def test_the_readme_leads_to_every_page(page):
    assert f"]({page})" in README


def test_the_readme_counts_the_checked_cases_as_their_page_has_them():
    cells = [
        line.strip("| ").split(" | ")[-2:]
        for line in DOCS["docs/decision.md"].splitlines()
        if "mbit" in line or "fios" in line
    ]
    decided = [cell for cell in cells if cell[0] in ("client", "server")]
    assert all(predicted == measured for predicted, measured in decided)
    assert f"right in all {len(decided)} cases that it decided" in " ".join(README.split())


def anchors(text):
    """Return the anchors that GitHub gives a page's headings: lower case, and a number where one recurs."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    shown = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]  # of a link its words
    made = [re.sub(r"[^\w-]", "", words.lower().replace(" ", "-")) for words in shown]
    before = [made[:number].count(anchor) for number, anchor in enumerate(made)]
    return [f"{anchor}-{times}" if times else anchor for anchor, times in zip(made, before, strict=True)]


def test_an_anchor_is_githubs():
    text = "# The suite's own figures\n## × `a`, b\n## × `a`, b\n```\n# no heading\n```\n"
    assert anchors(text) == ["the-suites-own-figures", "-a-b", "-a-b-1"]


def test_every_tox_environment_says_what_it_is_for():
    assert all(section.get("description") for section in tox_environments().values())


@pytest.mark.parametrize("name", ["browser_harness", "benchmarks.remote", "benchmarks.figures.fresh"])
def test_a_command_without_options_begins_nothing_that_is_asked_for_help(name):
    command = [sys.executable, "-m", name, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(f"usage: {name.rpartition('.')[2]} [-h]\n")


def test_the_main_job_measures_the_steady_state_alone():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    left_out = re.fullmatch(r"not \((.+)\)", options[options.index("-m") + 1])[1].split(" or ")
    assert sorted(left_out) == sorted(PHASES.keys() - {"latency"})


def test_two_commands_do_all_the_set_up():
    bench, tests = readme_commands()
    assert bench.endswith("tox run -e bench")
    assert tests.endswith("tox run -e tests")


def test_ci_calls_the_readmes_test_command():
    assert readme_commands()[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_measuring_environment_leaves_torch_out():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert tox_environments()["bench"]["dependency_groups"] == "bench"
    assert not [requirement for requirement in resolved(groups, "bench") if requirement.startswith("torch")]


def test_no_environment_has_both_wheels_of_onnxruntime():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    for name in groups:
        names = {re.match(r"[\w.-]+", requirement)[0] for requirement in resolved(groups, name)}
        assert not {"onnxruntime", "onnxruntime-gpu"} <= names, name


def test_a_width_that_is_asked_for_reaches_every_command():
    assert "COLUMNS" in tox()["testenv"]["pass_env"].split()
    own = {name: section.get("pass_env", "*").split() for name, section in tox_environments().items()}
    assert [name for name, passed in own.items() if not {"{[testenv]pass_env}", "*"} & {*passed}] == []


# Of saved runs, without what measures: each is set up in seconds, so that all it imports has to be asked for.
READERS = ("report", "compare", "export", "study", "gate")
EVERYWHERE = {"setuptools", "wcwidth"}  # of a virtual environment here, and taken by tabulate where it is there
IMPORTED = (
    "import importlib, sys; importlib.import_module(sys.argv[1]); print(*{n.partition('.')[0] for n in sys.modules})"
)


def installed_with(requirements):
    """Return the distributions that come with some, which are installed here."""
    todo, found = [*requirements], set()
    while todo:
        name = re.match(r"[\w.-]+", todo.pop())[0].lower()
        if name not in found:
            found.add(name)
            todo += [one for one in metadata.requires(name) or () if "extra ==" not in one and ";" not in one]
    return found


@pytest.mark.parametrize("name", READERS)
def test_an_environment_has_all_that_its_command_imports(name):
    section = tox_environments()[name]
    module = re.search(r"python -m ([\w.]+)", section["commands"])[1]
    command = [sys.executable, "-c", IMPORTED, f"{module}.__main__"]
    modules = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    owners = metadata.packages_distributions()
    needed = {owner.lower() for module in modules for owner in owners.get(module, ())[:1]}
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert needed - installed_with(resolved(groups, section["dependency_groups"])) <= EVERYWHERE


@pytest.mark.parametrize("table", [candidates_table, models_table])
def test_the_tables_of_models_are_the_manifests(table):
    assert table() in DOCS["docs/models.md"]


@pytest.mark.parametrize("page", DOCS)
def test_paths_that_are_named_exist(page):
    for path in set(PATH.findall(DOCS[page])) - PLACEHOLDERS:
        assert (ROOT / path).exists(), path
