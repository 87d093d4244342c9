"""The list of faults: the one place to add one."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures.faults import browsers, gates, losing, passing_off
from benchmarks.figures.faults.place import Place, Seen


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and what must be seen then."""

    name: str
    must: str
    inject: Callable[[Place], Seen]


REFUSED = "refused in one line before anything is measured, by the gate as well"

SAVED = "what was shown is saved, exit_status 2, nothing left behind"
BEFORE = "refused in one line before anything is measured"

FAULTS = (
    Fault("Ctrl-C through tox", f"{losing.TRIALS} of {losing.TRIALS}: {SAVED}", losing.ctrl_c_through_tox),
    Fault("Ctrl-C twice", SAVED, losing.ctrl_c_twice),
    Fault("SIGTERM to tox alone", SAVED, losing.terminated_tox),
    Fault("SIGHUP", SAVED, losing.hung_up),
    Fault("SIGKILL", "the next run saves what was finished; no baseline", losing.killed),
    Fault("SIGKILL while it writes", "the same; the cut line is told", losing.killed_while_writing),
    Fault("--benchmark-json in an absent folder", BEFORE, losing.absent_folder),
    Fault("a read-only storage", BEFORE, losing.read_only_storage),
    Fault("a full disk", "tables are printed, no cut file has the final name", losing.full_disk),
    Fault("a storage elsewhere", BEFORE, losing.storage_elsewhere),
    Fault("--codspeed", BEFORE, losing.codspeed),
    Fault("an overlong name", BEFORE, losing.overlong_name),
    Fault("Playwright's driver is stopped", "the whole tree is ended", browsers.stopped_driver),
    Fault("a run is killed with a page open", "the next run removes profile and processes", browsers.killed_run),
    Fault("a run is killed with a worker at work", "the worker ends with it", browsers.killed_worker),
    Fault("an old profile of nobody", "the next run removes it, and no fresh one", browsers.old_profile),
    Fault("a bit of a runtime is flipped", "refused; the set-up mends it", browsers.flipped_byte),
    Fault("a runtime is cut", "refused; the set-up mends it", browsers.cut_runtime),
    Fault("a cut runtime, no network", "one line; nothing is removed", browsers.repair_without_network),
    Fault("a foreign Host", "421", browsers.foreign_host),
    Fault("a broken request", "400", browsers.broken_request),
    Fault("a served file vanishes", "500", browsers.vanished_file),
    Fault("connections that say nothing", "closed; none served after the end", browsers.silent_connections),
    Fault("a temporary folder of 1 MB", "says what is free and what is needed", browsers.small_temporary_folder),
    Fault("64 open files", "names ulimit -n", browsers.few_files),
    Fault("a read-only cache", "one line", browsers.unwritable_cache),
    Fault("two gates at once", "the second is refused, with the holder's pid", gates.two_gates),
    Fault("the lock of a killed gate", "taken over, and told", gates.a_killed_gate),
    Fault("checkouts of seven gates", "the newest three stay, told", gates.many_checkouts),
    Fault("a gate without scipy", "exit 2, not 1: that means slower", gates.gate_without_scipy),
    Fault("a gate interrupted five times", "exit 2, in gate.json too", gates.interrupted_gate),
    Fault("a gate interrupted behind tox", "gate.json tells its exit 2", gates.interrupted_gate_behind_tox),
    Fault("HEAD~1 of a shallow clone", "says how to fetch more", gates.shallow_clone),
    Fault("git that cannot be read", "told once; dirty null; refused by the gate", gates.unreadable_git),
    Fault("a baseline that is absent", REFUSED, gates.absent_baseline),
    Fault("a baseline that is a folder", REFUSED, gates.folder_as_baseline),
    Fault("a baseline that cannot be opened", REFUSED, gates.unreadable_baseline),
    *(
        Fault(
            f"a baseline {damage}",
            BEFORE if damage in gates.OF_NO_CONCERN else REFUSED,
            gates.damaged_baseline(damage),
        )
        for damage in gates.DAMAGES
    ),
    *(
        Fault(f"a manifest that is {damage}", "one line with file and remedy", gates.damaged_manifest(damage))
        for damage in gates.MANIFESTS
    ),
    Fault("a quota of 0.2 cores", "named as the doubt, with advice that fits", passing_off.a_quota_of_a_fifth),
    Fault("two threads on a quota of one", "refused before measuring", passing_off.threads_above_the_quota),
)
