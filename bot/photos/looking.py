"""What a picture shows, as lines of characters. Only the looking process runs this: it alone loads the recogniser.

The recogniser (RapidOCR) knows nothing of meters: which of the numbers is the index is for `billing.photographed`
to say, which knows the meter. Here each line that may hold one is looked at again in other lights, and a character
that does not come out the same every time counts for little.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from rapidocr import RapidOCR
from rapidocr.ch_ppocr_rec.typings import TextRecInput

from bot.photos.glyphs import Glyph, Line, joined

KINDS: Final = ("JPEG", "PNG", "WEBP")
MOST_PIXELS: Final = 50_000_000
"""More than any phone's camera gives; a picture of more is not unpacked."""
SIDE: Final = 1280
"""The longer side, in pixels, that is looked at and kept."""
KEPT_QUALITY: Final = 80
LEAST_CERTAIN: Final = 0.3
"""Lines below are noise to the recogniser itself."""
LEAST_DIGITS: Final = 3
MOST_LOOKED_AT_AGAIN: Final = 6
CLEAR: Final = 0.6
"""How certain the least certain digit of a clear number is."""
FARTHER: Final = 0.5
"""The size at which a picture is looked at again: large wheels with gaps between them are seen as words apart."""
TURNS: Final = (3, 1, 2)
"""Quarter turns to try where nothing is clear: the phone held to either side, upside down."""

Pixels = NDArray[np.uint8]


class NotAPicture(ValueError):
    """The bytes are no picture that is looked at: another format, spoilt, or far too large."""


def look(content: bytes) -> tuple[bytes, list[Line]]:
    """The picture as it is kept (JPEG, without what the phone noted in it), and the lines that it shows.

    Raises `NotAPicture`.
    """
    picture = opened(content)
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=KEPT_QUALITY)
    return kept.getvalue(), lines_of(np.asarray(picture)[:, :, ::-1].copy())


def opened(content: bytes) -> Image.Image:
    """The picture upright by its own account, no longer than `SIDE`. Raises `NotAPicture`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow remarks on odd metadata
            picture: Image.Image = Image.open(io.BytesIO(content), formats=KINDS)
            if picture.width * picture.height > MOST_PIXELS:
                raise NotAPicture("too many pixels")
            picture.draft("RGB", (SIDE, SIDE))
            picture.load()
            picture = ImageOps.exif_transpose(picture)
            picture = picture.convert("RGB")
    except NotAPicture:
        raise
    except Exception as error:  # a spoilt file fails in as many ways as there are formats
        raise NotAPicture(type(error).__name__) from error
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    picture.info.clear()
    return picture


def lines_of(pixels: Pixels) -> list[Line]:
    """The lines of the picture, looked at in the way in which its numbers are the clearest.

    A clear tallest number is nearly always the index, and ends it. Where labels alone are clear, the picture is the
    right way up.
    """
    best = _lines(pixels)
    if _clearness(_numbers(best)[:1]) < CLEAR:
        smaller = cv2.resize(pixels, None, fx=FARTHER, fy=FARTHER, interpolation=cv2.INTER_AREA)
        farther = _lines(np.asarray(smaller, dtype=np.uint8))
        best = max(best, farther, key=lambda found: _clearness(_numbers(found)[:1]))
    for turns in TURNS:
        if _clearness(_numbers(best)) >= CLEAR:
            break
        turned = _lines(np.ascontiguousarray(np.rot90(pixels, turns)))
        best = max(best, turned, key=lambda found: _clearness(_numbers(found)))
    return best


def _numbers(lines: Sequence[Line]) -> list[Line]:
    """The lines with a number long enough for an index, the tallest first."""
    return sorted((line for line in lines if line.digits > LEAST_DIGITS), key=lambda line: line.height, reverse=True)


def _clearness(lines: Sequence[Line]) -> float:
    """How certain the clearest of these lines is in its least certain character."""
    return max((min(glyph.certainty for glyph in line.glyphs) for line in lines), default=0.0)


def _lines(pixels: Pixels) -> list[Line]:
    found = _recogniser()(pixels, use_cls=False, return_word_box=True, return_single_char_box=True)
    if found.boxes is None or not found.word_results:
        return []
    seen = []
    for box, characters in zip(found.boxes, found.word_results, strict=False):
        glyphs = [_glyph(pixels, character, certainty, corners) for character, certainty, corners in characters]
        seen.append((Line(tuple(glyphs)), np.asarray(box, dtype=np.float32)))
    numbers = sorted(
        (each for each in seen if each[0].digits >= LEAST_DIGITS), key=lambda each: each[0].height, reverse=True
    )
    again = {id(line): _looked_at_again(pixels, line, box) for line, box in numbers[:MOST_LOOKED_AT_AGAIN]}
    height = pixels.shape[0]
    return [line.scaled(1 / height) for line in joined([again.get(id(line), line) for line, _ in seen])]


def _glyph(pixels: Pixels, character: str, certainty: float, corners: Any) -> Glyph:
    points = np.asarray(corners, dtype=np.float32)
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    patch = pixels[max(int(top), 0) : int(bottom) + 1, max(int(left), 0) : int(right) + 1]
    return Glyph(
        character,
        float(certainty),
        (float(left + right) / 2, float(top + bottom) / 2),
        float(right - left),
        float(bottom - top),
        _redness(patch),
    )


def _redness(patch: Pixels) -> float:
    """The share of red in a piece of the picture: the wheels behind the comma are red, or their digits."""
    if patch.size == 0:
        return 0.0
    hue, saturation, value = cv2.split(cv2.cvtColor(patch, cv2.COLOR_BGR2HSV))
    red = ((hue < 11) | (hue > 168)) & (saturation > 90) & (value > 50)
    return float(np.count_nonzero(red) / red.size)


def _looked_at_again(pixels: Pixels, line: Line, box: NDArray[np.float32]) -> Line:
    """`line` with the certainty of each character in the least favourable light."""
    views = _views(pixels, box)
    recogniser = _recogniser()._load_rec_model()
    results = recogniser(TextRecInput(img=views, return_word_box=True)).word_results
    for result in results:
        characters = "".join(str(each) for word in result.words for each in word)
        certain = [float(each) for each in result.confs]
        line = line.doubted(characters, certain)
    return line


def _views(pixels: Pixels, box: NDArray[np.float32]) -> list[Pixels]:
    """The piece of the picture again: wider, with its contrast spread, coarser."""
    wide = _cut(pixels, box, 0.12)
    grey = cv2.createCLAHE(2.5, (4, 4)).apply(cv2.cvtColor(wide, cv2.COLOR_BGR2GRAY))
    tight = _cut(pixels, box, 0.02)
    coarse = cv2.GaussianBlur(tight, (0, 0), max(tight.shape[0] / 60, 0.5))
    return [wide, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), coarse]


def _cut(pixels: Pixels, box: NDArray[np.float32], margin: float) -> Pixels:
    """The tilted rectangle `box` upright, with `margin` of its height added on all sides."""
    top_left, top_right, bottom_right, bottom_left = box
    height = float(np.linalg.norm(bottom_left - top_left))
    width = float(np.linalg.norm(top_right - top_left))
    along = (top_right - top_left) / max(width, 1.0) * height * margin
    down = (bottom_left - top_left) * margin
    corners = np.stack(
        [top_left - along - down, top_right + along - down, bottom_right + along + down, bottom_left - along + down]
    ).astype(np.float32)
    size = (max(int(width + 2 * margin * height), 8), max(int(height * (1 + 2 * margin)), 8))
    upright = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], dtype=np.float32)
    cut = cv2.warpPerspective(
        pixels, cv2.getPerspectiveTransform(corners, upright), size, borderMode=cv2.BORDER_REPLICATE
    )
    if size[1] >= 1.5 * size[0]:
        cut = np.ascontiguousarray(np.rot90(cut))
    return np.asarray(cut, dtype=np.uint8)


@cache
def _recogniser() -> RapidOCR:
    """One thread: the turns of everybody else need the other cores. Nothing is downloaded, the wheel has all."""
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.text_score": LEAST_CERTAIN,
            "Global.max_side_len": SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
