"""Custom builds: what is called is bundled. Nothing is built here; the figure ``shipping`` builds and opens them."""

import json
import re
from pathlib import Path

import pytest

from browser_harness import custom, packages
from browser_harness.custom import tfjs
from models import MODELS, manifest

ENGINE = (packages.HARNESS_DIR / "engines" / "tfjs.mjs").read_text()


def dist(module):
    return Path(packages.NODE_MODULES, f"{module}.js")


def test_every_operation_of_the_engine_can_be_bundled():
    body = re.search(r"const OPERATIONS = \{(.*?)\n\};", ENGINE, re.DOTALL)[1]
    assert {*re.findall(r"^  (\w+):", body, re.MULTILINE)} == tfjs.OPERATIONS.keys()


def test_every_function_that_the_engine_calls_is_bundled():
    text = tfjs.entry(tfjs.OPERATIONS, threads=True)
    (exported,) = re.findall(r"^export \{ (.*) \} from", text, re.MULTILINE)
    exported = {*exported.split(", ")}
    called = {*re.findall(r"\btf\.(\w+)", ENGINE)} - {"wasm", "fused"}
    called |= {*re.findall(r"\bof\('(\w+)'\)", ENGINE)}
    assert called <= exported, called - exported
    assert {*re.findall(r"\btf\.wasm\.(\w+)", ENGINE)} <= {*tfjs.OF_THE_BACKEND}
    fused = {*re.findall(r"convolution\('(\w+)'\)", ENGINE), *re.findall(r"tf\.fused\.(\w+)", ENGINE)}
    assert f"export const fused = {{ {', '.join(sorted(fused))} }};" in text


@pytest.mark.parametrize("name", tfjs.OPERATIONS)
def test_what_is_imported_is_in_the_installed_packages(name):
    text = tfjs.entry([name], threads=True)
    for names, module in re.findall(r"^import \{ (.*) \} from '(.*)';", text, re.MULTILINE):
        content = dist(module).read_text()
        if not module.endswith("/base"):
            assert all(re.search(rf"\b{word}\b", content) for word in names.split(", ")), module


def test_no_more_is_bundled_than_a_graph_needs():
    text = tfjs.entry(["relu"], threads=True)
    assert "kernels/Relu'" in text
    assert "kernels/Add'" not in text
    assert "add" not in re.findall(r"^export \{ (.*) \} from", text, re.MULTILINE)[0].split(", ")
    assert "export const fused = {  };" in text


def test_a_mean_brings_the_transposition_that_it_calls_without_asking_the_registry():
    assert "kernels/Transpose'" in tfjs.entry(["mean"], threads=True)


@pytest.mark.parametrize("threads", [True, False])
def test_one_thread_is_said_before_the_backend_asks(threads):
    assert ("env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);" in tfjs.entry(["relu"], threads=threads)) != threads


@pytest.mark.parametrize("model", MODELS)
def test_every_graph_of_the_catalogue_can_be_built(model):
    graph = Path(manifest.MODELS_DIR, f"{model}.tfjs.json")
    if graph.exists():
        assert {operation["op"] for operation in json.loads(graph.read_text())["operations"]} <= tfjs.OPERATIONS.keys()


def test_the_bundler_is_pinned_without_a_registry():
    lock = json.loads((custom.HOME / "package-lock.json").read_text())
    wanted = json.loads((custom.HOME / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == wanted
    others = {path: told for path, told in lock["packages"].items() if path}
    assert all("resolved" not in told and told["integrity"].startswith("sha512-") for told in others.values())
    assert "omit-lockfile-registry-resolved=true" in (custom.HOME / ".npmrc").read_text()


def test_the_bundler_is_installed_once_in_a_folder_of_its_own(tmp_path, monkeypatch):
    homes = []
    monkeypatch.setattr(packages, "install", lambda *, optional, home: homes.append((optional, home)))
    monkeypatch.setattr(packages, "run_node", lambda script, **variables: homes.append(variables["NAME"]))
    monkeypatch.setattr(custom, "HOME", tmp_path)
    lock = json.dumps({"packages": {"node_modules/rollup": {"version": "1"}}})
    (tmp_path / "package-lock.json").write_text(lock)
    custom.bundle("", tmp_path / "out.js", "tf")
    assert homes == [(False, tmp_path), "tf"]
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / ".package-lock.json").write_text(lock)
    assert custom.bundle("", tmp_path / "out.js", "tf") == tmp_path / "out.js"
    assert homes == [(False, tmp_path), "tf", "tf"]
