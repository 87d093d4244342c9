"""The head of a run on several machines: it starts a worker on each, keeps what they send, and measures nothing."""

import os
import shlex
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from execnet import XSpec
from xdist.workermanage import WorkerController, parse_tx_spec_config

from benchmarks.run.each import checking
from benchmarks.run.each.alone import Alone
from benchmarks.run.each.arriving import Arriving, Place
from benchmarks.run.each.ending import Ended, why
from benchmarks.run.each.lines import Lines
from benchmarks.run.each.specs import SpecError, machine_of
from benchmarks.run.each.words import CHANNEL, REMEDY, STOP
from benchmarks.run.ending import ENDING

if TYPE_CHECKING:
    from xdist.dsession import DSession

PATIENCE = 15.0  # seconds in which stopped machines save what is finished
FOR_ALL = "PYTEST_ADDOPTS"


def take_part(config: pytest.Config) -> None:
    """Have this process start machines: it saves what they send, and what is only theirs to do it leaves to them."""
    option = config.option
    names = (option.benchmark_save, option.benchmark_autosave)
    place = Place(option.benchmark_storage, any(names) or not option.benchmark_json, option.benchmark_json)
    option.benchmark_save = option.benchmark_autosave = option.benchmark_json = None
    option.benchmark_only = False  # pytest-benchmark refuses it beside --dist; each machine has it all the same
    option.maxworkerrestart = "0"  # a second worker would measure the rest in another state of the machine
    lines = Lines(config)
    config.pluginmanager.register(lines)
    config.pluginmanager.register(Head(config, place, lines))


class Head:
    """The hooks of pytest and pytest-xdist in the process that a person has started."""

    def __init__(self, config: pytest.Config, place: Place, lines: Lines) -> None:
        self._config, self._place, self._lines = config, place, lines
        self._arriving: dict[str, Arriving] = {}  # by the machine's name
        self._ended: dict[str, Ended] = {}
        self._before: Any = None  # what a Ctrl-C did until machines were started

    @pytest.hookimpl(trylast=True)  # after all that refuses the run; pytest-xdist then starts its workers
    def pytest_sessionstart(self) -> None:
        """Ask the machines; leave out those that cannot measure, and refuse what would disturb itself."""
        self._place.refuse_unwritable()
        answers, here = self._asked()
        self._lines.write(*checking.lines(answers, here))
        for line, is_refused in checking.shared(answers):
            if is_refused:
                raise pytest.UsageError(f"--tx: {line}")
            self._lines.write(f"machine  {line}")
        able = [answer for answer in answers if not answer.fault]
        self._lines.names = [answer.machine.name for answer in answers]
        self._ended |= {one.machine.name: Ended(one.fault) for one in answers if one.fault}
        if not able:
            raise pytest.UsageError("--dist each: no machine can measure, see above")
        self._config.option.tx = [answer.machine.measuring(answer.told["folder"]) for answer in able]

    def _asked(self) -> tuple[list[checking.Answer], checking.Told]:
        """Return what the machines say of themselves, and what is here."""
        try:
            machines = [machine_of(text) for text in parse_tx_spec_config(self._config)]
        except SpecError as error:
            raise pytest.UsageError(f"{error}; {REMEDY}") from error
        names = [machine.name for machine in machines]
        if twice := [name for name in names if names.count(name) > 1]:
            words = "they would disturb each other, or could not be told apart; name it once, or give it an id=NAME"
            raise pytest.UsageError(f"--tx: {twice[0]} is named {names.count(twice[0])} times: {words}")
        *answers, here = checking.ask([*machines, machine_of("popen")])
        return answers, here.told

    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: Sequence[XSpec]) -> None:
        """Send the machines this command line, and nothing else.

        pytest-xdist would copy its own pytest into their checkouts, and refuses words that are paths, unless they are
        of a folder that it copies.
        """
        session: DSession = config.pluginmanager.get_plugin("dsession")
        session.nodemanager.roots = []
        words = [*shlex.split(os.environ.get(FOR_ALL, "")), *map(str, config.invocation_params.args)]
        config.invocation_params = replace(config.invocation_params, args=())
        for spec in specs:
            spec.env = {**spec.env, FOR_ALL: shlex.join(words)}
        session.terminal = None  # it speaks of crashed and replaced workers; here they are told as machines
        config.pluginmanager.unregister(name="terminaldistreporter")
        # A Ctrl-C in a terminal goes to the ssh of each connection, too; they obey this process alone.
        self._before = signal.signal(signal.SIGINT, signal.SIG_IGN)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Obey a Ctrl-C again, once: what is finished is then saved."""
        signal.signal(signal.SIGINT, self._before or signal.default_int_handler)
        self._config.stash[ENDING].listen()

    def pytest_configure_node(self, node: WorkerController) -> None:
        """Give a machine a channel of its own for its results."""
        channel = node.gateway.newchannel()
        arriving = Arriving(node.gateway.id, self._place, channel.send)
        channel.setcallback(arriving, endmarker=None)
        self._arriving[node.gateway.id] = arriving
        node.workerinput[CHANNEL] = channel

    def pytest_xdist_make_scheduler(self) -> Alone:
        """Have each machine go through everything by itself."""
        return Alone(lambda node: self._lines.through(node.gateway.id))

    def pytest_testnodeready(self, node: WorkerController) -> None:
        """Let a machine begin, as soon as it can, whatever becomes of the others."""
        node.send_runtest_all()
        node.shutdown()  # when it is through

    def pytest_testnodedown(self, node: WorkerController, error: object) -> None:
        """Keep what has come of a machine that has ended, be it well or not."""
        name = node.gateway.id
        if name not in self._ended:
            self._arriving[name].end()
            self._ended[name] = Ended(why(node, error), self._arriving[name])
            self._lines.ended(name, self._ended[name])

    def pytest_keyboard_interrupt(self) -> None:
        """Stop the machines, and wait until they have saved what is finished."""
        going = [arriving for name, arriving in self._arriving.items() if name not in self._ended]
        if going:
            names = ", ".join(one.machine for one in going)
            self._lines.write(f"machine  stopping {names}; what is finished is saved")
        for arriving in going:
            arriving.say(STOP)
        for arriving in going:
            arriving.over.wait(PATIENCE)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep what has come of machines that have not ended, and tell how all did."""
        for name, arriving in self._arriving.items():
            if name not in self._ended:
                arriving.end()
                self._ended[name] = Ended("was stopped", arriving)
        self._config.pluginmanager.unregister(name="dsession")  # it would end with a worker that crashed
        self._lines.end(self._ended)
        if self._lines.problems and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
