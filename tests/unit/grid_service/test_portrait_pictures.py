"""From a telephone's photo to the picture of a card: what is taken, what is drawn, what does not go along."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import ExifTags, Image, ImageFile

from grid_service.portrait_pictures import MOST_BYTES, SIDE_PX, PictureRefused, square_portrait
from tests.factories.pictures import BLUE, RED, drawing, photo


def opened(picture: bytes) -> Image.Image:
    """What a browser would make of it."""
    return Image.open(io.BytesIO(picture))


def is_like(pixel: object, colour: tuple[int, ...]) -> bool:
    """The same colour but for what compression does to it."""
    return isinstance(pixel, tuple) and all(abs(one - other) < 16 for one, other in zip(pixel, colour, strict=True))


def png_that_says(width: int, height: int) -> io.BytesIO:
    """The head of a PNG of this size, and next to nothing behind it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)))


class TestThePicture:
    def test_is_square_upright_and_says_nothing_of_where_it_was_taken(self) -> None:
        taken = photo(orientation=6)
        assert Image.open(taken).getexif().get_ifd(ExifTags.IFD.GPSInfo), "the drawing says where"

        picture = opened(square_portrait(taken))

        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (SIDE_PX, SIDE_PX))
        # Held on its side: what was above is now at the right.
        assert is_like(picture.getpixel((SIDE_PX - 40, SIDE_PX // 2)), RED)
        assert is_like(picture.getpixel((40, SIDE_PX // 2)), BLUE)
        assert not picture.getexif() and not {"exif", "comment", "icc_profile"} & set(picture.info)

    def test_is_the_middle_of_what_was_wide(self) -> None:
        wide = drawing((1600, 400), (BLUE, BLUE))
        wide.paste(RED, (600, 0, 1000, 400))

        picture = opened(square_portrait(photo(wide)))

        assert all(is_like(picture.getpixel(at), RED) for at in [(8, 8), (375, 8), (8, 375), (375, 375)])

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16"])
    def test_is_made_of_every_kind_of_png(self, mode: str) -> None:
        picture = opened(square_portrait(photo(Image.new(mode, (240, 300)), "PNG")))

        assert (picture.mode, picture.size) == ("RGB", (SIDE_PX, SIDE_PX))
        if mode in ("RGBA", "LA"):
            assert is_like(picture.getpixel((100, 100)), (255, 255, 255)), "nothing shines through to white"

    def test_of_a_printers_photo_is_made_too(self) -> None:
        printed = photo(drawing().convert("CMYK"))

        assert opened(square_portrait(printed)).mode == "RGB"

    def test_at_the_edge_is_taken(self) -> None:
        assert square_portrait(photo(drawing((200, 201))))


class TestRefusals:
    @pytest.mark.parametrize(
        ("taken", "reason"),
        [
            (io.BytesIO(b""), "kind"),
            (io.BytesIO(b"%PDF-1.7 photo.jpg"), "kind"),
            (io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "kind"),
            (photo(kind="GIF"), "kind"),
            (photo(kind="WEBP"), "kind"),
            (photo(drawing((199, 900))), "small"),
            (png_that_says(8000, 5001), "huge"),
            (png_that_says(60_000, 60_000), "huge"),
            (png_that_says(600, 600), "broken"),
            (io.BytesIO(photo().getvalue()[:3000]), "broken"),
            (io.BytesIO(photo().getvalue() + b"\0" * MOST_BYTES), "heavy"),
        ],
    )
    def test_say_why(self, taken: io.BytesIO, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as WeasyPrint leaves it

        with pytest.raises(PictureRefused) as refused:
            square_portrait(taken)

        assert refused.value.reason == reason
