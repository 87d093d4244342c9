"""A device at work, in a thread of its own: it takes chunks, may leave, and joins in again when it comes back."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.fleet.book import LOST, Chunk, Entry, Fate
from benchmarks.fleet.desk import Desk
from benchmarks.fleet.job import Job
from benchmarks.fleet.page import ChunkSession, Sent, platform_of, session_of
from benchmarks.protocol import PlatformError, UnavailableError
from benchmarks.results.fleet import called
from benchmarks.settings import Settings
from browser_harness.channel import PageError
from browser_harness.host import Host, UnknownHost
from browser_harness.joined import AnyDevice, AwayError
from browser_harness.joined.untrusted import BreachError

LOOK = 1.0  # seconds after which one that waits for a device looks whether the job is over
MOST_FAULTS = 3  # in a row, after which a device is given nothing more
LATE = 2.0  # times a chunk's limit in which an answer is waited for: the page is busy with it, and a late one is told
SHOWN = 1.0  # seconds from one telling to the next


@dataclass
class Work:
    """What a device did, beside what the book knows. Times in seconds."""

    sent: dict[int, Sent] = field(default_factory=dict)  # by the chunk's number, without its content
    images: int = 0  # that count
    chunks: int = 0
    lost: int = 0


class Member:
    """A device, and the model open in its page."""

    def __init__(  # noqa: PLR0913 (a device, what it is asked, and where it tells)
        self,
        device: AnyDevice,
        number: int,
        job: Job,
        desk: Desk,
        settings: Settings,
        host: Host | None = None,
        runtime: str = "wasm",
        tell: Callable[[str], None] = print,
    ) -> None:
        self.device, self.number, self.host, self.runtime = device, number, host or UnknownHost(), runtime
        self.state, self.platform, self.work = "comes", "", Work()
        self.session: ChunkSession | None = None
        self.is_ready = threading.Event()  # its model is open, or it was sent home
        self.sent_home = ""  # why
        self._job, self._desk, self._settings, self._tell = job, desk, settings, tell
        self._faults, self._shown = 0, 0.0
        self._thread = threading.Thread(target=self._run, name=f"device {number}", daemon=True)

    @property
    def name(self) -> str:
        """What it is called where it is told of: ``2 firefox 153 @4x``."""
        slowed = f" @{self.host.slowdown}x" if self.host.slowdown > 1 else ""
        return f"{self.number} {called(self.device.about())}{slowed}"

    @property
    def is_here(self) -> bool:
        """Whether it works, or may soon: one that lost its page can be gone."""
        return self.state in ("ready", "works") or (not self.sent_home and self.device.wait(0))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, or so long: one whose page hangs may not."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._prepare()
            while self._opened() and not self._desk.is_over:
                self._drain()
        except UnavailableError as error:
            self._send_home(str(error))
        except Exception as error:  # a fault of ours: the others go on
            self._send_home(f"{type(error).__name__}: {error}")
        finally:
            self.is_ready.set()

    def _prepare(self) -> None:
        platform = platform_of(self.device, self.runtime)
        self.platform = platform.name
        self.session = session_of(self.device, platform, self._job, self.host, self._settings)

    def _opened(self) -> bool:
        """Have the model open in a new page, as soon as the device is here; whether there is still use for it."""
        self.state = "opens" if self.state == "works" else self.state
        while not self._desk.is_over and not self.sent_home:
            if self.device.wait(0) and self._try_to_open():
                return True
            self._desk.wait(LOOK)
        return False

    def _try_to_open(self) -> bool:
        assert self.session is not None
        try:
            self.session.open()
        except AwayError:
            return False
        except (PlatformError, PageError) as error:
            if isinstance(error.__cause__, BreachError):
                self._send_home(str(error))
            else:
                self._blame(f"its page cannot be opened: {error}")
            return False
        self._desk.come(self.number)
        self.state = "ready"
        self.is_ready.set()
        return True

    def _drain(self) -> None:
        """Take one chunk after the other, until a new page is needed or there is nothing more to do."""
        while (chunk := self._desk.take(self.number)) and self._do(chunk):
            self._show()

    def _do(self, chunk: Chunk) -> bool:
        """Do a chunk; return whether the page can be asked again."""
        assert self.session is not None
        self.state = "works"
        try:
            sent = self.session.send_for(self._job, chunk, LATE * (chunk.due - chunk.taken))
        except AwayError as error:
            self._leave("left", str(error))
            return False
        except BreachError as error:
            self._send_home(str(error))
            return False
        except PageError as error:
            self._lost(self._desk.fail(chunk, str(error)))
            return False
        answer = self._job.answer(chunk.start, chunk.stop, sent.content)
        self._booked(self._desk.answer(chunk, answer, is_hidden=sent.is_hidden), sent)
        return not self.sent_home

    def _booked(self, entry: Entry, sent: Sent) -> None:
        chunk = entry.chunk
        self.work.sent[chunk.number] = Sent(None, sent.seconds, sent.parts, sent.is_hidden)
        if entry.fate in LOST:
            self._lost(entry)
        elif entry.fate == "counted":
            self._faults = 0
            self.work.images += chunk.images
            self.work.chunks += 1
        elif entry.fate == "beaten":
            self._tell(f"{self.name}: its {chunk.images} images from {chunk.start} on were done by another before")

    def _lost(self, entry: Entry) -> None:
        chunk = entry.chunk
        if self._desk.is_over:
            return
        self.work.lost += 1
        words = WORDS[entry.fate].format(seconds=f"{chunk.due - chunk.taken:.3g}", why=entry.why)
        self._blame(f"its {chunk.images} images from {chunk.start} on are another's: it {words}")

    def _leave(self, fate: Fate, why: str) -> None:
        self._desk.leave(self.number, fate, why)
        if not self._desk.is_over:
            self.state = fate
            self.work.lost += 1
            self._tell(f"{self.name}: its images are another's, and it may come back ({why})")

    def _blame(self, words: str) -> None:
        """Tell of a fault; after so many in a row the device is given nothing more."""
        self._faults += 1
        self._tell(f"{self.name}: {words}")
        if self._faults >= MOST_FAULTS:
            self._send_home(f"{MOST_FAULTS} faults in a row")

    def _send_home(self, why: str) -> None:
        self.sent_home, self.state = why, "sent home"
        self._desk.leave(self.number, "failed", why)
        self._tell(f"{self.name}: is given nothing more ({why})")

    def _show(self) -> None:
        """Have the person see what the device did."""
        if time.monotonic() - self._shown < SHOWN:
            return
        self._shown = time.monotonic()
        self.show("measuring", f"This device has classified {self.work.images:,} images so far.")

    def show(self, state: str, words: str) -> None:
        """Have the person see *words*, and how far the job of all is, where the device is here."""
        done, left = self._desk.progress()
        told = {"state": state, "words": words, "done": done, "of": self._job.count, "seconds_left": left}
        with suppress(PageError, ConnectionError, RuntimeError):
            self.device.show(told)


# What became of a chunk, behind "it".
WORDS = {
    "hung": "has not answered within {seconds} s, nor as long again",
    "late": "answered after {seconds} s, which is discarded",
    "lied": "answered wrongly ({why})",
    "failed": "failed ({why})",
    "left": "left",
}
