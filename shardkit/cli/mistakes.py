"""What cannot be meant so, in one sentence: what is wrong, what was probably meant, and which help to ask."""

import click

from shardkit.cli.meant import meant

TRAINER = ("train", "evaluate", "embed", "overfit", "plan", "replay", "prove")
"""Commands that people look for here, and that are the trainer's."""


def told(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else ""
    shows = (
        "lists all of them" if isinstance(error, click.NoSuchOption | click.NoSuchCommand) else "shows what it takes"
    )
    wrong = _wrong(error)
    return wrong if not path or "--help`" in wrong else f"{wrong} `{path} --help` {shows}."


def _wrong(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return _no_option(error)
    if isinstance(error, click.NoSuchCommand):
        return _no_command(error)
    if isinstance(error, click.BadOptionUsage) and error.ctx:
        return _no_value(error.option_name, error.ctx) or error.format_message()
    if isinstance(error, click.MissingParameter) and error.ctx and error.param:
        option = f"{error.param.opts[0]} " if isinstance(error.param, click.Option) else ""
        return f"{option}{error.param.make_metavar(error.ctx)} is missing: {_usage(error.ctx)}."
    return error.format_message()


def _no_option(error: click.NoSuchOption) -> str:
    there = _options(error.ctx) if error.ctx else {}
    # Without dashes, which make all of them alike.
    near = meant(error.option_name.lstrip("-"), (name.lstrip("-") for name in there)).replace("mean ", "mean --")
    behind = error.ctx and isinstance(error.ctx.command, click.Group) and not near
    return f"There is no option {error.option_name}{' in front of a command' if behind else ''}.{near}"


def _no_command(error: click.NoSuchCommand) -> str:
    name = error.command_name
    if name in TRAINER:
        return f"{name} is a command of the trainer: `python -m trainer {'' if name == 'train' else name + ' '}--help`."
    commands = error.ctx.command.commands if error.ctx and isinstance(error.ctx.command, click.Group) else ()
    return f"There is no command {name!r}.{meant(name, commands)}"


def _no_value(name: str, context: click.Context) -> str:
    option = _options(context).get(name)
    if option is None or option.is_flag:
        return f"{name} takes no value." if option else ""
    return f"{name} needs a value: {name} {option.make_metavar(context)}."


def _options(context: click.Context) -> dict[str, click.Option]:
    params = (each for each in context.command.get_params(context) if isinstance(each, click.Option))
    return {name: each for each in params for name in each.opts if name.startswith("--")}


def _usage(context: click.Context) -> str:
    return " ".join((context.command_path, *context.command.collect_usage_pieces(context)))
