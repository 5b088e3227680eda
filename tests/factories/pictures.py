"""Photos as telephones take them, drawn: two colours, so that it can be seen which way up they are."""

from __future__ import annotations

import io

from PIL import ExifTags, Image

RED, BLUE = (200, 30, 30), (30, 30, 200)


def drawing(
    size: tuple[int, int] = (1200, 900), colours: tuple[tuple[int, int, int], ...] = (RED, BLUE)
) -> Image.Image:
    """One colour above the other."""
    image = Image.new("RGB", size, colours[0])
    image.paste(colours[1], (0, size[1] // 2, *size))
    return image


def photo(image: Image.Image | None = None, kind: str = "JPEG", *, orientation: int = 1) -> io.BytesIO:
    """The file of it, which says where it was taken, by which telephone, and which way it was held."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "TELEPHONE"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (30.0, 37.0, 12.0)
    taken = io.BytesIO()
    more = {"comment": "at home"} if kind == "JPEG" else {}
    (image or drawing()).save(taken, kind, exif=exif, **more)
    taken.seek(0)
    return taken
