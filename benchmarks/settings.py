"""What a person can set for all platforms at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Settings:
    """Read once from the command line; a platform takes from it what concerns it."""

    browser_path: Path | None = None
    timeout: float = 60.0  # seconds that one call into a page may take


def settings_of(config: "pytest.Config") -> Settings:
    """Return the settings of a pytest run."""
    return Settings(config.getoption("browser_path"), config.getoption("inference_timeout"))
