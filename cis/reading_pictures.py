"""
Pure: a photograph of a meter as a telephone took it, made ready to be kept beside the reading.

What is given back is drawn anew: pixels and nothing else, so that neither the place of taking nor the telephone goes
along. It stays large enough to read the digits.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image, ImageFile, ImageOps

MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 60_000_000
"""a file of a few kilobytes may unpack to gigabytes"""
LEAST_PX = 240
LARGEST_SIDE_PX = 1600
_KINDS = ("JPEG", "PNG")


class PhotoRefused(ValueError):
    """The file cannot be used; `reason` is "heavy", "kind", "huge", "small" or "broken"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def meter_photo(stream: BinaryIO) -> bytes:
    """
    A JPEG or PNG, upright, as a JPEG of at most `LARGEST_SIDE_PX` a side without any metadata.

    The content says what kind of file it is, not its name.

    :raises PhotoRefused: too many bytes, another kind, too many pixels, too few on the shorter side, or unreadable
    """
    stream.seek(0)
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise PhotoRefused("heavy")
    try:
        image = Image.open(io.BytesIO(content), formats=_KINDS)
    except Image.DecompressionBombError:
        raise PhotoRefused("huge") from None
    except Exception:
        # Whoever reads what strangers send finds more ways to stumble than any list of exceptions names.
        raise PhotoRefused("kind") from None
    # Known from the first bytes: nothing is unpacked yet.
    if image.width * image.height > MOST_PIXELS:
        raise PhotoRefused("huge")
    if min(image.size) < LEAST_PX:
        raise PhotoRefused("small")
    try:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        image.draft("RGB", (LARGEST_SIDE_PX, LARGEST_SIDE_PX))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((LARGEST_SIDE_PX, LARGEST_SIDE_PX), Image.Resampling.LANCZOS)
        fresh = Image.new("RGB", upright.size)
        fresh.paste(upright)
        kept = io.BytesIO()
        fresh.save(kept, "JPEG", quality=85, optimize=True)
    except Exception:
        raise PhotoRefused("broken") from None
    return kept.getvalue()
