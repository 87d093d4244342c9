"""Each benchmark over commits, and where it changed: ``python -m benchmarks.history`` (``tox run -e history``).

Data flows one way: pytest-benchmark's storage → runs → series → changes → page.
"""
