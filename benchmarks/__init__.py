"""The benchmarks: platforms, the sampler that times them, and the tests that report.

Data flows one way: catalogue → platform → session → samples → statistics → files.
"""

import os

# Since 1.29 onnxruntime's wheels send usage data from a thread of their own unless this is set before the import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
