"""Faults by which what was measured would be lost, or what is cut would look whole."""

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures.faults.browsers import small_disk
from benchmarks.figures.faults.gates import LIMITS
from benchmarks.figures.faults.place import LISTENING, Ended, Place, Seen, Started, statuses

TRIALS = 20  # of Ctrl-C through tox, each at another moment
LONG = ("--benchmark-autosave", "--benchmark-max-time=1")  # so that no run is over before its signal comes
UNFINISHED = "unfinished-*"  # journals of runs that have not ended
INTERRUPTED, KILLED, USAGE, UNSAVED = 2, 137, 4, 3
SERVER = ("--platform", "server-cpu")


def _tox(place: Place) -> list[str]:
    """Return the suite's main command behind a tox."""
    return place.behind_tox(place.pytest(*LONG), "bench")


def _until_measured(run: Started) -> None:
    """Wait for the first figure, and a while longer: a signal may come at any moment."""
    run.wait_for("median")
    time.sleep(random.uniform(0, 4))  # noqa: S311 (a moment, and no secret)


def _shown(run: Started) -> int:
    return run.out.count("] median ")


def _kept(place: Place, run: Started, shown: int) -> tuple[str, bool]:
    """Return what was saved, and whether it is all that was shown and says that the run was interrupted."""
    saved = place.saved()
    numbers = [len(content["benchmarks"]) for content in saved]
    words = f"{shown} shown, {numbers} saved, exit_status {statuses(saved)}"
    is_right = len(saved) == 1 and numbers[0] >= shown > 0 and statuses(saved) == [INTERRUPTED]
    return words, is_right and "Traceback" not in run.out


def _left(place: Place) -> list[str]:
    return [*place.left(), *(path.name for path in place.storage.rglob(UNFINISHED))]


def _signalled(place: Place, command: Sequence[str], send: Callable[[Started], Any]) -> Seen:
    with place.started(*command) as run:
        _until_measured(run)
        shown = _shown(run)
        send(run)
        run.end()
        left = _left(place)
        words, is_right = _kept(place, run, shown)
    return Seen(words, left, is_right)


def ctrl_c_through_tox(place: Place) -> Seen:
    """Press Ctrl-C in the main command, twenty times, each at another moment."""
    seen = []
    for number in range(TRIALS):
        (place.folder / str(number)).mkdir()
        seen.append(_signalled(trial := Place(place.folder / str(number)), _tox(trial), Started.interrupt))
    right = [trial for trial in seen if trial.is_right and not trial.left]
    wrong = next((f"; not: {trial.kept}" for trial in seen if trial not in right), "")
    left = [name for trial in seen for name in trial.left]
    return Seen(f"{len(right)} of {TRIALS} saved with exit_status {INTERRUPTED}{wrong}", left, len(right) == TRIALS)


def ctrl_c_twice(place: Place) -> Seen:
    """Press Ctrl-C twice within a tenth of a second, without tox."""

    def twice(run: Started) -> None:
        run.interrupt()
        time.sleep(0.1)
        run.interrupt()

    command = [sys.executable, "-c", LISTENING, *place.pytest(*LONG)]
    return _signalled(place, command, twice)


def terminated_tox(place: Place) -> Seen:
    """End tox alone."""
    return _signalled(place, _tox(place), lambda run: run.process.terminate())


def hung_up(place: Place) -> Seen:
    """Close the terminal."""
    return _signalled(place, _tox(place), lambda run: run.hang_up())


def killed(place: Place) -> Seen:
    """Kill a run, and start the next in the same storage."""
    return _killed(place, "")


def killed_while_writing(place: Place) -> Seen:
    """The same, where the last line of what it noted is cut."""
    return _killed(place, '{"half')


def _killed(place: Place, cut: str) -> Seen:
    with place.started(*place.pytest(*LONG)) as run:
        _until_measured(run)
        shown = _shown(run)
        run.process.kill()
        run.process.wait()
        (journal,) = place.storage.rglob(UNFINISHED)
        with journal.open("a") as file:
            file.write(cut)
    following = place.suite(*SERVER, "--benchmark-autosave")
    recovered = [content for content in place.saved() if content["exit_status"] == KILLED]
    number = len(recovered[0]["benchmarks"]) if recovered else 0
    refused = _compared_with(place, recovered[0]) if recovered else None
    is_right = number >= shown > 0 and "was killed" in following.out and (not cut or "cut line" in following.out)
    words = f"{shown} shown, {number} saved by the next run; as a baseline: exit {refused.code if refused else '–'}"
    return Seen(words, _left(place), is_right and refused is not None and refused.code == USAGE)


def _compared_with(place: Place, content: dict[str, Any]) -> Ended:
    (file := place.folder / "baseline.json").write_text(json.dumps(content))
    return place.suite(*SERVER, f"--benchmark-compare={file}", LIMITS)


def _refused(place: Place, *options: str, words: str = "") -> Seen:
    ended = place.suite(*SERVER, *options)
    is_right = ended.code == USAGE and words in ended.out and " ms" not in ended.out and not ended.has_traceback()
    return Seen(f"exit {ended.code}: {ended.telling}", _left(place), is_right)


def absent_folder(place: Place) -> Seen:
    """Name a file in a folder that is not there."""
    return _refused(place, f"--benchmark-json={place.folder / 'nowhere' / 'x.json'}", words="No such file or directory")


def read_only_storage(place: Place) -> Seen:
    """Save where nothing can be written."""
    with small_disk(place, "size=1m,ro") as disk:
        if disk is None:
            return Seen.not_here("a disk cannot be mounted")
        return _refused(place, f"--benchmark-storage=file://{disk}", "--benchmark-autosave", words="Read-only")


def full_disk(place: Place) -> Seen:
    """Save where the disk is full before all is written."""
    with small_disk(place, "size=64k") as disk:
        if disk is None:
            return Seen.not_here("a disk cannot be mounted")
        file = disk / "x.json"
        options = (f"--benchmark-storage=file://{disk}", "--benchmark-autosave", f"--benchmark-json={file}")
        ended = place.suite(*SERVER, *options, "--benchmark-max-time=1")
        whole = [_is_whole(path) for path in disk.rglob("*.json")]
        partial = [path.name for path in disk.rglob("*.part")]
    has_table = "median ms" in ended.out
    is_told = "No space left on device" in ended.out and has_table
    is_right = ended.code == UNSAVED and is_told and all(whole) and not ended.has_traceback()
    words = f"exit {ended.code}, tables {'printed' if has_table else 'lost'}, {len(whole)} whole files"
    return Seen(words, [*partial, *place.left()], is_right)


def _is_whole(file: Path) -> bool:
    try:
        json.loads(file.read_text())
    except ValueError:
        return False
    return True


def storage_elsewhere(place: Place) -> Seen:
    """Name a storage of another kind."""
    return _refused(place, "--benchmark-storage=s3://bucket", "--benchmark-autosave")


def codspeed(place: Place) -> Seen:
    """Ask for another plugin's measuring."""
    return _refused(place, "--codspeed")


def overlong_name(place: Place) -> Seen:
    """Save under a name that no file can have."""
    return _refused(place, f"--benchmark-save={'x' * 255}")
