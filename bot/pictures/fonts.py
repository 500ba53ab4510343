"""The letters of our pictures and documents: IBM Plex Sans Arabic, which also has the Latin alphabet.

Its licence is the SIL Open Font License 1.1. For the few letters it lacks (ḥ in a name, Tifinagh in an operator's)
there is DejaVu Sans, which Matplotlib brings.
"""

from __future__ import annotations

from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

FAMILY = "IBM Plex Sans Arabic"
FALLBACK_FAMILY = "DejaVu Sans"

_PLEX = Path(str(files("fontpkg_ibm_plex_sans_arabic"))) / "files"
REGULAR = _PLEX / "IBMPlexSansArabic-Regular.ttf"
BOLD = _PLEX / "IBMPlexSansArabic-Bold.ttf"


def fallback() -> Path:
    """DejaVu Sans. Matplotlib is found, not imported: a document has no use for the rest of it.

    Raises `importlib.metadata.PackageNotFoundError` without Matplotlib.
    """
    return Path(str(distribution("matplotlib").locate_file("matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf")))
