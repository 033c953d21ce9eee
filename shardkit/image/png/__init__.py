"""PNG, from bytes to pixels and back.

    bytes ── structure ──────────> PngInfo           rules and checksums; nothing is decompressed
          ── libdeflate, inflate ─> filtered lines    exactly the bytes that the header requires, Adler-32 compared
          ── unfilter ────────────> bytes of pixels   compiled │ NumPy (one filter) │ libpng (mixed): the same bits
          ── decode ──────────────> pixels            bits, palette, transparency, interlacing

    pixels ── encode ──> bytes

    kernels        loads the compiled code, tests it, and decides whether it is used
    jit            how it is compiled; functions written in LLVM code
    huffman, inflate    deflate, two streams in turns          unfilter_simd    filters, 16 lines diagonally

Numba is imported only through `kernels.py`. Without it, the same pixels take about twice the time.
"""
