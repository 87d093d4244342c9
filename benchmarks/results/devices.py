"""A device that joined by a link, as a saved run tells it: what it says of itself, and what it is called for that.

All of that are claims, for a browser says what it likes; what is not claimed is unknown. Nothing of the machine that
served it stands in its place: that one stands beside it, as machines tell themselves.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.results import keys
from browser_harness.about import UNKNOWN, hints, system_of
from models.names import tame

Info = Mapping[str, Any]  # pytest-benchmark's machine_info, or what a device says of itself

LONGEST = 40  # letters of a claim in a device's name
# What pytest-benchmark tells of a machine, and no browser of its device.
UNTOLD = (
    *("processor", "python_compiler", "python_implementation", "python_implementation_version"),
    *("python_version", "python_build"),
)
MODELS = re.compile(r"iPhone|iPad|Macintosh")
BROWSERS = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKit"}


def is_device(info: Info) -> bool:
    """Whether a run's machine_info is that of a device that joined."""
    return isinstance(info.get(keys.DEVICE), Mapping)


def machine_info(about: Info, serving: Info, versions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the machine_info of a run for a device.

    *about* is its word, *serving* the machine_info of the machine that served it, *versions* are of all that ran for
    its figures but its browser.
    """
    system, release = system_of(about)
    cores = {"count": about["cores"]} if about.get("cores") else {}
    return {
        **dict.fromkeys(UNTOLD, UNKNOWN),
        "node": model_of(about) or UNKNOWN,
        "machine": hints(about).get("architecture") or UNKNOWN,
        "system": system,
        "release": release,
        "cpu": cores,
        "load_average": {"start": None, "end": None},
        "versions": {**(versions or {}), str(about.get("engine")): str(about.get("version"))},
        "suite": serving.get("suite"),
        keys.DEVICE: shared(about),
        keys.SERVED_BY: dict(serving),
    }


def shared(about: Info) -> dict[str, Any]:
    """Return what a file may hold of it: that is shared, and an address is not."""
    return {name: value for name, value in about.items() if name != "address"}


def of_run(info: Info) -> Info:
    """Return what the device of a run says of itself."""
    about: Info = info[keys.DEVICE]
    return about


def served_by(info: Info) -> Info:
    """Return the machine_info of the machine that served a run's device; empty where that is not told."""
    serving = info.get(keys.SERVED_BY)
    return serving if isinstance(serving, Mapping) else {}


def story_of(info: Info) -> Info:
    """Return how often a run's device left and hid its page; empty where that is not told."""
    story = of_run(info).get("story")
    return story if isinstance(story, Mapping) else {}


def model_of(about: Info) -> str | None:
    """Return which model it says it is; None where it does not say."""
    told = hints(about).get("model")
    found = MODELS.search(str(about.get("userAgent")))
    return str(told) if told else found[0] if found else None


def browser(about: Info) -> str:
    """Return what browser it says it is: ``Firefox 153``."""
    engine, version = about.get("engine"), str(about.get("version") or UNKNOWN)
    name = BROWSERS.get(str(engine), "a browser that says nothing known")
    return name if version == UNKNOWN else f"{name} {version.partition('.')[0]}"


def short(about: Info) -> str:
    """Return what a device is called: ``Chromium 153, Pixel 8, 8 cores, http``, as far as it says that."""
    cores, twin = about.get("cores"), about.get("twin") or 1
    of_cores = f"{cores} core{'' if cores == 1 else 's'}" if cores else ""
    words = [browser(about), model_of(about), of_cores, about.get("transport")]
    return ", ".join(_brief(word) for word in words if word) + (f" ({twin})" if twin != 1 else "")


def _brief(word: Any) -> str:
    """Return a claim as it stands in a name, which is shown in many places: none fills a screen or drives one."""
    text = tame(str(word))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def longer(about: Info) -> str:
    """Return the same with its system and its memory."""
    system = " ".join(word for word in system_of(about) if word != UNKNOWN)
    memory = f"{about['memory']:g} GB" if isinstance(about.get("memory"), int | float) else ""
    return ", ".join(word for word in (short(about), system, memory) if word)


def longest(about: Info) -> str:
    """Return the same with all else that sets it apart."""
    return ", ".join([longer(about), *(f"{name} {value}" for name, value in identity(about).items())])


def folder(about: Info) -> str:
    """Return a folder's name made of the same: ``firefox-153-2-cores-http``."""
    return re.sub(r"[^a-z0-9.]+", "-", short(about).lower()).strip("-.") or UNKNOWN


def identity(about: Info) -> dict[str, Any]:
    """Return what must be alike, by the words of a message, for two runs to be of one device, as far as it says."""
    system, release = system_of(about)
    told = {
        "browser": about.get("engine"),
        "browser's version": about.get("version"),
        "device's model": model_of(about),
        "system": system,
        "system's release": release,
        "architecture": hints(about).get("architecture"),
        "cores": about.get("cores"),
        "memory": about.get("memory"),
        "isolated": about.get("isolated"),
        "connected by": about.get("transport"),
        "graphics adapter": _adapter(about.get("adapter")),
        "of several alike": about.get("twin") or 1,
    }
    return {name: UNKNOWN if value is None else value for name, value in told.items()}


def _adapter(told: Any) -> str | None:
    """Return what a device says of its WebGPU, in a line."""
    values = [str(value) for value in told.values() if value and value is not True] if isinstance(told, Mapping) else []
    return " ".join(values) or None


def twins(abouts: Sequence[Info]) -> list[int]:
    """Return of each device how many before it, itself among them, are called the same: who came first is 1."""
    names = [short({**about, "twin": None}) for about in abouts]
    return [names[: number + 1].count(name) for number, name in enumerate(names)]
