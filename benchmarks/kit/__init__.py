"""The suite on a machine with a GPU and no network: packed where there is one, unpacked and run where there is none.

``tox run -e gpu-kit`` packs; the other machine's plain ``python3`` unpacks, ``benchmarks/kit/unpack.py``, and runs
what is worth most first, ``run.py``. What that machine has already need not travel.
"""
