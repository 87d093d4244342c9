"""Many devices drain one job, and are compared with a server: ``python -m benchmarks.fleet``.

All who join by the link classify the test images, each as many as it can. Ends with 0 where all images were
classified and as many are right as are to be, with 1 where not, and with 130 where it was stopped; what was done by
then is told and saved.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import hardware
from benchmarks.commands import STOPPED, stopped_once, until_unread
from benchmarks.fleet import latency, options, progress, rates, record, told
from benchmarks.fleet.crew import Crew, browsers_here
from benchmarks.fleet.desk import Desk
from benchmarks.fleet.job import Job
from benchmarks.fleet.member import Member
from benchmarks.fleet.options import FleetError
from benchmarks.measuring.parity import ParityError
from benchmarks.protocol import PlatformError, UnavailableError
from benchmarks.results.fleet import Fleet, ServerRate, dump
from benchmarks.results.numbers import counted
from benchmarks.run.identity import machine_here
from benchmarks.run.screen import WIDEST, wrapped
from benchmarks.settings import Settings
from browser_harness import system
from browser_harness.channel import PageError
from browser_harness.host import Host
from browser_harness.joined import AnyDevice, link
from browser_harness.joined.entrance import EntranceError, entrance_of
from browser_harness.joined.server import JoinServer, joining
from models.manifest import ModelError

LOOK, DRAWN, WRITTEN = 0.2, 1.0, 10.0  # seconds: between two looks; two tellings, on a terminal and elsewhere
ENDING = 60.0  # seconds in which all is saved and told, and no second signal breaks into that
MISSED, DESERTED = 5.0, 120.0  # seconds that nobody is there for a job: that is told, and it is given up


def main() -> None:
    """Run the command line."""
    arguments = options.parser().parse_args()
    try:
        with until_unread(), stopped_once(ENDING):
            code = Run(arguments).run()
    except KeyboardInterrupt:
        print("fleet: stopped before the job began", file=sys.stderr)
        sys.exit(STOPPED)
    except (EntranceError, FleetError, ModelError, PageError, PlatformError, ParityError, UnavailableError) as error:
        sys.exit(f"fleet: {error}")
    sys.exit(code)


class Run:
    """One job, from the images to what is told."""

    def __init__(self, arguments: argparse.Namespace, settings: Settings | None = None) -> None:
        self._arguments, self._settings = arguments, settings or options.settings()
        self._board, self._load = progress.Board(), system.load_average()
        self._servers: list[ServerRate] = []
        self._latencies: dict[int, record.Found] | None = None if arguments.no_latency else {}
        self._found: Callable[..., Fleet] | None = None  # says what was done; None until the job begins
        self._busy: float | None = None  # processor seconds of this process while it was drained
        self._was_stopped = False

    def run(self) -> int:
        """Do all of it; return the exit code."""
        options.check(self._arguments)
        print("looking at the images, and at what the reference says of them …", flush=True)
        job = options.job(self._arguments)
        file = options.file_of(self._arguments)
        try:
            self._do(job, file)
        except KeyboardInterrupt:
            if self._found is None:
                raise
            self._was_stopped = True
        fleet = self._save(file)
        for line in ["", *told.lines(fleet)]:
            print(line)
        print(f"saved    {file}")
        return STOPPED if self._was_stopped else 0 if fleet.is_right else 1

    def _do(self, job: Job, file: Path) -> None:
        desk = Desk(job.count, job.batch)
        with self._hall(job, desk) as (server, crew):
            with browsers_here(self._arguments.browser, crew):
                self._invite(server)
                self._wait_for(crew)
                self._measure_latencies(job, crew)
                self._measure_server(job, "before")
                self._found = partial(record.fleet_of, job, desk, crew.members, latencies=self._latencies)
                self._drain(desk, crew)
                self._save(file)  # what ends browsers may break
            self._measure_server_again(job)

    def _save(self, file: Path) -> Fleet:
        assert self._found, "the job has begun"
        machine = machine_here(self._settings, self._load)
        fleet = self._found(servers=self._servers, machine=machine, busy=self._busy)
        dump(fleet, file)
        return fleet

    def _measure_server(self, job: Job, when: str) -> None:
        """Have the server do the job, on one core and on all, while no device works."""
        for workers in () if self._arguments.no_server else dict.fromkeys((1, hardware.CORES)):
            rate = rates.measure(job, workers, self._settings, when)
            self._servers.append(rate)
            print(f"server   {when}, {workers} of server-cpu: {rate.rate:,.0f} images/s", flush=True)

    def _measure_server_again(self, job: Job) -> None:
        """Do so when the devices have gone; what they did is not lost by it."""
        try:
            if not self._was_stopped:
                self._measure_server(job, "after")
        except PlatformError as error:
            print(f"server   after: not measured: {error}", flush=True)

    @contextmanager
    def _hall(self, job: Job, desk: Desk) -> Iterator[tuple[JoinServer, Crew]]:
        """Let devices join while the context lasts."""
        runtime, tell = self._arguments.runtime, self._board.tell

        def member(device: AnyDevice, number: int, host: Host | None) -> Member:
            return Member(device, number, job, desk, self._settings, host, runtime, tell)

        crew = Crew(member)
        try:
            with joining(entrance_of(self._arguments), crew.welcome, options.offer(job)) as server:
                yield server, crew
        finally:
            desk.close()
            crew.join()

    def _invite(self, server: JoinServer) -> None:
        print("\nopen this link on any device that is to take part:\n")
        for line in link.lines(server.url, sys.stdout):
            print(line)
        print()
        for one in server.entrance.words:
            print(*wrapped(one, shutil.get_terminal_size((WIDEST, 24)).columns - 1, indent=0), sep="\n")
        begins = f"the job begins when {counted(self._wanted(), 'device')} can work"
        print(f"\n{begins}; who comes later joins in", flush=True)

    def _wanted(self) -> int:
        return self._arguments.devices or max(1, len(self._arguments.browser))

    def _wait_for(self, crew: Crew) -> None:
        """Wait until as many as are wanted are ready, or cannot be; raise FleetError where none is."""
        seen: list[Member] = []
        while len(seen) + len(crew.sent_home) < self._wanted():
            for member in crew.ready:
                if member not in seen:
                    print(f"ready    {member.name}, {member.platform}", flush=True)
                    member.show("waiting", "This device takes part as soon as enough others have come.")
            seen = crew.ready
            time.sleep(LOOK)
        if not seen:
            raise FleetError("no device could take part, as was told above")

    def _measure_latencies(self, job: Job, crew: Crew) -> None:
        if self._latencies is None:
            return
        question = latency.question_of(job)
        for member in crew.ready:
            member.show("measuring", "This device is measured, one inference at a time.")
            found = self._latencies[member.number] = latency.measured(member, question, self._settings)
            words = f"not measured: {found}" if isinstance(found, str) else latency.words(*found)
            print(f"latency  {member.name}: {words}", flush=True)

    def _drain(self, desk: Desk, crew: Crew) -> None:
        """Have the job done, and tell how far it is."""
        before = time.process_time()
        desk.begin()
        try:
            self._watch(desk, crew)
        except KeyboardInterrupt:
            self._was_stopped = True
        finally:
            desk.close()
            self._busy = time.process_time() - before
            self._board.draw([*progress.lines(desk, crew.members, desk.ended or 0.0)])
            self._board.end()
            for member in crew.members:
                member.show("done", f"Done: this device has classified {member.work.images:,} images. Thank you.")

    def _watch(self, desk: Desk, crew: Crew) -> None:
        every = DRAWN if self._board.is_redrawn else WRITTEN
        drawn = seen = desk.clock()
        is_missed = False
        while not desk.wait(LOOK):
            now = desk.clock()
            if now - drawn >= every:
                self._board.draw([*progress.lines(desk, crew.members, now)])
                drawn = now
            if any(member.is_here for member in crew.members):
                seen, is_missed = now, False
            elif now - seen > DESERTED:
                self._board.tell(f"given up: no device has been there for {DESERTED:g} s")
                return
            elif not is_missed and now - seen > MISSED:
                is_missed = True
                self._board.tell(f"no device is there: the job waits for one, {DESERTED:g} s at most")


if __name__ == "__main__":
    main()
