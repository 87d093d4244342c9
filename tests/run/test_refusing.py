"""A run that its choices leave nothing to measure is refused; a phase among others is skipped with the reason."""

import onnx  # noqa: F401 (here: pytester forgets what a test imports, and it cannot be imported twice)
import pytest
from helpers import FAKE_PLATFORMS, Suite, make_linear

ONE_CORE = "from benchmarks import hardware\nhardware.CORES = 1\n"


@pytest.fixture
def suite(pytester, outside_xdist):
    return Suite(pytester, ONE_CORE + FAKE_PLATFORMS, phases=["latency", "device", "scaling", "accuracy"])


def refusal(result):
    """Return the one line that a run ends with."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "empty parameter set" not in result.stdout.str()
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    return line


def test_a_phase_without_a_platform_says_which_have_what_it_takes(suite):
    line = refusal(suite.run("-m", "device"))
    assert line.startswith("ERROR: --platform fake: the steady state without copies from and to the host is of platfo")
    assert line.endswith("none is known here")


def test_a_phase_without_threads_says_why(suite):
    assert "is measured on two and more: this machine lends one core" in refusal(suite.run("-m", "scaling"))
    words = "--threads 1: the steady state on several threads is measured on two and more"
    assert words in refusal(suite.run("-m", "scaling", "--threads=1"))


def test_a_budget_that_nothing_is_held_to_is_refused(suite):
    words = "ERROR: --memory-budget has no effect: it is of a page's memory, and none of the benchmarks chosen tells *"
    suite.run("-m", "latency", "--memory-budget=200MB", platform="slow").stderr.fnmatch_lines([words])


def test_workers_fail_instead(suite):
    result = suite.run("-m", "device", "-n2", "--benchmark-disable")
    result.assert_outcomes(errors=1)
    assert result.stdout.str().count("is of platforms with a memory of their own") == 1


def test_every_choice_that_leaves_nothing_is_told_once(suite):
    line = refusal(suite.run("-m", "scaling or device", "--platform=slow"))
    assert (line.count("fake, slow"), line.count("one core")) == (1, 1)


def test_a_phase_among_others_is_skipped_with_the_reason(suite, tmp_path):
    result = suite.run("-m", "latency or scaling", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*the steady state on several threads is measured on two and more: this mach*"])
    first, second = (make_linear(tmp_path / f"{name}.onnx") for name in ("first", "second"))
    own = suite.run("-m", "latency or accuracy", "-rs", f"--model={second}", model=first)
    own.assert_outcomes(passed=2, skipped=2)
    for name in ("first", "second"):
        own.stdout.fnmatch_lines([f"SKIPPED*{name}.onnx: -m accuracy has to be told --mean and --std*"])


def test_one_that_cannot_be_put_to_a_phase_is_not_left_out_in_silence(suite, tmp_path):
    line = refusal(suite.run("-m", "accuracy", f"--model={make_linear(tmp_path / 'linear.onnx')}", model="resnet8"))
    assert line.startswith("ERROR: linear.onnx: -m accuracy has to be told --mean and --std")
