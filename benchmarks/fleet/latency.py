"""One inference at a time: each device in turns with ``server-cpu``, as the suite measures a latency, but shorter."""

from functools import partial

from benchmarks.fleet.job import Job
from benchmarks.fleet.member import Member
from benchmarks.inputs import case_of, fed
from benchmarks.measuring.held import Held
from benchmarks.measuring.parity import ParityError
from benchmarks.measuring.ratio import Ratio, paired
from benchmarks.measuring.reference import Question, ask
from benchmarks.measuring.sampler import Plan, SampleError, check_whole
from benchmarks.platforms import PLATFORMS
from benchmarks.protocol import PlatformError, UnavailableError
from benchmarks.run.measure import draw_all
from benchmarks.settings import Settings
from browser_harness.channel import PageError

STARTS = 3  # fresh pages and processes: of fewer there is no interval
SECONDS = 1.0  # of timed inference in a start
FEWEST_ROUNDS, WARM_UP = 5, 200  # of a start


def question_of(job: Job) -> Question:
    """Return what is asked to tell a latency."""
    return ask(job.artefact, fed(job.artefact.path, job.batch), side="client")


def measured(member: Member, question: Question, settings: Settings) -> tuple[Ratio, Ratio] | str:
    """Return what :func:`measure` does, or in words why there is nothing to return."""
    try:
        return measure(member, question, settings)
    except (PlatformError, UnavailableError, ParityError, SampleError, PageError) as error:
        return str(error)
    except Exception as error:  # a stranger's answer can be anything
        return f"{type(error).__name__}: {error}"


def words(usual: Ratio, _mean: Ratio) -> str:
    """Say what was measured."""
    return f"{1e3 * usual.ours:.3g} ms ({usual.statistic}), {usual.value:.3g} times server-cpu's"


def measure(member: Member, question: Question, settings: Settings) -> tuple[Ratio, Ratio]:
    """Return the ratio of a device's inference to the server's, in turns: of the usual statistic, and of the mean.

    The usual one is the median; of a client that a quota stops now and then it is the mean, see decide. Raises what
    opening and timing raise; the device has a fresh page then.
    """
    assert member.session is not None, "it is ready"
    case = case_of(question.artefact, question.batch_size)
    with PLATFORMS["server-cpu"].open_fresh(case, settings) as server:
        ours, theirs = (Held(one, partial(question.check, one.facts)) for one in (member.session, server))
        drawn = draw_all(ours, theirs, question, _plan())
        check_whole(drawn.blocks, ours.facts)
        check_whole(drawn.partner_blocks, theirs.facts)
    pairs = [*zip(drawn.blocks, drawn.partner_blocks, strict=True)]
    usual = "mean" if ours.facts.statistic == "mean" else "median"
    return paired(pairs, usual), paired(pairs, "mean")


def _plan() -> Plan:
    return Plan(FEWEST_ROUNDS * STARTS, SECONDS * STARTS, WARM_UP, starts=STARTS)
