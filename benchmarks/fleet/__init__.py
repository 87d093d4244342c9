"""Many devices drain one job: the test images, in chunks that each takes when it is free.

``book`` says which images are given to whom, by ``pace``; ``desk`` hands chunks to many threads. A ``member`` is a
device at work, ``crew`` all of them, ``job`` what is to be done and how an answer is checked. ``rates`` is the server
at the same job, ``latency`` both one inference at a time; what the one says of the other is decide's. The door is
``python -m benchmarks.fleet``; what it saves is read by :mod:`benchmarks.results.fleet`.
"""
