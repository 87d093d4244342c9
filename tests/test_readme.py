"""The README names what there is, and CI calls what it names."""

import configparser
import re
import tomllib

import pytest
from helpers import ROOT

from benchmarks.figures.fresh import readme_commands
from benchmarks.figures.tables import candidates_table, models_table
from benchmarks.platforms import PLATFORMS
from benchmarks.run.choices import PHASES
from models import MODELS, NETWORKS

README = (ROOT / "README.md").read_text()


def tox_environments():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini")
    return {name.removeprefix("testenv:"): parser[name] for name in parser.sections() if name.startswith("testenv:")}


def resolved(groups, name):
    """Return a dependency group's requirements, those of the groups it includes among them."""
    return [
        requirement
        for entry in groups[name]
        for requirement in ([entry] if isinstance(entry, str) else resolved(groups, entry["include-group"]))
    ]


@pytest.mark.parametrize("name", dict.fromkeys([*PLATFORMS, *PHASES, *MODELS, *NETWORKS, *tox_environments()]))
def test_the_readme_names_it(name):
    assert f"`{name}`" in README


def test_every_tox_environment_says_what_it_is_for():
    assert all(section.get("description") for section in tox_environments().values())


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


@pytest.mark.parametrize("table", [candidates_table, models_table])
def test_the_readmes_tables_are_the_manifests(table):
    assert table() in README


def test_paths_named_in_the_readme_exist():
    for path in re.findall(r"`((?:benchmarks|browser_harness|models|docs|tests)/[\w./]+)`", README):
        assert (ROOT / path).exists(), path
