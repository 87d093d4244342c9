"""The fleet's own figures: see ``python -m benchmarks.figures.fleet``."""
