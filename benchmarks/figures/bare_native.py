"""Plain loops over a server's runtimes, with nothing of the suite: ``python bare_native.py PLATFORM MODEL THREADS``.

Reads a number of rounds a line, answers with that many samples in seconds as a line of JSON. Each runtime is opened as
its own documentation does; PyTorch's networks are the ones that were trained (models/resnet.py).
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Infer = Callable[[], Any]


def onnxruntime(model: str, threads: int, images: Images) -> Infer:
    """Open onnxruntime's CPU provider."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": images})


def openvino(model: str, threads: int, images: Images) -> Infer:
    """Compile for the processor, for one image."""
    import openvino as ov

    core = ov.Core()
    network = core.read_model(model)
    network.reshape(images.shape)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    return lambda: request.infer({"input": images}, share_inputs=True)


def litert(model: str, threads: int, images: Images) -> Infer:
    """Allocate an interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model, num_threads=threads)
    interpreter.allocate_tensors()
    input_index = interpreter.get_input_details()[0]["index"]
    output_index = interpreter.get_output_details()[0]["index"]

    def infer() -> Any:
        interpreter.set_tensor(input_index, images)
        interpreter.invoke()
        return interpreter.get_tensor(output_index)

    return infer


def torch(model: str, threads: int, images: Images) -> Infer:
    """Call the network as it is written."""
    return _torch(model, threads, images, compiled=False)


def torch_compiled(model: str, threads: int, images: Images) -> Infer:
    """Call the network as TorchInductor compiles it, its weights frozen."""
    return _torch(model, threads, images, compiled=True)


def _torch(model: str, threads: int, images: Images, *, compiled: bool) -> Infer:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import torch
    from torch._inductor import config

    from models import MODELS
    from models.resnet import restore

    torch.set_num_threads(threads)
    config.freezing = True
    config.compile_threads = 1
    network: Any = restore(Path(model), MODELS[Path(model).stem]).to(memory_format=torch.channels_last)
    network = torch.compile(network) if compiled else network
    batch = torch.from_numpy(images)

    @torch.inference_mode()
    def infer() -> Any:
        return network(batch).numpy()

    return infer


def webgpu(model: str, threads: int, images: Images) -> Infer:
    """Open the WebGPU plugin on its first device; the environment says which Vulkan."""
    import onnxruntime as ort
    import onnxruntime_ep_webgpu as plugin

    ort.register_execution_provider_library("webgpu", plugin.get_library_path())
    devices = [device for device in ort.get_ep_devices() if device.ep_name == plugin.get_ep_name()]
    options = ort.SessionOptions()
    options.add_provider_for_devices(devices[:1], {})
    return _bound(ort.InferenceSession(model, options), "webgpu", images)


def cuda(model: str, threads: int, images: Images) -> Infer:
    """Open onnxruntime's CUDA provider, in float32 proper."""
    return _cuda(model, images, use_tf32="0")


def cuda_tf32(model: str, threads: int, images: Images) -> Infer:
    """Open onnxruntime's CUDA provider, with float32 rounded to TensorFloat-32."""
    return _cuda(model, images, use_tf32="1")


def _cuda(model: str, images: Images, **options: str) -> Infer:
    import onnxruntime as ort

    ort.preload_dlls()
    providers = [("CUDAExecutionProvider", options)]
    return _bound(ort.InferenceSession(model, providers=providers), "cuda", images)


def _bound(session: Any, device: str, images: Images) -> Infer:
    """Copy the images to the device, run there, and copy the logits back."""
    import onnxruntime as ort

    place = ort.OrtValue.ortvalue_from_numpy(images, device, 0)
    binding = session.io_binding()
    binding.bind_ortvalue_input("input", place)
    binding.bind_output("logits", device, 0)

    def infer() -> Any:
        place.update_inplace(images)
        binding.synchronize_inputs()
        session.run_with_iobinding(binding)
        return binding.get_outputs()[0].numpy()

    return infer


RUNTIMES = {
    "server-cpu": onnxruntime,
    "server-openvino": openvino,
    "server-litert": litert,
    "server-torch": torch,
    "server-torch-compiled": torch_compiled,
    "server-webgpu": webgpu,
    "server-cuda": cuda,
    "server-cuda-tf32": cuda_tf32,
}


def main() -> None:
    """Answer every line, until there are no more."""
    runtime, model, threads = sys.argv[1:]
    images = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
    infer = RUNTIMES[runtime](model, int(threads), images)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = perf_counter()
            infer()
            times.append(perf_counter() - start)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
