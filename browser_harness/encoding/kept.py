"""The store of encoded contents, in the user's cache folder: made once, and shared by all checkouts.

Each lies under the SHA-256 of its content, its coding and the levels of that. So nothing old is ever sent for a file
that was damaged, changed or updated, and two versions of the suite that encode otherwise do not meet. A record beside
it has the SHA-256 of what was made, once that had been decoded to the content again; what is not as recorded is made
anew. That a content is not worth encoding is recorded, too. A record's own time is when it was last used, to a day.
"""

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from browser_harness import packages, served
from browser_harness.channel import PageError
from browser_harness.encoding.codings import CODINGS, Coding

WORTH = 0.9  # of its bytes an encoded content may have; where it has more, the content is sent as it is
# A content of more bytes is judged by samples first, in so many pieces of so many bytes: weights seldom get smaller.
JUDGED_WHOLE = 1 << 20
SAMPLES, SAMPLE = 16, 64 << 10
TOLD = 1 << 20  # bytes of a content from which on it is told that it was encoded
DAY = 24 * 3600.0  # seconds
MOST_DAYS = 90  # that what nobody uses is kept: a branch, or a version of a model, may rest for weeks

Content = Path | bytes


@dataclass(frozen=True)
class Form:
    """A content in a coding, as it was made."""

    coding: str
    level: int
    content: str  # the SHA-256 of what was encoded
    decoded: int  # bytes of that
    file: Path
    size: int  # bytes
    digest: str  # SHA-256 of the file

    @property
    def is_sound(self) -> bool:
        """Whether the file is as it was made."""
        return self.file.is_file() and served.digest(self.file) == self.digest


def folder() -> Path:
    """Return where the store is."""
    return packages.cache_folder() / "encoded"


def digest_of(content: Content) -> str:
    """Return the SHA-256 of a content."""
    return served.digest(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def forms(content: Content) -> Mapping[str, Form]:
    """Return the sound forms that are kept of *content*, by coding, what is liked best first."""
    kept = {entry.coding.name: entry.kept()[1] for entry in _entries(content)}
    return {name: form for name, form in kept.items() if form}


def make(contents: Iterable[Content], tell: Callable[[str], None] | None = None) -> None:
    """Encode what is not kept yet of *contents*, in every coding, over all cores; *tell* of each that takes a while.

    Raises PageError where the store cannot be written.
    """
    entries = {entry.name: entry for content in contents for entry in _entries(content)}
    missing = [entry for entry in entries.values() if not entry.kept()[0]]
    if not missing:
        return
    missing.sort(key=lambda entry: entry.size, reverse=True)  # or the largest would be waited for at the end
    if tell:
        tell(f"encoding what pages load, once: {len(missing)} forms of {sum(entry.size for entry in missing):,} bytes")
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for entry in threads.map(_made, missing):
            if tell and entry.size >= TOLD:
                tell(str(entry))


def keep_copy(content: Content, cache: Path) -> None:
    """Copy what is kept of *content* into the store of another *cache* folder."""
    copy = cache / folder().name
    copy.mkdir(parents=True, exist_ok=True)
    for entry in _entries(content):
        for file in filter(Path.is_file, (entry.file, entry.record)):
            shutil.copyfile(file, copy / file.name)  # with a time of its own: it is used from now on


def prune(tell: Callable[[str], None]) -> None:
    """Remove what was not used for MOST_DAYS, and *tell* it; a server notes its use as it starts."""
    sizes = [size for file in folder().glob("*") if (size := _removed(file)) is not None]
    if sizes:
        words = f"{len(sizes)} encoded files of {sum(sizes):,} bytes that were not used for {MOST_DAYS} days"
        tell(f"removed  {words}, from {folder()}; who needs one makes it anew")


def _removed(file: Path) -> int | None:
    """Remove a file that is too old; return how many bytes it had, and None where it stays."""
    record = file if file.suffix == ".json" else file.with_name(f"{file.name}.json")
    try:
        size = file.stat().st_size
        used = (record if record.exists() else file).stat().st_mtime
        if time.time() - used <= MOST_DAYS * DAY:
            return None
        file.unlink()
    except OSError:  # another process has removed it, or it is not ours to remove
        return None
    return size


@dataclass(frozen=True)
class _Entry:
    """A place in the store: a file, and a record of its SHA-256, null if it is not worth it, and level."""

    source: Content
    content: str  # its SHA-256
    coding: Coding

    @cached_property
    def size(self) -> int:
        return self.source.stat().st_size if isinstance(self.source, Path) else len(self.source)

    @property
    def name(self) -> str:
        return f"{self.content}.{self.coding.name}-{self.coding.hard}-{self.coding.quick}"

    @cached_property
    def file(self) -> Path:
        return folder() / self.name

    @property
    def record(self) -> Path:
        return folder() / f"{self.name}.json"

    def kept(self) -> tuple[bool, Form | None]:
        """Return whether it is known what to send, and the sound form if that is not the content as it is."""
        try:
            told = json.loads(self.record.read_text())
            self._note_use()
            digest, level = told["sha256"], told["level"]
            if digest is None:
                return True, None
            size = self.file.stat().st_size
            form = Form(self.coding.name, level, self.content, self.size, self.file, size, digest)
            return form.is_sound, form if form.is_sound else None
        except (OSError, ValueError, TypeError, KeyError):  # nothing that can be read
            return False, None

    def _note_use(self) -> None:
        with suppress(OSError):  # a store that is only read is not pruned either
            if time.time() - self.record.stat().st_mtime > DAY:
                os.utime(self.record)

    def __str__(self) -> str:
        what = self.source.name if isinstance(self.source, Path) else self.content[:12]
        _, form = self.kept()
        becomes = f"{form.size:,} bytes, level {form.level}" if form else "not worth it"
        return f"encoded  {what}: {self.size:,} bytes in {self.coding.name}: {becomes}"


def _entries(content: Content) -> Iterator[_Entry]:
    digest = digest_of(content)
    return (_Entry(content, digest, coding) for coding in CODINGS.values())


def _made(entry: _Entry) -> _Entry:
    """Encode a content, and record the proof that it can be decoded, or that it is not worth it."""
    level, encoded = _encoded(entry)
    record = {"sha256": hashlib.sha256(encoded).hexdigest() if encoded else None, "level": level}
    try:
        if encoded:
            _write(entry.file, encoded)
        _write(entry.record, json.dumps(record).encode())
    except OSError as error:
        words = f"{folder()} cannot be written ({error.strerror}), where encoded files are kept"
        raise PageError(f"{words}; free space there, or name another folder with XDG_CACHE_HOME") from error
    if not entry.kept()[0]:  # or the content would go as it is, in silence
        raise PageError(f"{entry.file} is not as it was written; another process may have written it, too: run again")
    return entry


def _encoded(entry: _Entry) -> tuple[int, bytes | None]:
    """Return the level, and the content as it is to be sent; None where that saves less than a tenth."""
    is_large, coding = entry.size > JUDGED_WHOLE, entry.coding
    sample = _samples(entry.source, entry.size) if is_large else _whole(entry.source)
    share = len(coding.encode(sample, coding.quick)) / max(1, len(sample))
    level = coding.level(entry.size, share)
    if is_large and share > WORTH:
        return level, None
    content = _whole(entry.source)
    encoded = coding.encode(content, level)
    if len(encoded) > WORTH * len(content):
        return level, None
    if hashlib.sha256(coding.decode(encoded)).hexdigest() != entry.content:
        raise PageError(f"{entry.source!s:.200} was changed while it was encoded; leave it alone, and run again")
    return level, encoded


def _whole(source: Content) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source


def _samples(source: Content, size: int) -> bytes:
    """Return pieces from all over a content, one behind the other."""
    starts = [(size - SAMPLE) * number // (SAMPLES - 1) for number in range(SAMPLES)]
    if isinstance(source, bytes):
        return b"".join(source[start : start + SAMPLE] for start in starts)
    with source.open("rb") as file:
        return b"".join(_piece(file, start) for start in starts)


def _piece(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.read(SAMPLE)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
