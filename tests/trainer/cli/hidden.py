"""`python -m trainer`, where rank 1 does not see the dataset: as on a machine that has not mounted it."""

import os
import sys

from trainer.__main__ import main

if __name__ == "__main__":
    words = sys.argv[1:]
    if os.environ["RANK"] == "1":
        words[words.index("--data.path") + 1] += "-not-mounted"
    sys.exit(main(words))
