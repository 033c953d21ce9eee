"""`python -m shardkit`: the same as `shardkit`, where its script is not on the PATH."""

from shardkit.cli import main

if __name__ == "__main__":
    main()
