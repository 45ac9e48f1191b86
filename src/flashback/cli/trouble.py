"""Errors in front of staff: a sentence, what to do next, the exit code; never a traceback."""

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from flashback.cli.house import words
from flashback.errors import Exit, FlashbackError
from flashback.sentences import tr

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: The other end of a pipe was closed, or the terminal hung up (termios(3), tty_ioctl(4)).
_NOBODY_READS = frozenset({errno.EPIPE, errno.EIO, errno.ENXIO})


def explain(error: BaseException) -> int:
    """Say what went wrong on standard error; answer the exit code."""
    language = os.environ.get("LANGUAGE", "en")
    match error:
        case FlashbackError():
            _say(error.sentence.in_language(language), error.hint.in_language(language))
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return error.exit_code
        case click.ClickException():
            _say(error.format_message(), _usage_hint(error, language))
            return error.exit_code
        case click.Abort() | KeyboardInterrupt():
            click.echo(words("Aborted!"), err=True)
            return Exit.FAILED
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


def outlive_the_reader() -> None:
    """Let what nobody reads any more vanish, on standard output and standard error.

    ``flashback send | head`` goes on, and ends with its own exit code; Click would end the process
    without a word, in the middle of a mailing.
    """
    sys.stdout = _patient(sys.stdout)
    sys.stderr = _patient(sys.stderr)


class _Patient(io.FileIO):
    """A file that becomes the empty device when the other end of its pipe is closed."""

    def write(self, octets: "ReadableBuffer", /) -> int:
        """Write, or pretend to."""
        try:
            return super().write(octets)
        except OSError as error:
            if error.errno not in _NOBODY_READS:
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(octets)


def _patient(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # Closed by the caller, or somebody else's already.
    return io.TextIOWrapper(
        io.BufferedWriter(_Patient(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
