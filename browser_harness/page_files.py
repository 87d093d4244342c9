"""The files of the page itself, by URL: those that are there before any runtime is asked for, and a worker's."""

from browser_harness.packages import HARNESS_DIR

NAMES = (
    *("index.html", "harness.mjs", "runner.mjs", "in_worker.mjs", "worker.js"),
    *("animating.mjs", "fetching.mjs", "loading.mjs", "memory.mjs", "normalise.mjs"),
)
FILES = {f"/{name}": HARNESS_DIR / name for name in NAMES}
