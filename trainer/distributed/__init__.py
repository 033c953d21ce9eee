"""Ranks of a job: how they connect, exchange gradients and statistics, and stop together.

    world.py      process group and collectives   ← gradients, step_stats and run_lock use it
    gradients.py  reduction of gradients (DDP or exact), clipping
    step_stats.py  the one exchange of losses, statistics and stop signals in each step
    watchdog.py   hanging ranks, signals
    run_lock.py   one job per run folder

A process without torchrun is a group of one rank, and everything here works the same.
"""
