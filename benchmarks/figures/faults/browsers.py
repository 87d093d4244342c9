"""Faults of the browser, its processes, the page's server and the files that it serves."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.figures.faults.gates import clone
from benchmarks.figures.faults.place import Place, Seen
from browser_harness import packages
from browser_harness import server as page_server

WASM = Path("onnxruntime-web", "dist", "ort-wasm-simd-threaded.wasm")
SET_UP = [sys.executable, "-m", "browser_harness"]
PAGE = ("--platform", "chromium-wasm")


def _driver(place: Place) -> psutil.Process:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for process in place.processes():
            with suppress(psutil.Error):
                if "run-driver" in process.cmdline():
                    return process
        time.sleep(0.05)
    raise AssertionError("no driver was started")


def _wait_for_page(place: Place) -> None:
    until = time.monotonic() + 60
    while not any("--type=renderer" in title for title in place.titles()):
        if time.monotonic() > until:
            raise AssertionError("no page was opened")
        time.sleep(0.05)


def stopped_driver(place: Place) -> Seen:
    """Stop Playwright's driver in the middle of a run."""
    with place.started(*place.pytest(*PAGE, "--inference-timeout=5")) as run:
        _wait_for_page(place)
        _driver(place).suspend()
        ended = run.end()
        left = place.left()
    return Seen(f"exit {ended.code}; {len(left)} processes and profiles left", left, ended.code == 1)


def killed_run(place: Place) -> Seen:
    """Kill a run with a page open, and start the next one; a folder of another living run stays."""
    with place.started(*place.pytest(*PAGE)) as run:
        _wait_for_page(place)
        _driver(place).suspend()  # it would otherwise end with its parent
        run.process.kill()
        run.process.wait()
        before = [path.name for path in place.temporary.glob("harness-*")]
        ended = place.run_beside(*place.pytest(*PAGE))
        left = place.left()
    return Seen(f"{len(before)} profiles left, none after the next run", left, bool(before) and ended.code == 0)


def killed_worker(place: Place) -> Seen:
    """Kill a run whose server computes in a process of its own."""
    with place.started(*place.pytest("--platform", "server-cpu", "--benchmark-max-time=20")) as run:
        until = time.monotonic() + 60
        while not (workers := [p for p in place.processes() if "benchmarks.platforms.worker" in p.cmdline()]):
            if time.monotonic() > until:
                raise AssertionError("no worker was started")
            time.sleep(0.05)
        run.process.kill()
        run.process.wait()
        gone, alive = psutil.wait_procs(workers, timeout=10)
        place.run_beside(*place.pytest("--platform", "server-cpu"))
        left = place.left()
    return Seen(f"{len(gone)} of {len(workers)} workers ended with it", left, not alive)


def old_profile(place: Place) -> Seen:
    """Start a run where an old profile lies that nobody owns."""
    place.environment()
    old, fresh = place.temporary / "harness-made_old", place.temporary / "harness-made_new"
    for folder in (old, fresh):
        folder.mkdir(0o700)
    long_ago = time.time() - 2 * 86400
    os.utime(old, (long_ago, long_ago))
    place.suite(*PAGE)
    is_right = not old.exists() and fresh.exists()
    shutil.rmtree(fresh, ignore_errors=True)
    return Seen("the old one is removed, one of today stays", place.left(), is_right)


@contextmanager
def _damaged(place: Place, content: bytes) -> Iterator[Path]:
    """Clone the suite with node_modules of its own, and put *content* in place of the runtime."""
    checkout = clone(place)
    modules = checkout / "browser_harness" / "node_modules"
    shutil.copytree(packages.NODE_MODULES, modules, symlinks=True, copy_function=os.link)
    (modules / WASM).unlink()
    (modules / WASM).write_bytes(content)
    yield checkout


def _runtime() -> bytes:
    return (packages.NODE_MODULES / WASM).read_bytes()


def flipped_byte(place: Place) -> Seen:
    """Flip a bit of onnxruntime-web's WebAssembly, measure, and set up again."""
    content = bytearray(_runtime())
    content[len(content) // 2] ^= 1
    return _refused_and_repaired(place, bytes(content))


def cut_runtime(place: Place) -> Seen:
    """Cut onnxruntime-web's WebAssembly in half, measure, and set up again."""
    return _refused_and_repaired(place, _runtime()[:1_000_000])


def _refused_and_repaired(place: Place, content: bytes) -> Seen:
    with _damaged(place, content) as checkout:
        ended = place.suite(*PAGE, cwd=checkout)
        set_up = place.run(*SET_UP, cwd=checkout)
        mended = (checkout / "browser_harness" / "node_modules" / WASM).read_bytes() == _runtime()
    is_right = ended.code == 1 and "is not as it was published" in ended.out and " ms (" not in ended.out and mended
    return Seen(f"exit {ended.code}; the set-up {'mended it' if mended else set_up.telling}", place.left(), is_right)


def repair_without_network(place: Place) -> Seen:
    """Set up again where the runtime is damaged and no server can be reached."""
    offline = {"npm_config_registry": "http://127.0.0.1:9", "npm_config_fetch_retries": "0"}
    offline["npm_config_cache"] = str(place.folder / "npm")
    with _damaged(place, _runtime()[:1_000_000]) as checkout:
        ended = place.run(*SET_UP, cwd=checkout, env=offline)
        is_there = (checkout / "browser_harness" / "node_modules" / WASM).exists()
    is_right = ended.code == 1 and is_there and not ended.has_traceback() and "cannot be reached" in ended.out
    return Seen(f"exit {ended.code}: {ended.telling}", place.left(), is_right)


@contextmanager
def _served(place: Place) -> Iterator[tuple[int, Path]]:
    (file := place.folder / "page.html").write_text("hello")
    with page_server.serving({"/page.html": file}) as server:
        yield urlsplit(server.origin).port or 0, file


def _asked(port: int, request: bytes, seconds: float = 5.0) -> str:
    """Send *request* to the server; return the first line of its answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request)
        return connection.recv(4096).decode(errors="replace").partition("\r\n")[0]


def foreign_host(place: Place) -> Seen:
    """Ask the page's server under another name, as after DNS rebinding."""
    with _served(place) as (port, _file):
        answer = _asked(port, b"GET /page.html HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        own = _asked(port, f"GET /page.html HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return Seen(f"{answer}; its own name: {own}", place.left(), " 421 " in f"{answer} " and " 200 " in f"{own} ")


def broken_request(place: Place) -> Seen:
    """Send a line that is no request."""
    with _served(place) as (port, _file):
        answers = [_asked(port, line + b"\r\n\r\n") for line in (b"nonsense", b"GET http://[/ HTTP/1.1")]
    return Seen("; ".join(answers), place.left(), all(" 400 " in f"{answer} " for answer in answers))


def vanished_file(place: Place) -> Seen:
    """Ask for a served file that has been removed."""
    with _served(place) as (port, file):
        file.unlink()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/page.html")
        status = connection.getresponse().status
    return Seen(f"status {status}", place.left(), status == 500)


def silent_connections(place: Place) -> Seen:
    """Connect and say nothing, and keep a connection after the server has closed."""
    idle, page_server.IDLE = page_server.IDLE, 0.2
    try:
        with _served(place) as (port, _file):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as silent:
                is_closed = silent.recv(1) == b""
            kept = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            kept.request("GET", "/page.html")
            kept.getresponse().read()
    finally:
        page_server.IDLE = idle
    try:
        kept.request("GET", "/page.html")
        kept.getresponse()
        is_served = True
    except (OSError, http.client.HTTPException):
        is_served = False
    words = f"silent: {'closed' if is_closed else 'kept'}; after the end: {'served' if is_served else 'not served'}"
    return Seen(words, place.left(), is_closed and not is_served)


@contextmanager
def small_disk(place: Place, options: str) -> Iterator[Path | None]:
    """Mount a disk in memory; None where this user may not."""
    (folder := place.folder / "disk").mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


def small_temporary_folder(place: Place) -> Seen:
    """Open a page where the temporary folder has 1 MB."""
    with small_disk(place, "size=1m") as disk:
        if disk is None:
            return Seen.not_here("a disk cannot be mounted")
        ended = place.suite(*PAGE, env={"TMPDIR": str(disk)})
    is_right = ended.code == 1 and "MB free, and a browser needs" in ended.out
    return Seen(f"exit {ended.code}: {_line(ended.out, 'MB free')}", place.left(), is_right)


def few_files(place: Place) -> Seen:
    """Open a page where 64 files may be open."""
    ended = place.run("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", *place.pytest(*PAGE))
    is_right = ended.code == 1 and "raise `ulimit -n`" in ended.out
    return Seen(f"exit {ended.code}: {_line(ended.out, 'ulimit')}", place.left(), is_right)


def unwritable_cache(place: Place) -> Seen:
    """Set up where the cache folder cannot be written and no browser is there."""
    with small_disk(place, "size=1m,ro") as disk:
        if disk is None:
            return Seen.not_here("a disk cannot be mounted")
        ended = place.run(*SET_UP, env={"XDG_CACHE_HOME": str(disk), "PLAYWRIGHT_BROWSERS_PATH": str(disk)})
    is_right = ended.code == 1 and "cannot be written" in ended.out and not ended.has_traceback()
    return Seen(f"exit {ended.code}: {_line(ended.out, 'cannot be written')}", place.left(), is_right)


def _line(out: str, words: str) -> str:
    return next((line.strip() for line in out.splitlines() if words in line), "no words on it")
