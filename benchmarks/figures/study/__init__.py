"""The study of 2023, reproduced: its table and its claims, from the runs that are kept under ``docs/runs``.

A. I. Kanev, "Comparing the performance of deep learning models running on client device and in cloud" (2023).

``evidence.py`` reads the runs, ``claims/`` judges each claim by a rule in code (:class:`verdicts.Claim`), ``page.py``
writes it down. No verdict is written by hand: other runs give another page.
"""
