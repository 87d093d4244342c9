"""The study's claims, a file each or a few that belong together; a new one is its file and a line here."""

from collections.abc import Sequence

from benchmarks.figures.study.claims.clients import SEVERAL
from benchmarks.figures.study.claims.saved import NETWORK, PRIVACY, SERVER
from benchmarks.figures.study.claims.slower import SLOWER
from benchmarks.figures.study.claims.slowest import SLOWEST
from benchmarks.figures.study.claims.weak import WEAK
from benchmarks.figures.study.verdicts import Claim

CLAIMS: Sequence[Claim] = (SLOWER, SLOWEST, WEAK, SEVERAL, NETWORK, PRIVACY, SERVER)
