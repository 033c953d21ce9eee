"""OpenCV as this room uses it: imported and set up here, and nowhere else.

One thread, because callers work on many pictures at once: OpenCV's own threads would fight theirs for the cores, and
they do not survive a fork. It is silent: what cannot be decoded is told by who asked, with the sample's name.
"""

import cv2
from cv2.utils import logging

cv2.setNumThreads(1)
logging.setLogLevel(logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]
