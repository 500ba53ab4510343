"""Catalogues of translations as files: the same catalogue always gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po


def read(path: Path, locale: str | None = None) -> Catalog:
    """A catalogue; `locale` is Babel's, for texts with plurals. Raises `PoFileError` and `FileNotFoundError`."""
    with path.open("rb") as file:
        return read_po(file, locale=locale, ignore_obsolete=True, abort_invalid=True)


def write(path: Path, catalogue: Catalog, language: str, about: str, *, with_files: bool = False) -> bool:
    """Write a catalogue, and whether that changed the file.

    `about` is its first line; `with_files` tells of each text in which files it stands.
    """
    content = _content(catalogue, language, about, with_files)
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def _content(catalogue: Catalog, language: str, about: str, with_files: bool) -> bytes:
    """Babel's own header has dates in it, which would change at every run."""
    entries = io.BytesIO()
    write_po(entries, catalogue, width=0, omit_header=True, no_location=not with_files, include_lineno=False)
    header = [
        f"Language: {language}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    if catalogue.locale is not None:
        header.append(f"Plural-Forms: {catalogue.plural_forms}")
    lines = "".join(f'"{line}\\n"\n' for line in header)
    start = f'# {about}\nmsgid ""\nmsgstr ""\n{lines}\n'
    return start.encode() + entries.getvalue().rstrip(b"\n") + b"\n"
