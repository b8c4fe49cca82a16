"""What decoders of pictures get to read: nothing that costs memory or time without being drawn."""

import struct
import zlib

import pytest

from core.preview.pictures import drawn_part

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXEL = zlib.compress(b"\0\1\2\3")


def chunk(name, body=b""):
    check = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)


HEAD = _SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
PIXELS = chunk(b"IDAT", _PIXEL) + chunk(b"IEND")


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"sPLT", b"abCd"])
def test_a_png_is_read_without_what_is_not_drawn(name):
    extra = chunk(name, b"k\0\0" + zlib.compress(b"a" * 100_000))
    assert drawn_part("PNG", HEAD + extra * 3 + PIXELS) == HEAD + PIXELS


def test_colours_and_transparency_of_a_png_stay_once():
    profile = chunk(b"iCCP", b"profile")
    colours = chunk(b"PLTE", b"abc") + chunk(b"tRNS", b"\0") + profile
    assert drawn_part("PNG", HEAD + colours + profile * 2 + PIXELS) == HEAD + colours + PIXELS


def test_a_png_of_several_parts_stays_as_it_is():
    picture = HEAD + chunk(b"IDAT", _PIXEL[:5]) + chunk(b"IDAT", _PIXEL[5:]) + chunk(b"IEND")
    assert drawn_part("PNG", picture) == picture


@pytest.mark.parametrize("length", range(8, len(HEAD + PIXELS)))
def test_what_is_left_of_a_cut_png_stays(length):
    assert (HEAD + PIXELS).startswith(drawn_part("PNG", (HEAD + PIXELS)[:length]))


def test_a_length_beyond_the_end_of_a_png_ends_it():
    hostile = HEAD + b"\xff\xff\xff\xff" + b"zTXt" + b"x" * 50
    assert drawn_part("PNG", hostile) == HEAD


@pytest.mark.parametrize(("scans", "is_read"), [(1, True), (100, True), (101, False)])
def test_a_jpeg_with_too_many_scans_is_not_read(scans, is_read):
    picture = b"\xff\xd8" + (b"\xff\xda\0\x0c" + b"x" * 10) * scans + b"\xff\xd9"
    assert drawn_part("JPEG", picture) == (picture if is_read else b"")


@pytest.mark.parametrize("form", ["GIF", "BMP", "WebP"])
def test_other_formats_are_read_as_they_are(form):
    assert drawn_part(form, HEAD) == HEAD
