"""OpenCV as this room uses it: imported and set up here, and nowhere else.

One thread, because callers work on many pictures at once: OpenCV's own threads would fight theirs for the cores, and
they do not survive a fork.
"""

import cv2

cv2.setNumThreads(1)

__all__ = ["cv2"]
