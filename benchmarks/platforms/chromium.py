"""The catalogue's platforms in Chromium, and those that are refused."""

from benchmarks.platforms.litert_js import ChromiumLitert
from benchmarks.platforms.onnxruntime_web import ChromiumWasm, ChromiumWebgpu, ChromiumWebnn
from benchmarks.platforms.tensorflow_js import ChromiumTfjs

REFUSED = {
    "chromium-webgl": (
        "its logits were 30 % off the reference (onnxruntime-web 1.30.0, fixed batch, SwiftShader), it takes no free "
        "batch, and onnxruntime is about to remove it; use chromium-webgpu"
    ),
    "chromium-webnn-npu": (
        "nothing tells whether an NPU computed, for WebNN may take another device in silence; measure chromium-webnn"
    ),
}


CHROMIUM_PLATFORMS = (
    ChromiumWasm(),
    ChromiumTfjs(),
    ChromiumLitert(),
    ChromiumWebnn("chromium-webnn", "cpu"),
    ChromiumWebnn("chromium-webnn-gpu", "gpu"),
    ChromiumWebgpu(),
)
