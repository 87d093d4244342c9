"""What a page loads is sent as a content delivery network sends it: in brotli or gzip, made once.

``codings`` are the ways to encode, ``accepted`` reads which of them a browser takes, and ``kept`` is the store of what
was made. ``make`` makes what is not there yet, ``forms`` are those of one content, ``chosen`` is the one for a browser;
``prune`` removes what was not used for long.
"""

from browser_harness.encoding.accepted import chosen
from browser_harness.encoding.codings import CODINGS
from browser_harness.encoding.kept import Content, Form, digest_of, forms, keep_copy, make, prune

__all__ = ["CODINGS", "Content", "Form", "chosen", "digest_of", "forms", "keep_copy", "make", "prune"]
