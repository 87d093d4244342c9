"""What lies at which path of the page's server, and what is sent of it.

Contents are sent as a content delivery network sends them: encoded, if a browser takes it and it is worth it. They are
encoded at the latest when a server is made, before anything is measured, and only read from then on. What is published
later, inputs above all, goes as it is.
"""

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from browser_harness import encoding, served
from browser_harness.channel import FetchedFile, PageError


@dataclass(frozen=True)
class Body:
    """What an answer carries: a content, in a coding or as it is."""

    source: BinaryIO  # to be read from its beginning
    wire: int  # bytes of it
    decoded: int  # bytes of the content
    form: encoding.Form | None = None  # what the content was encoded as

    @property
    def told(self) -> FetchedFile:
        """What a result tells of it."""
        coding, level = (self.form.coding, self.form.level) if self.form else (None, None)
        return {"wire": self.wire, "decoded": self.decoded, "encoding": coding, "level": level}


class Contents:
    """Files and bytes by path."""

    def __init__(self, files: Mapping[str, encoding.Content], imports: Mapping[str, str]) -> None:
        for file in files.values():
            if isinstance(file, Path):
                served.check(file)  # now: the first time takes a while, and an answer may be on the clock
        self._at: dict[str, encoding.Content] = {**files, **_resolved(files, imports)}
        self._forms = _encoded(self._at)
        # Those of bytes are found once: here, and not in an answer, which may be on the clock.
        self._digests = {path: encoding.digest_of(one) for path, one in self._at.items() if isinstance(one, bytes)}

    def publish(self, path: str, content: bytes) -> None:
        """Have *content* at *path* from now on, to be sent as it is, in place of a file."""
        self._forms.pop(path, None)
        self._digests.pop(path, None)
        self._at[path] = content

    def digest(self, path: str) -> str | None:
        """Return the SHA-256 of a file, or of what is there in place of one; None of what was published."""
        if path in self._digests:
            return self._digests[path]
        content = self._at.get(path)
        return encoding.digest_of(content) if isinstance(content, Path) else None

    def encodes(self, path: str) -> bool:
        """Whether what is sent at *path* depends on what a browser takes."""
        return bool(self._forms.get(path))

    def body(self, path: str, accepts: str | None = None) -> Body | None:
        """Return what is sent at *path* to one that *accepts* these encodings; None where nothing is there.

        Raises PageError where a file, or what was made of it, is not what it was.
        """
        content: encoding.Content | None = self._at.get(path)
        if content is None:
            return None
        if isinstance(content, Path):
            served.check(content)
        forms = self._forms.get(path, {})
        if coding := encoding.chosen(forms, accepts):
            return Body(_opened(forms[coding], content), forms[coding].size, forms[coding].decoded, forms[coding])
        source = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        return Body(source, size, size)


def _opened(form: encoding.Form, content: encoding.Content) -> BinaryIO:
    """Open an encoded file, which neither itself nor what it was made of may have changed since: a look at each."""
    if isinstance(content, Path) and served.digest(content) != form.content:
        raise PageError(f"{content} has changed since it was encoded; leave it alone, and run again")
    if not form.is_sound:
        raise PageError(f"{form.file} is not as it was made; run again, and it is made anew")
    return form.file.open("rb")


def resolved(module: str, imports: Mapping[str, str]) -> str:
    """Return a module's text with what it imports by name at the URLs of *imports*, as a bundler writes it.

    An import map would do in a page; workers know none.
    """
    for name, url in imports.items():
        module = re.sub(rf"""(\b(?:from|import)\s*)(["']){re.escape(name)}\2""", rf"\1\2{url}\2", module)
    return module


def _modules(files: Mapping[str, encoding.Content]) -> dict[str, str]:
    on_disk = ((path, file) for path, file in files.items() if isinstance(file, Path))
    return {path: file.read_text() for path, file in on_disk if Path(path).suffix in (".js", ".mjs")}


def _resolved(files: Mapping[str, encoding.Content], imports: Mapping[str, str]) -> dict[str, bytes]:
    """Return the modules that import something by name, as they are to be served."""
    modules = _modules(files).items() if imports else ()
    return {path: text.encode() for path, module in modules if (text := resolved(module, imports)) != module}


def _encoded(contents: Mapping[str, encoding.Content]) -> dict[str, Mapping[str, encoding.Form]]:
    """Return the forms that contents can be sent in, made where they are not kept yet; none of a file that is gone."""
    there = {path: content for path, content in contents.items() if not isinstance(content, Path) or content.is_file()}
    encoding.make(there.values())
    return {path: encoding.forms(content) for path, content in there.items()}
