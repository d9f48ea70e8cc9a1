"""The largest pictures that are read. A module without Pillow, because messages to users name these limits."""

from typing import Final

MAX_PIXELS: Final = 50_000_000
"""Decoding takes up to twelve bytes a pixel within the reader's memory. Phones make photographs of up to 50 million."""

MAX_SIDE: Final = 65_000
"""The largest width or height, in pixels."""
