"""Pictures as bytes of a file, decoded and normalised alike on both sides of a network.

The suite feeds its reference with what this says of a person's picture, and the server that it starts decodes the
same bytes by this same file. So it needs NumPy and Pillow alone, which that server's environment has as well.
"""

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP")
MODES = {1: "L", 3: "RGB"}  # what Pillow calls them, by channels
MOST_PIXELS = 50_000_000  # of a picture before it is resized: 150 MB of memory
DEEP = ("I", "F")  # how the modes of Pillow begin that have more than 8 bits a channel


class PictureError(Exception):
    """A file is no picture that all decode alike; the message, in one line, says why and what helps."""


def decode(content: bytes, channels: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return a picture's pixels, uint8 [channels, height, width]: 3 channels are red, green, blue; 1 is grey.

    The whole picture is brought to the size, bilinear, whatever its proportions. As in most loaders, a rotation that
    is only written beside the pixels is overlooked. Raises PictureError where the bytes are no JPEG, PNG or WebP, are
    broken, or hold what is not told by 8 bits a channel: more bits, inks, transparent parts, several pictures.
    """
    image = _loaded(content).convert(MODES[channels])
    if image.size != (width, height):
        from PIL.Image import Resampling

        image = image.resize((width, height), Resampling.BILINEAR)
    planes = np.asarray(image, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)
    return np.ascontiguousarray(planes)


def normalise(pixels: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float32]:
    """Scale uint8 [..., channels, height, width] to 0…1, then by *mean* and *std* per channel.

    Every step is rounded to float32, bit for bit as the accuracy's images are normalised, on server and page.
    """
    means, deviations = (np.array(values, np.float32).reshape(-1, 1, 1) for values in (mean, std))
    return (pixels.astype(np.float32) / np.float32(255) - means) / deviations


def levels(values: NDArray[Any], mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float64]:
    """Return which levels, 0…255, were normalised to *values*: the way back, as float32 has it a little off."""
    means, deviations = (np.array(numbers, np.float64).reshape(-1, 1, 1) for numbers in (mean, std))
    return (values.astype(np.float64) * deviations + means) * 255


def _loaded(content: bytes) -> "Image":
    """Decode a file's bytes; raise PictureError where they are none, or not what all would see in them."""
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            image: Image = PIL.Image.open(io.BytesIO(content), formats=FORMATS)
            _check(image)
            image.load()
    except PictureError:
        raise
    except PIL.UnidentifiedImageError:
        raise PictureError(f"no picture: none of {', '.join(FORMATS)}; save it as one of them") from None
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise PictureError(f"too large: more than {MOST_PIXELS:,} pixels; make it smaller") from None
    except Exception as error:  # whatever the reader of a format runs into
        raise PictureError(f"a broken picture ({' '.join(str(error).split())}); save it anew") from error
    _check_opaque(image)
    return image


def _check(image: "Image") -> None:
    """Refuse by what stands in a file's head, before anything is decoded."""
    if image.width * image.height > MOST_PIXELS:
        words = f"{image.width:,} × {image.height:,} pixels, more than {MOST_PIXELS:,}"
        raise PictureError(f"too large: {words}; make it smaller")
    # A JPEG of several pictures (MPO), as telephones write them, is everywhere shown as its first.
    if image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:
        raise PictureError(f"{image.n_frames} pictures that move; save one of them alone")  # type: ignore[attr-defined]
    if image.mode == "CMYK":  # without its profile nobody knows which red an ink is
        raise PictureError("in inks (CMYK), which not all decode alike; convert it to RGB")
    # Of three channels Pillow itself throws 8 of 16 bits away, and only its reader's arguments tell.
    if image.mode.startswith(DEEP) or ";16" in str(getattr(image, "tile", "")):
        raise PictureError("more than 8 bits a channel; save it with 8")


def _check_opaque(image: "Image") -> None:
    """Refuse transparent parts: what a network would see there depends on who decodes them."""
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
        raise PictureError("transparent parts, which not all decode alike; put it on a background")
