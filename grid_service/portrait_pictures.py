"""
Pure: a photo as a telephone took it becomes the small square picture of a card.

What is given back is drawn anew: pixels and nothing else, so that neither the place nor the time of taking goes along.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image, ImageFile, ImageOps

SIDE_PX = 384
"""twice the largest that a card shows, and some"""
LEAST_PX = 200
MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
"""a file of a few kilobytes may unpack to gigabytes"""
_KINDS = ("JPEG", "PNG")
_WHITE = (255, 255, 255)


class PictureRefused(ValueError):
    """The file cannot be used; `reason` is "heavy", "kind", "huge", "small" or "broken"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def square_portrait(stream: BinaryIO) -> bytes:
    """
    The middle square of a JPEG or PNG, upright, as a JPEG of `SIDE_PX` by `SIDE_PX` without any metadata.

    The content says what kind of file it is, not its name. What shines through becomes white.

    :raises PictureRefused: too many bytes, another kind, too many pixels, too few on the shorter side, or unreadable
    """
    stream.seek(0)
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise PictureRefused("heavy")
    try:
        image = Image.open(io.BytesIO(content), formats=_KINDS)
    except Image.DecompressionBombError:
        raise PictureRefused("huge") from None
    except Exception:
        # Whoever reads what strangers send finds more ways to stumble than any list of exceptions names.
        raise PictureRefused("kind") from None
    # Known from the first bytes: nothing is unpacked yet.
    if image.width * image.height > MOST_PIXELS:
        raise PictureRefused("huge")
    if min(image.size) < LEAST_PX:
        raise PictureRefused("small")
    try:
        return _drawn(image)
    except Exception:
        raise PictureRefused("broken") from None


def _drawn(image: Image.Image) -> bytes:
    # The library that makes papers lets half a picture pass for one, everywhere in the process.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    # A JPEG can be unpacked at a fraction of its size, which is all that is needed.
    image.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
    upright = ImageOps.exif_transpose(image)
    side = min(upright.size)
    left, top = (upright.width - side) // 2, (upright.height - side) // 2
    seen = upright.crop((left, top, left + side, top + side)).convert("RGBA")
    seen = seen.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    fresh = Image.new("RGB", seen.size, _WHITE)
    fresh.paste(seen, mask=seen)
    kept = io.BytesIO()
    fresh.save(kept, "JPEG", quality=85, optimize=True)
    return kept.getvalue()
