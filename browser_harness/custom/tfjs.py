"""TensorFlow.js with no more than one graph needs, as its guide tells: the functions and the kernels that are called.

https://www.tensorflow.org/js/tutorials/deployment/size_optimized_bundles: a module that imports the library without
what registers all kernels, and registers those that are named. Its tool (``tfjs-custom-module``) reads the names from
graphs of its own converter; ours (models/tfjs.py) name their operations themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from browser_harness.custom import bundle

CORE, BACKEND = "@tensorflow/tfjs-core/dist", "@tensorflow/tfjs-backend-wasm/dist"


@dataclass(frozen=True)
class Needs:
    """What is called for an operation: functions of ``tf`` and of ``tf.fused``, and the backend's kernels."""

    functions: tuple[str, ...] = ()
    fused: tuple[str, ...] = ()
    kernels: tuple[str, ...] = field(default=())


HARD_SIGMOID = Needs(("add", "mul", "relu6"), kernels=("Add", "Multiply", "Relu6"))

# As engines/tfjs.mjs calls the library for each kind of operation in models/tfjs.py's graphs. A kernel that is missing
# here is told by the library when it is called.
OPERATIONS = {
    "conv": Needs(fused=("conv2d",), kernels=("FusedConv2D",)),
    "depthwise": Needs(fused=("depthwiseConv2d",), kernels=("FusedDepthwiseConv2D",)),
    "relu": Needs(("relu",), kernels=("Relu",)),
    "relu6": Needs(("relu6",), kernels=("Relu6",)),
    "sigmoid": Needs(("sigmoid",), kernels=("Sigmoid",)),
    "hardSigmoid": HARD_SIGMOID,
    "hardSwish": HARD_SIGMOID,
    "add": Needs(("add",), kernels=("Add",)),
    "mul": Needs(("mul",), kernels=("Multiply",)),
    "maxPool": Needs(("maxPool",), kernels=("MaxPool",)),
    "mean": Needs(("mean",), kernels=("Mean", "Transpose")),  # which brings the axes together, and is set up of its own
    "flatten": Needs(("reshape",), kernels=("Reshape",)),
    "gemm": Needs(fused=("matMul",), kernels=("_FusedMatMul", "Reshape")),
}
# What is called whatever the graph has.
ALWAYS = ("env", "getBackend", "keep", "ready", "setBackend", "tensor", "tensor4d", "tidy", "version_core")
OF_THE_BACKEND = ("getThreadsCount", "setThreadsCount", "setWasmPaths", "version_wasm")
FUSED_FILES = {"conv2d": "conv2d", "depthwiseConv2d": "depthwise_conv2d", "matMul": "mat_mul"}

# The JavaScript beside the WebAssembly with threads, and its workers': a page that asks for one thread calls neither.
OF_THREADS = r"threaded-simd(\.worker)?\.js$"


def build(operations: Iterable[str], output: Path, *, threads: bool) -> Path:
    """Make the script *output* for graphs of these kinds of *operations*, with *threads* or for one; return it.

    Raises packages.SetUpError where it cannot be made.
    """
    return bundle(entry(operations, threads=threads), output, "tf", "" if threads else OF_THREADS)


def entry(operations: Iterable[str], *, threads: bool) -> str:
    """Return the text of the module. Raises KeyError of an operation that no graph has."""
    needs = [OPERATIONS[operation] for operation in operations]
    functions = sorted({*ALWAYS, *(name for need in needs for name in need.functions)})
    fused = sorted({name for need in needs for name in need.fused})
    kernels = sorted({name for need in needs for name in need.kernels})
    return "\n".join(
        [
            f"import '{CORE}/base_side_effects';",
            f"import {{ env, registerKernel }} from '{CORE}/base';",
            *(f"import {{ {name} }} from '{CORE}/ops/fused/{FUSED_FILES[name]}';" for name in fused),
            *(f"import {{ {_config(name)} }} from '{BACKEND}/kernels/{name}';" for name in kernels),
            f"import {{ {', '.join(OF_THE_BACKEND)} }} from '{BACKEND}/base';",
            f"for (const kernel of [{', '.join(map(_config, kernels))}]) registerKernel(kernel);",
            # The backend asks this before it fetches its WebAssembly.
            *(() if threads else ("env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);",)),
            f"export {{ {', '.join(functions)} }} from '{CORE}/base';",
            f"export const fused = {{ {', '.join(fused)} }};",
            f"export const wasm = {{ {', '.join(OF_THE_BACKEND)} }};",
            "",
        ]
    )


def _config(kernel: str) -> str:
    """Return what a kernel's module exports: ``fusedConv2DConfig`` of ``FusedConv2D``, and ``_fusedMatMulConfig``."""
    underscore, name = ("_", kernel[1:]) if kernel.startswith("_") else ("", kernel)
    return f"{underscore}{name[0].lower()}{name[1:]}Config"
