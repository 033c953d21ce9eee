"""Commands of `python -m trainer`, one file per command with a `main(arguments)`.

    __main__.py → cli/COMMAND.py → app.py         parsers, messages, exit codes
                                 → run_folder.py  arguments RUN, --split, --step; trained weights

    a run              train.py   doctor.py   plan.py   overfit.py
    a finished run     evaluate.py   embed.py   replay.py
    the guarantee      prove.py, which starts killed_run.py as a process

A new command is a file here and a name in `trainer.__main__.COMMANDS`. Flags of the config come from config/schema.py.
"""
