"""What the gate's tests share: measurements that nobody had to make."""

from benchmarks.gate.measurements import CONFIRM, SCREEN, Comparison, Failure, Measurements
from benchmarks.gate.pair import Matched


def measurements(matched=None, screened=(), confirmed=(), *, failures=(), unlike=(), threads=()):
    """Return what would have been measured, by the benchmark's name in the head, each start in a pair of its own."""
    unlike, threads = dict(unlike), dict(threads)
    comparisons = [
        Comparison(name, stage, number, [log_ratio], unlike.get(name, ""), threads.get(name))
        for stage, starts in ((SCREEN, screened), (CONFIRM, confirmed))
        for name, own in dict(starts).items()
        for number, log_ratio in enumerate(own, 1)
    ]
    lost = [Failure(name, reason) for name, reasons in dict(failures).items() for reason in reasons]
    return Measurements(matched or Matched(), comparisons, lost)
