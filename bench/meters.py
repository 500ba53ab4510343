"""Pictures of meters drawn by Pillow, for the measurement of photo reading: wheels, displays, and what a phone does
to them. A case is made from its seed alone, so that a run can be repeated.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont

FONTS = Path(str(distribution("matplotlib").locate_file("matplotlib/mpl-data/fonts/ttf")))
WHEEL_FONTS = ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSansMono.ttf")
LABEL_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf")
FACE = (1000, 720)
"""A meter's face before the camera sees it, in pixels."""

TURNED = 0.3
"""How far the last wheel must have gone for the next digit to be readable too."""

KINDS = ("black wheels", "white wheels", "display")
CARE = ("careful", "ordinary", "hasty")
"""How the customer takes the picture."""


@dataclass(frozen=True, slots=True)
class Case:
    """One picture. `index` is what stands before the comma, None where there is nothing to read. While the last
    wheel before the comma is between two digits, `index` plus one may be read as well: `is_turning`."""

    kind: str
    care: str
    index: int | None
    digits: int
    meter_number: str
    unit: str
    is_turning: bool
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Hand:
    """What the camera does, in one of the ways of `CARE`: degrees, shares of the picture, pixels of blur."""

    tilt: float
    lean: float
    fill: tuple[float, float]
    blur: tuple[float, float]
    noise: float
    glare: float
    dark: float
    quality: tuple[int, int]


_HANDS = {
    "careful": _Hand(3, 0.03, (0.75, 1.0), (0.0, 0.8), 4, 0.1, 0.85, (75, 92)),
    "ordinary": _Hand(9, 0.08, (0.5, 0.9), (0.4, 1.8), 9, 0.35, 0.6, (55, 85)),
    "hasty": _Hand(22, 0.16, (0.3, 0.8), (0.8, 3.4), 18, 0.6, 0.3, (30, 70)),
}


def case(seed: int) -> Case:
    """The picture of a seed: three of each kind in ten, and one of something that is no meter."""
    rng = Random(f"meter picture {seed}")
    care = CARE[seed % 3]
    number = str(rng.randrange(10**7, 10**9))
    if rng.random() < 0.08:
        picture = rng.choice((_bill, _wall))(rng)
        return Case("no meter", care, None, 5, number, "kWh", False, _taken(picture, care, rng))
    kind = rng.choice(KINDS)
    is_water = kind == "white wheels"
    digits = 5 if is_water else rng.choice((5, 5, 6))
    index = (
        rng.randrange(10 ** (digits - 3), 10**digits) if rng.random() < 0.85 else rng.randrange(10 ** (digits - 2))
    )
    draw = _display if kind == "display" else _wheels
    picture, is_turning = draw(rng, index, digits, number, is_water)
    unit = "m3" if is_water else "kWh"
    return Case(kind, care, index, digits, number, unit, is_turning, _taken(picture, care, rng))


# --- faces --------------------------------------------------------------------------------------------------


def _face(rng: Random, number: str, unit: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A meter's face with what else is printed on it: maker, number, ratings, constant, year, a bar code."""
    shade = rng.randrange(205, 250)
    face = Image.new("RGB", FACE, (shade, shade, shade - rng.randrange(0, 18)))
    pen = ImageDraw.Draw(face)
    ink = rng.randrange(10, 70)
    font = rng.choice(LABEL_FONTS)

    def write(x: int, y: int, text: str, size: int) -> None:
        pen.text((x, y), text, font=_font(font, size), fill=(ink, ink, ink))

    write(rng.randrange(60, 300), 30, rng.choice(("COMPTEUR", "ACTARIS", "ITRON", "SAGEMCOM", "LANDIS+GYR")), 54)
    write(rng.randrange(60, 200), 110, f"N° {number}", rng.randrange(30, 46))
    write(rng.randrange(600, 720), 120, str(rng.randrange(1995, 2025)), 34)
    if unit == "kWh":
        write(60, 520, f"{rng.choice((5, 10, 15))}({rng.choice((30, 60, 90))})A  230V  50Hz", 36)
        write(60, 580, f"{rng.choice((400, 800, 1000, 1600))} imp/kWh   Cl. {rng.choice((1, 2))}", 34)
    else:
        write(60, 520, f"Qn {rng.choice(('1,5', '2,5'))} m³/h   Classe B", 36)
        write(60, 580, f"PN {rng.choice((10, 16))}", 34)
    for x in range(620, 900, 7):
        if rng.random() < 0.55:
            pen.rectangle((x, 520, x + rng.randrange(2, 5), 600), fill=(ink, ink, ink))
    write(640, 606, number, 30)
    return face, pen


def _wheels(rng: Random, index: int, digits: int, number: str, is_water: bool) -> tuple[Image.Image, bool]:
    """Wheels that turn: white on black with a red one, or black on white with red digits behind the comma."""
    unit = "m³" if is_water else "kWh"
    face, pen = _face(rng, number, "m3" if is_water else "kWh")
    decimals = 3 if is_water else rng.choice((0, 1, 1))
    font = _font(rng.choice(WHEEL_FONTS), rng.randrange(84, 110))
    width, height, gap = rng.randrange(76, 92), 126, rng.randrange(4, 22)
    total = (digits + decimals) * (width + gap) + (24 if decimals else 0)
    x = max((FACE[0] - total) // 2, 20)
    y = rng.randrange(210, 300)
    pen.rounded_rectangle((x - 16, y - 14, x + total + 8, y + height + 14), 10, fill=_grey(rng, 20, 60))
    behind = rng.random()
    fraction = index * 10**decimals + int(behind * 10**decimals)
    shown = f"{fraction:0{digits + decimals}d}"
    turning, is_turning = (behind * 10**decimals) % 1, False
    for place in range(digits + decimals - 1, -1, -1):
        is_red = place >= digits
        left = x + place * (width + gap) + (20 if is_red else 0)
        colours = _wheel_colours(rng, is_red, is_water)
        face.paste(_wheel(int(shown[place]), turning, (width, height), font, *colours), (left, y))
        if place == digits - 1:
            is_turning = turning > TURNED
        # A wheel moves while the one to its right goes from nine to zero.
        turning = turning if shown[place] == "9" else 0.0
    pen.text((x + total // 2 - 40, y + height + 30), unit, font=_font("DejaVuSans-Bold.ttf", 44), fill=(30, 30, 30))
    return face, is_turning


def _wheel_colours(rng: Random, is_red: bool, is_water: bool) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Of the digit and of the wheel."""
    light, dark = _grey(rng, 225, 250), _grey(rng, 8, 40)
    red = (rng.randrange(170, 215), rng.randrange(15, 45), rng.randrange(15, 50))
    if is_water:
        return (red if is_red else dark), light
    return light, (red if is_red else dark)


def _wheel(
    digit: int,
    turning: float,
    size: tuple[int, int],
    font: ImageFont.FreeTypeFont,
    ink: tuple[int, int, int],
    ground: tuple[int, int, int],
) -> Image.Image:
    """The window on a wheel that has gone `turning` (0 to 1) of the way to the next digit."""
    width, height = size
    wheel = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(wheel)
    for step in (0, 1):
        middle = height / 2 + (step - turning) * height
        pen.text((width / 2, middle), str((digit + step) % 10), font=font, fill=ink, anchor="mm")
    shade = Image.linear_gradient("L").resize((width, height // 3)).point(lambda value: value // 3)
    for flipped, top in ((True, 0), (False, height - height // 3)):
        piece = shade if not flipped else shade.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        wheel.paste((0, 0, 0), (0, top), piece)
    return wheel


_SEGMENTS = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc",
    "5": "afgcd", "6": "afgedc", "7": "abc", "8": "abcdefg", "9": "abcdfg",
}  # fmt: skip


def _display(rng: Random, index: int, digits: int, number: str, is_water: bool) -> tuple[Image.Image, bool]:
    """A seven-segment display: dark on green or grey, decimals behind a point, the code of the register beside."""
    face, pen = _face(rng, number, "kWh")
    ground = rng.choice(((158, 172, 142), (176, 182, 168), (146, 160, 150), (188, 190, 178)))
    ink = (24, 30, 26) if rng.random() < 0.8 else (60, 66, 58)
    box = (90, 200, 910, 420)
    pen.rectangle(box, fill=ground)
    decimals = rng.choice((0, 0, 1, 2, 3)) if digits <= 6 else 0
    text = f"{index:0{digits}d}" if rng.random() < 0.75 else str(index)
    places = text + "".join(str(rng.randrange(10)) for _ in range(decimals))
    width, height, gap = (62, 118, 20) if len(places) > 7 else (74, 138, 24)
    slant = rng.choice((0.0, 0.08, 0.12))
    left = box[2] - 110 - len(places) * (width + gap)
    top = 245
    for place, digit in enumerate(places):
        x = left + place * (width + gap)
        _segments(pen, digit, x, top, width, height, slant, ink)
        if decimals and place == len(text) - 1:
            pen.ellipse((x + width + 5, top + height - 12, x + width + 17, top + height), fill=ink)
    pen.text((box[2] - 92, top + height - 40), "kWh", font=_font("DejaVuSans-Bold.ttf", 38), fill=ink)
    if rng.random() < 0.5:
        pen.text((box[0] + 12, box[1] + 8), "1.8.0", font=_font("DejaVuSansMono.ttf", 32), fill=ink)
    return face, False


def _segments(
    pen: ImageDraw.ImageDraw,
    digit: str,
    x: float,
    y: float,
    width: float,
    height: float,
    slant: float,
    ink: tuple[int, int, int],
) -> None:
    thick, half = width * 0.2, height / 2

    def at(across: float, down: float) -> tuple[float, float]:
        return x + across + (height - down) * slant, y + down

    def bar(*corners: tuple[float, float]) -> None:
        pen.polygon([at(*corner) for corner in corners], fill=ink)

    inset = thick * 0.15
    for name in _SEGMENTS[digit]:
        match name:
            case "a" | "g" | "d":
                middle = {"a": thick / 2, "g": half, "d": height - thick / 2}[name]
                top, bottom = middle - thick / 2, middle + thick / 2
                bar(
                    (inset + thick / 2, middle), (inset + thick, top), (width - inset - thick, top),
                    (width - inset - thick / 2, middle), (width - inset - thick, bottom), (inset + thick, bottom),
                )  # fmt: skip
            case _:
                start = inset if name in "fb" else half + inset
                end = half - inset if name in "fb" else height - inset
                left = 0 if name in "fe" else width - thick
                bar(
                    (left + thick / 2, start), (left + thick, start + thick / 2), (left + thick, end - thick / 2),
                    (left + thick / 2, end), (left, end - thick / 2), (left, start + thick / 2),
                )  # fmt: skip


def _bill(rng: Random) -> Image.Image:
    """A page of a bill: full of numbers, none of them an index on a meter."""
    page = Image.new("RGB", FACE, (246, 246, 240))
    pen = ImageDraw.Draw(page)
    lines = [
        f"Facture n° {rng.randrange(10**9, 10**10)}", f"Contrat {rng.randrange(10**7, 10**8)}",
        f"Ancien index {rng.randrange(10**5)}   nouvel index {rng.randrange(10**5)}",
        f"Consommation {rng.randrange(50, 400)} kWh", f"Total {rng.randrange(50, 900)},{rng.randrange(100):02d} DH",
        f"A payer avant le {rng.randrange(1, 29):02d}/{rng.randrange(1, 13):02d}/2026",
    ]  # fmt: skip
    for row, line in enumerate(lines):
        pen.text((70, 60 + row * 96), line, font=_font("DejaVuSans.ttf", rng.randrange(34, 50)), fill=(25, 25, 30))
    return page


def _wall(rng: Random) -> Image.Image:
    """A wall, a door, a bush: coarse noise around one colour."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    coarse = (
        numbers.integers(70, 190, 3) + numbers.integers(-40, 40, (9, 12, 1)) + numbers.integers(-9, 9, (9, 12, 3))
    )
    return Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8)).resize(FACE, Image.Resampling.BICUBIC)


# --- the camera ---------------------------------------------------------------------------------------------


def _taken(face: Image.Image, care: str, rng: Random) -> bytes:
    """`face` as a phone sends it: where it was, how it was held, in what light, as JPEG."""
    hand = _HANDS[care]
    size = rng.choice(((1280, 960), (1600, 1200), (1280, 720), (960, 1280)))
    picture = _placed(face, size, hand, rng)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(*hand.blur)))
    if rng.random() < hand.glare:
        picture = _glare(picture, rng)
    picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(hand.dark, 1.1))
    picture = ImageEnhance.Contrast(picture).enhance(rng.uniform(0.7, 1.1))
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(0, hand.noise), (*size[::-1], 3))
    picture = Image.fromarray(np.clip(np.asarray(picture, dtype=np.float32) + noise, 0, 255).astype(np.uint8))
    if care == "hasty" and rng.random() < 0.25:
        picture = picture.rotate(rng.choice((90, 180, 270)), expand=True)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=rng.randrange(*hand.quality))
    return file.getvalue()


def _placed(face: Image.Image, size: tuple[int, int], hand: _Hand, rng: Random) -> Image.Image:
    """The face tilted, seen from aside and below, somewhere on a wall."""
    scale = rng.uniform(*hand.fill) * min(size[0] / FACE[0], size[1] / FACE[1])
    angle = math.radians(rng.uniform(-hand.tilt, hand.tilt))
    middle = (size[0] / 2 * rng.uniform(0.92, 1.08), size[1] / 2 * rng.uniform(0.92, 1.08))
    corners = []
    for x, y in ((0, 0), (FACE[0], 0), FACE, (0, FACE[1])):
        away = ((x - FACE[0] / 2) * scale, (y - FACE[1] / 2) * scale)
        turned = (
            away[0] * math.cos(angle) - away[1] * math.sin(angle),
            away[0] * math.sin(angle) + away[1] * math.cos(angle),
        )
        lean = 1 + rng.uniform(-hand.lean, hand.lean)
        corners.append((middle[0] + turned[0] * lean, middle[1] + turned[1] * lean))
    wall = _wall(rng).resize(size)
    coefficients = _perspective(corners, ((0, 0), (FACE[0], 0), FACE, (0, FACE[1])))
    seen = face.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    mask = Image.new("L", FACE, 255).transform(size, Image.Transform.PERSPECTIVE, coefficients)
    wall.paste(seen, (0, 0), mask)
    return wall


def _perspective(there: list[tuple[float, float]], here: tuple[tuple[int, int], ...]) -> list[float]:
    """Pillow's eight numbers that lead from a point of the picture to one of the face."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(there, here, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return [float(each) for each in np.linalg.solve(np.array(rows), np.array(wanted))]


def _glare(picture: Image.Image, rng: Random) -> Image.Image:
    """A lamp or a flash on the glass."""
    width, height = picture.size
    light = Image.new("L", picture.size, 0)
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
    across, down = rng.uniform(0.04, 0.16) * width, rng.uniform(0.04, 0.16) * height
    ImageDraw.Draw(light).ellipse((x - across, y - down, x + across, y + down), fill=rng.randrange(120, 255))
    light = light.filter(ImageFilter.GaussianBlur(max(across, down) / 2.5))
    return ImageChops.screen(picture, Image.merge("RGB", (light, light, light)))


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / name), size)


def _grey(rng: Random, low: int, high: int) -> tuple[int, int, int]:
    value = rng.randrange(low, high)
    return value, value, value
