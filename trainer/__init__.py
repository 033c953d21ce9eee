"""Training under torchrun: from a shardkit stream to trained weights.

    cli/train.py → trainer.py         the loop: step, validate, save, stop
                    ├─ build.py       makes all parts of a run from its config/
                    ├─ data.py        batches on the device → augment/
                    ├─ train_step.py  one step → network.py (models/, losses.py, heads/), optim.py, distributed/
                    ├─ schedule.py    learning rate and duties at each step
                    ├─ validator.py   a split → evaluation/
                    ├─ checkpoint/    training state on disk
                    └─ metrics/       records, console, sinks, report

Also here: run_record.py (facts that a checkpoint records), planning.py (arithmetic of `plan`), errors.py (exit codes)
and recipes/ (configs that are ready to use). Only data.py opens a stream, and only public names of shardkit are used.
"""
