"""The regression gate: is the head slower than the base? ``python -m benchmarks.gate`` (``tox run -e gate``).

Data flows one way: revisions → checkouts → pairs of processes in lockstep → log ratios → verdicts → reports.
"""
