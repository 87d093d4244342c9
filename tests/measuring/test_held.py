"""Outputs are held to the answer as they come and kept nowhere; what they take beside the clock speaks against none."""

import weakref

import numpy as np
import pytest

from benchmarks.measuring import sampler
from benchmarks.measuring.held import HANDING_OVER, Held
from benchmarks.measuring.parity import ParityError, check_parity
from benchmarks.protocol import Block, Facts

FACTS = Facts("scripted", "TestProvider", 1, "test.clock", 1e-7)
WANTED = {"y": np.arange(8, dtype=np.float32)}


class Scripted:
    """Answers with fresh arrays, and sees whether an earlier one is still there."""

    facts = FACTS
    run = classify = renew = keep_on = obtained_slowdown = None

    def __init__(self, factors):
        self.factors, self.given = iter(factors), []

    def time(self, feeds, rounds):
        assert [answer() for answer in self.given] == [None] * len(self.given), "an earlier answer is still kept"
        answer = WANTED["y"] * np.float32(next(self.factors))
        self.given.append(weakref.ref(answer))
        return Block([0.01] * rounds, {"y": answer}, None)


def held(factors):
    return Held(Scripted(factors), lambda outputs: check_parity("here", outputs, WANTED, 1e-4))


def test_no_answer_is_kept_when_the_next_one_comes():
    session, partner = held([1, 1, 1 + 1e-5]), Held(Scripted([3, 3, 3]))
    blocks = [block for _ in range(3) for block in (session.time({}, 2), partner.time({}, 1))]
    assert [block.outputs for block in blocks] == [{}] * 6
    assert session.parity[:2] == [0, 0]
    assert session.parity[2] == pytest.approx(1e-5, rel=0.1)
    assert partner.parity == []


def test_a_wrong_answer_is_told_with_the_block_that_it_comes_with():
    session = held([1, 2, 1])
    session.time({}, 1)
    with pytest.raises(ParityError, match="y differ"):
        session.time({}, 1)


def test_a_long_call_may_have_gone_to_large_outputs(monkeypatch):
    monkeypatch.setattr(sampler, "LONG_CALL", 0.1)
    block = held([1]).time({}, 1)
    assert block.beside >= WANTED["y"].nbytes / HANDING_OVER
    large = Block([0.01], {}, None, beside=0.5)
    sampler.check(large, 1, 0.4, FACTS)
    with pytest.raises(sampler.SampleError, match="is its unit wrong"):
        sampler.check(large, 1, 0.7, FACTS)
