"""Errors in front of staff: a sentence, what to do next, the exit code; never a traceback."""

import os
import sys

import click

from flashback.cli.house import words
from flashback.errors import Exit, FlashbackError
from flashback.sentences import tr


def explain(error: BaseException) -> int:
    """Say what went wrong on standard error; answer the exit code."""
    language = os.environ.get("LANGUAGE", "en")
    match error:
        case FlashbackError():
            _say(error.sentence.in_language(language), error.hint.in_language(language))
            return error.exit_code
        case click.ClickException():
            _say(error.format_message(), _usage_hint(error, language))
            return error.exit_code
        case click.Abort() | KeyboardInterrupt():
            click.echo(words("Aborted!"), err=True)
            return Exit.FAILED
        case BrokenPipeError():
            # The reader of a pipe (head, less) has had enough; say nothing more into it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.DONE
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            _say(f"{place}{error.strerror or error}")
            return Exit.FAILED
        case _:
            told = tr(
                "Something went wrong inside flashback: {what}",
                what=str(error) or type(error).__name__,
            )
            hint = tr("What is durable is safe. Run again with --traceback and report it.")
            _say(told.in_language(language), hint.in_language(language))
            return Exit.FAILED


def _usage_hint(error: click.ClickException, language: str) -> str:
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return ""
    hint = tr("Help: {command} --help", command=error.ctx.command_path)
    return hint.in_language(language)


def _say(sentence: str, hint: str = "") -> None:
    click.echo(click.style("✗ ", fg="red") + sentence, err=True)
    if hint:
        click.echo(f"  {hint}", err=True)
