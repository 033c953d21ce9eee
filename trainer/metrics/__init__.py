"""Output of a run: measurements, records, and where they go. This package knows no model and queries no other rank.

    trainer.py → logger.py ┬→ records.py   metrics.jsonl; comes first, and only it may end a run
                           ├→ console.py   lines, banner, units, remaining time
                           └→ TensorBoard, W&B (in logger.py)
    validator.py → report.py → svg_chart.py    run.md and its plots, made from the records
    machine.py   GPU, memory and disk of this machine;   profiler.py   trace of some steps

A new sink goes to logger.py, a new field to records.py and console.py. Nothing is sent over a network.
"""
