"""Images between bytes and pixels, with the same result on every machine.

    bytes ── codec ──> pixels │ slots of a batch            pixels and facts
               ├── png/                                     PNG: structure, decoding, encoding, compiled kernels
               ├── npy, frames                              our codecs: `.npy`, bare or in a zstd or lz4 frame
               └── foreign, foreign_headers, opencv         JPEG, WebP, BMP, TIFF of adopted tars

    pixels ── color ──> enhance ──> geometry ──> pixels     gray or RGB, ridges, upright and resized

    formats   codecs, extensions, size limits, EXIF orientation, image facts: no NumPy
    arrays    array types, slots, scratch memory of threads

A new codec: `formats.py` for its name, `codec.py` for its functions.
"""
