"""The main job on several machines at once, named as ssh does: the door is ``python -m benchmarks.machines``."""
