"""Devices that join by a link: a browser opens it, and its page is asked as one that is driven.

``server`` lets devices in, ``device`` is what it knows of one, ``presence`` whether that is here; ``page/`` is what a
person sees there. ``channel`` is the way to a page of one, from this process or, by ``control``, from another;
``browsers`` starts those of this machine.
Only the channel is loaded by processes that measure: what it costs would be counted as a runtime's.
"""

from browser_harness.joined.channel import AnyDevice, AwayError, HiddenError, JoinedPage, LeftError

__all__ = ["AnyDevice", "AwayError", "HiddenError", "JoinedPage", "LeftError"]
