"""A plain loop over onnxruntime, with nothing of the suite: ``python bare_native.py MODEL``.

Reads a number of rounds a line, answers with that many samples in seconds as a line of JSON.
"""

import json
import sys
from time import perf_counter

import numpy as np
import onnxruntime as ort

options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
images = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)

for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = perf_counter()
        session.run(None, {"input": images})
        times.append(perf_counter() - start)
    print(json.dumps(times), flush=True)
