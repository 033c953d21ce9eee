"""OpenCV, imported and configured for this package; no other module imports it.

One thread, because callers work on many images simultaneously: OpenCV's own threads would compete for the cores, and
they do not survive a fork. It logs nothing: the caller reports what cannot be decoded, with the name of the sample.
"""

import cv2
from cv2.utils import logging

cv2.setNumThreads(1)
logging.setLogLevel(logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]
