"""What the tests share: a small model, a suite of its own over fake platforms, and a look at running processes."""

import json
import os
from pathlib import Path

import forked
import numpy as np
import psutil

ROOT = Path(__file__).parents[1]


def make_model(path: Path, operator: str = "Relu") -> Path:
    """Write a convolution, an elementwise *operator*, pooling and a linear layer as ONNX."""
    # Imported here because `pytest-benchmark compare` loads this folder's conftest, in an environment without onnx.
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(7)

    def weight(name, *shape):
        return numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32) / 5, name)

    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node(operator, ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "matrix", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 100])],
        [weight("kernel", 4, 3, 3, 3), weight("matrix", 4, 100), weight("bias", 100)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def make_graph(path, nodes, inputs, outputs, weights=(), **saving):
    """Write *nodes* as ONNX; inputs and outputs are (name, type's name, shape)."""
    import onnx
    from onnx import TensorProto, helper

    def values(described):
        return [
            helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape) for name, kind, shape in described
        ]

    graph = helper.make_graph(nodes, "g", values(inputs), values(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path, **saving)
    return path


def make_many(path):
    """Write a graph of five inputs and four outputs of six types, with free dimensions, named and not."""
    from onnx import TensorProto
    from onnx.helper import make_node

    nodes = [
        make_node("Cast", ["ids"], ["floating"], to=TensorProto.FLOAT),
        make_node("Add", ["floating", "values"], ["sum"]),
        make_node("Where", ["mask", "sum", "values"], ["scores"]),
        make_node("Identity", ["pixels"], ["same"]),
        make_node("ArgMax", ["scores"], ["best"], axis=1),
        make_node("Identity", ["half"], ["halved"]),
    ]
    sequence = ["batch", "sequence"]
    inputs = [
        ("ids", "INT64", sequence),
        ("values", "FLOAT", sequence),
        ("mask", "BOOL", sequence),
        ("pixels", "UINT8", [3, None]),
        ("half", "FLOAT16", [2]),
    ]
    outputs = [
        ("scores", "FLOAT", sequence),
        ("same", "UINT8", [3, None]),
        ("best", "INT64", ["batch", 1]),
        ("halved", "FLOAT16", [2]),
    ]
    return make_graph(path, nodes, inputs, outputs)


def make_linear(path, **saving):
    """Write a matrix product of 64 numbers, batch without a name."""
    from onnx import helper, numpy_helper

    weights = numpy_helper.from_array(np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32), "weights")
    product = helper.make_node("MatMul", ["x", "weights"], ["y"])
    return make_graph(path, [product], [("x", "FLOAT", [None, 64])], [("y", "FLOAT", [None, 8])], [weights], **saving)


FAKE_PLATFORMS = """
import json, os, time
from contextlib import contextmanager
from dataclasses import dataclass
from benchmarks import platforms
from benchmarks.measuring import reference as references
from benchmarks.protocol import Block, CpuTime, Facts, Memory, Opening, PlatformError, Slowdown, UnavailableError
from models.cifar100 import normalised_batches

class FakeSession:
    def __init__(self, platform, case):
        self.platform, self.case, self.model, self.threads = platform, case, case.model_file, case.threads
        self.start = 0
    @property
    def facts(self):
        self.platform.check(self.case)
        return Facts(
            self.platform.name,
            "FakeProvider",
            self.threads,
            "fake.clock",
            float(os.environ.get("FAKE_CLOCK_STEP", "1e-7")),
            surrounding="page" if self.platform.side == "client" else "process",
            slowdown=Slowdown(self.case.slowdown) if self.case.slowdown > 1 else None,
            is_software=self.platform.name == "software",
        )
    def note(self, **call):
        with open("calls.jsonl", "a") as lines:
            print(json.dumps(call | {"platform": self.platform.name}), file=lines)
    def run(self, feeds):
        self.note(call="run")
        return self.outputs(feeds, 1, self.platform.name == "wrong")
    def outputs(self, feeds, factor=1, offset=0):
        found = references.reference(self.model, feeds)
        if self.platform.name == "contrary":
            factor = -1
        return {name: value * value.dtype.type(factor) + value.dtype.type(offset) for name, value in found.items()}
    def classify(self, images, batch_size):
        for batch in normalised_batches(images.pixels, batch_size, images.mean, images.std):
            yield self.time({"input": batch}, 1)
    def obtained_slowdown(self, feeds):
        return float(self.case.slowdown)
    def on_device(self):
        return FakeSession(self.platform, self.case)
    def renew(self):
        self.start += 1
        self.note(call="renew")
    def keep_on(self, core):
        self.note(call="keep_on", core=core)
    def seconds(self):
        slow = 3 if self.platform.name == "slow" else 1
        if str(self.start) == os.environ.get("FAKE_ODD_START"):
            slow *= 3
        return slow * float(os.environ.get("FAKE_SECONDS", "5e-5")) / self.threads
    def time(self, feeds, rounds, iterations=1):
        self.note(call="time", rounds=rounds, iterations=iterations)
        samples = []
        for _ in range(rounds):
            start = time.perf_counter()
            while time.perf_counter() - start < self.seconds() * iterations:
                pass
            samples.append((time.perf_counter() - start) / iterations)
        with open("samples.jsonl", "a") as lines:
            print(json.dumps(samples), file=lines)
        share = os.environ.get("FAKE_SHARE")
        cpu = CpuTime(*[sum(samples) * iterations * float(share)] * 2) if share else None
        outputs = self.outputs(feeds, 2 if self.platform.name == "drifting" else 1)
        return Block(samples, outputs, cpu, iterations=iterations)

class FakePlatform:
    has_device, threading, takes = False, "settable", "arrays"
    def __init__(self, name):
        self.name, self.side = name, "client" if name == "slow" else "server"
        self.caches = ("cold", "warm") if name == "slow" else ("process",)
    def unavailable(self, settings):
        return "absent: no such thing; buy one" if self.name == "absent" else None
    def versions(self, settings):
        return {} if self.name == "absent" else {self.name: "1.0"}
    def check(self, case):
        if self.name == "broken":
            raise PlatformError(f"broken: {case.model_file.name} was refused: broken on purpose")
        if case.batch_size > 100 or case.threads > 2:
            raise UnavailableError(f"{self.name}: {case.model_file.name}: batches of {case.batch_size} are too much")
    @contextmanager
    def open(self, case, settings):
        self.check(case)
        with self.open_fresh(case, settings) as session:
            yield session
    @contextmanager
    def open_fresh(self, case, settings):
        session = FakeSession(self, case)
        session.note(call="open", collects_garbage=settings.collects_garbage)
        yield session
        if self.name == "closing":
            raise PlatformError(f"closing: {case.model_file.name} fell apart when it was closed")
    def openings(self, case, feeds, settings, caches):
        self.check(case)
        session = FakeSession(self, case)
        for number in range(1000):
            session.note(call="opening", caches=caches)
            factor = 2 if self.name == "drifting" else 1
            memory = Memory(1_000_000, 3_000_000 + number, 500_000 if self.side == "client" else None)
            second = float(os.environ.get("FAKE_SECOND", "0.1")) + number / 1000
            yield Opening(0.5, 0.2, second, session.outputs(feeds, factor), memory, session.facts)

platforms.PLATFORMS.clear()
for name in ("fake", "absent", "wrong", "drifting", "contrary", "broken", "closing", "slow", "software"):
    platforms.PLATFORMS[name] = FakePlatform(name)
platforms.DEFAULT_SWEEP = ("fake", "slow", "absent")
from benchmarks.run import choices
choices.BASE = choices.Target("fake")
"""


# No benchmark uses Hypothesis, and its plugin imports all of it, which takes a third of a short run.
LEAN = ("-p", "no:hypothesispytest")
INI = f"[pytest]\npythonpath = {ROOT}\nverbosity_test_cases = 1\naddopts = {' '.join(LEAN)}\n"


class Suite:
    """The project's own conftest and benchmark, after lines that prepare it, run in a process of its own."""

    def __init__(self, pytester, prelude=FAKE_PLATFORMS, phases=("latency",)):
        self.pytester, self.folder = pytester, pytester.path
        pytester.makeini(INI)
        pytester.makeconftest(prelude + (ROOT / "conftest.py").read_text())
        for phase in phases:
            (self.folder / f"test_{phase}.py").write_text((ROOT / "benchmarks" / f"test_{phase}.py").read_text())

    def run(self, *options, platform="fake", model="resnet8", batch_size=1):
        """Run one model; quick by default, and free of this machine's own options."""
        chosen = [f"--model={model}", *([f"--platform={platform}"] if platform else [])]
        sizes = [f"--batch-size={batch_size}"] if batch_size else []
        quick = ["--benchmark-max-time=0.005", "-p", "no:cacheprovider", *sizes]
        return forked.run(self.folder, *quick, *chosen, *options)

    def lines(self, name):
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def calls(self, kind):
        return [call for call in self.lines("calls.jsonl") if call["call"] == kind]

    def timed_rounds(self):
        return sum(call["rounds"] for call in self.calls("time"))

    def benchmarks(self, name="out.json"):
        return json.loads((self.folder / name).read_text())["benchmarks"]


def clean_environment():
    """Return this environment without what pytest and xdist tell the tests they run."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def command_line(pid):
    """Return a process's command line; empty where it has ended, waited for or not."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def descendants(pid):
    """Return the processes below *pid*, children and theirs, with their command lines."""
    children = psutil.Process(pid).children(recursive=True)
    return {child.pid: line for child in children if (line := command_line(child.pid))}
