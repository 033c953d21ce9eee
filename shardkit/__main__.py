"""Entry point of `python -m shardkit`: the command `shardkit`, for when its script is not on the PATH."""

from shardkit.cli import main

if __name__ == "__main__":
    main()
