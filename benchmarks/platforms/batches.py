"""How a set of images is classified: in batches of one size, of which zeros fill up the last."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.protocol import Block, Images

PART_BYTES = 8_000_000  # of images that are handed over at once; a part is one batch at least


def parts(images: Images, batch_size: int) -> Iterator[Images]:
    """Yield *images* by whole batches, some megabytes at a time."""
    count = max(1, PART_BYTES // (images.pixels[0].nbytes * batch_size)) * batch_size
    for start in range(0, len(images.pixels), count):
        yield replace(images, pixels=images.pixels[start : start + count])


def answered(block: Block, images: int, size: int) -> Block:
    """Return *block* without what it answers for the zeros behind so many *images*."""
    outputs = {
        name: value[:images] if value.ndim and len(value) == size else value for name, value in block.outputs.items()
    }
    return replace(block, outputs=outputs)
