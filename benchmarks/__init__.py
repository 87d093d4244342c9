"""The benchmarks: platforms, the sampler that times them, and the tests that report.

Data flows one way: catalogue → platform → session → samples → statistics → files.
"""
