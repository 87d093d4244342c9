"""Whether a custom build answers as the reference does, and as fast as the runtime as it is shipped."""

from collections.abc import Sequence

from benchmarks.inputs import case_of
from benchmarks.measuring.ratio import p10
from benchmarks.measuring.reference import Question
from benchmarks.measuring.sampler import Plan, warm_up
from benchmarks.platforms.page import PagePlatform
from benchmarks.protocol import Session
from benchmarks.settings import Settings

BLOCKS, ROUNDS = 10, 30  # of each side and start
WARM_UP = Plan(min_rounds=1, max_time=1.0, warmup_rounds=50)


def ratios(custom: PagePlatform, whole: PagePlatform, question: Question, starts: int) -> list[float]:
    """Return how many times as long an inference takes on *custom* as on *whole*, of each of the *starts*.

    Both are opened anew for each and draw their blocks in turns. Raises ParityError where an answer is off.
    """
    return [_of_a_start(custom, whole, question) for _ in range(starts)]


def _of_a_start(custom: PagePlatform, whole: PagePlatform, question: Question) -> float:
    case, settings = case_of(question.artefact), Settings()
    with custom.open(case, settings) as ours, whole.open(case, settings) as theirs:
        samples: dict[Session, list[float]] = {ours: [], theirs: []}
        for session in samples:
            warm_up(session, question.feeds, WARM_UP)
        for _ in range(BLOCKS):
            for session, drawn in samples.items():
                drawn.extend(_block(session, question))
        return p10(samples[ours]) / p10(samples[theirs])


def _block(session: Session, question: Question) -> Sequence[float]:
    block = session.time(question.feeds, ROUNDS)
    question.check(session.facts, block.outputs)
    return block.seconds
