"""Devices that join by a link, measured one after the other: a run and a saved file for each.

The door is ``python -m benchmarks.devices``. ``guests`` is who came and how it stands with each, ``suite`` a run for
one, ``host`` has one after the other; ``link`` and ``board`` are what the person sees who waits, ``table`` and
``engines`` what came of it.
"""
