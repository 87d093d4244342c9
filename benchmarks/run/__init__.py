"""A run of pytest: what is chosen, what cannot run, how samples reach pytest-benchmark, what is saved and told."""
