"""What torchrun starts: an epoch in which all ranks meet in each step, on the dataset that the command line names."""

import sys

import torch.distributed

from shardkit.stream.dataset import StreamingDataset
from tests.shardkit.stream.rank_processes import trained

if __name__ == "__main__":
    torch.distributed.init_process_group("gloo")
    trained(StreamingDataset(sys.argv[1], global_batch=4))
