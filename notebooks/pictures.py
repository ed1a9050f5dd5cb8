"""Whether two pictures show the same: pixel by pixel within one environment, at a glance across two."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

PIXELS = 2
"""Difference of a pixel's channel, of 255, that counts as none."""

_WIDTH = 96  # pixels to which pictures are shrunk that were made by different software
_BLUR = 1.5
_CHANNEL = 32  # of 255, in a shrunk picture
_SHARE = 0.002  # of its pixels
_SHAPE = 0.05  # ratio of width to height


def pixels(one: bytes, other: bytes) -> str:
    """What tells two pictures of one environment apart, in a few words; empty where no pixel differs beyond `PIXELS`.

    Transparency counts. What is no picture is compared by its bytes.
    """
    import numpy

    try:
        left, right = _opened(one), _opened(other)
    except ValueError:
        return "" if one == other else "other bytes"
    if left.size != right.size:
        return f"{left.size[0]}×{left.size[1]} became {right.size[0]}×{right.size[1]} pixels"
    a, b = (numpy.asarray(image, dtype=numpy.int16) for image in (left, right))
    apart = numpy.abs(a - b).max(axis=2) > PIXELS
    return f"{apart.mean():.2%} of the pixels differ" if apart.any() else ""


def glance(one: bytes, other: bytes) -> str | None:
    """What tells two pictures apart at a glance, in a few words; empty if nothing does, None where none can be given.

    Two versions of a plotting library draw the same plot with other fonts, edges and resolutions. So both are laid on
    white, shrunk to 96 pixels in width and blurred; then they differ if more than 0.2 % of the pixels are apart by more
    than 32 of 255 in a channel. A small mark that moved, or a curve that is shifted by a hundredth of the height, is
    below that. Pictures whose width to height differ by more than 5 % were laid out otherwise and are not compared.
    """
    import numpy
    from PIL import Image, ImageFilter

    if one == other:
        return ""
    try:
        images = [_opened(one), _opened(other)]
    except ValueError:
        return None
    shapes = [image.size[0] / image.size[1] for image in images]
    if abs(shapes[0] / shapes[1] - 1) > _SHAPE:
        return None
    size = (_WIDTH, max(1, round(_WIDTH / shapes[0])))
    small = []
    for image in images:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image)
        shrunk = paper.convert("RGB").resize(size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(_BLUR))
        small.append(numpy.asarray(shrunk, dtype=numpy.int16))
    share = float((numpy.abs(small[0] - small[1]).max(axis=2) > _CHANNEL).mean())
    return f"{share:.1%} of the picture is another" if share > _SHARE else ""


def _opened(data: bytes) -> Image.Image:
    """The picture with its transparency. Raises ValueError for what is none."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise ValueError("it is no picture") from error
