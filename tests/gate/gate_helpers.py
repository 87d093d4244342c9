"""What the gate's tests share: measurements that nobody had to make."""

from benchmarks.gate.measurements import CONFIRM, SCREEN, Comparison, Failure, Measurements
from benchmarks.gate.pair import Matched


def measurements(matched=None, screened=(), confirmed=(), *, failures=(), unlike=(), threads=()):
    """Return what would have been measured; all by the benchmark's name in the head."""
    unlike, threads = dict(unlike), dict(threads)
    comparisons = [
        Comparison(name, stage, number, pair, unlike.get(name, ""), threads.get(name))
        for stage, pairs in ((SCREEN, screened), (CONFIRM, confirmed))
        for name, own in dict(pairs).items()
        for number, pair in enumerate(own, 1)
    ]
    lost = [Failure(name, reason) for name, reasons in dict(failures).items() for reason in reasons]
    return Measurements(matched or Matched(), comparisons, lost)
