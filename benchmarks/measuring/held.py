"""A session whose outputs are held against the expected ones as they come, and not kept: each may fill the memory."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.protocol import Block, Facts, Outputs, Session

HANDING_OVER = 10e6  # bytes of outputs a second, at least, that come from a page or process when its clock has stopped


class Held:
    """Passes calls on to *session*; outputs go to *check* alone, which says how far they are from the expected."""

    def __init__(self, session: Session, check: Callable[[Outputs], float] | None = None) -> None:
        self._session, self._check = session, check
        self.parity: list[float] = []  # of every block
        self.run, self.classify = session.run, session.classify
        self.renew, self.keep_on, self.obtained_slowdown = session.renew, session.keep_on, session.obtained_slowdown

    @property
    def facts(self) -> Facts:
        """The session's."""
        return self._session.facts

    def time(self, *call: Any) -> Block:
        """Time inferences; the block comes without outputs, and says how long those can have taken beside them."""
        block = self._session.time(*call)
        start = time.perf_counter()
        if self._check:
            self.parity.append(self._check(block.outputs))
        checking = time.perf_counter() - start
        handing_over = sum(output.nbytes for output in block.outputs.values()) / HANDING_OVER
        return replace(block, outputs={}, beside=checking + handing_over)
