"""Commands of `shardkit`: each module has the name of its command and a function of that name.

    make      pack, append, merge, remove, index
    check     verify, repair, doctor
    read      info, ls, cat, unpack
    train     order, bench (bench_probe: the stream that it measures; bench_report: its table and advice)
    shell     completion

`cli/main.py` lists them and imports only the one that runs.
"""
