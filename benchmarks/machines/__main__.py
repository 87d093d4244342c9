"""Measure on several machines at once: ``tox run -e machines -- HOST[:FOLDER] … [options] [-- the suite's options]``.

HOST is a name that ``ssh`` knows, or USER@HOST; FOLDER the checkout there, by default where it lies here. Each machine
is asked first, and told in a line; one that cannot measure is left out. Without a machine this one is told: whether it
can be measured from elsewhere. Ends as pytest does: with 0 where all went well and the machines were alike.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence

from benchmarks.run.each import checking
from benchmarks.run.each.specs import ROOT, SpecError, clean, default_folder, in_shell, machine_of, python_of
from models.names import shown

BAD_USAGE = 4  # pytest's
# As scp has it; a name that begins with a dash would be an option of ssh.
HOST = re.compile(r"(?P<host>(?:[^-@:\s/][^@:\s/]*@)?(?:\[[^]\s]+\]|[^-@:\s/][^@:\s/]*))(?::(?P<folder>.+))?")


def parser() -> argparse.ArgumentParser:
    """Return what the command understands."""
    found = argparse.ArgumentParser(
        prog="machines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = found.add_argument
    add("hosts", nargs="*", metavar="HOST[:FOLDER]", help="a machine, and its checkout")
    add("--here", action="store_true", help="measure on this machine as well")
    add("--check", action="store_true", help="ask the machines, and measure nothing")
    add("--folder", metavar="FOLDER", default=default_folder(), help="of all that name none (default: %(default)s)")
    add("--python", metavar="FILE", help=f"of all (default: {python_of('FOLDER')}, which this command makes there)")
    add("--ssh-config", metavar="FILE", help="in place of ~/.ssh/config")
    return found


def spec_of(text: str, options: argparse.Namespace) -> str:
    """Return a machine as ``--tx`` names it; raise SpecError for what is no host."""
    found = HOST.fullmatch(text)
    if found is None:
        raise SpecError(f"{text}: a machine is named as HOST, USER@HOST or HOST:FOLDER")
    folder = clean(found["folder"] or options.folder)
    python = in_shell(clean(options.python)) if options.python else python_of(folder)
    parts = [f"ssh={found['host'].replace('[', '').replace(']', '')}", f"python={python}", f"chdir={folder}"]
    return "//".join([*parts, *([f"ssh_config={clean(options.ssh_config)}"] if options.ssh_config else [])])


def check(specs: Sequence[str]) -> int:
    """Tell of each machine whether it can measure; return the exit code."""
    *answers, here = checking.ask([*map(machine_of, specs), machine_of("popen")])
    for line in checking.lines(answers, here.told):
        print(shown(line))
    shared = [*checking.shared(answers)]
    for line, _ in shared:
        print(f"machine  {shown(line)}")
    apart = [answer for answer in answers if answer.fault or [*checking.differences(here.told, answer.told)]]
    return int(bool(apart) or any(is_refused for _, is_refused in shared))


def tell_here() -> int:
    """Tell whether this machine can measure, and how it is named elsewhere; return the exit code."""
    code = check(["popen"])
    if not code:
        print("machine  name it where you measure from: tox run -e machines -- HOST")
    return code


def command(specs: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the run of pytest that measures there."""
    each = [word for spec in specs for word in ("--tx", spec)]
    return [sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-only", "--dist", "each", *each, *words]


def main() -> None:
    """Run the command line."""
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, words = parser().parse_args(sys.argv[1:at]), sys.argv[at + 1 :]
    try:
        specs = [spec_of(host, options) for host in options.hosts] + (["popen"] if options.here else [])
    except SpecError as error:
        print(f"machines: {shown(str(error))}", file=sys.stderr)
        sys.exit(BAD_USAGE)
    if not specs:
        sys.exit(tell_here())
    if options.check:
        sys.exit(check(specs))
    os.chdir(ROOT)
    os.execv(sys.executable, command(specs, words))  # noqa: S606 (the words are a person's own)


if __name__ == "__main__":
    main()
