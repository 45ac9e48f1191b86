"""The command line: a command parses, calls one Python function, prints.

This module only decides the language and turns errors into sentences; commands are loaded when
they are asked for, so that ``flashback --help`` stays quick.
"""

import gc
import gettext
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

from flashback.errors import Exit
from flashback.sentences import DOMAIN, LOCALE, STAFF_LANGUAGES

_TRACEBACK: Final = "--traceback"


def run() -> None:
    """Entry point of the console script."""
    # Most commands end before there is garbage worth looking for.
    gc.set_threshold(50_000)
    from flashback.cli.trouble import outlive_the_reader

    outlive_the_reader()
    code = main(sys.argv[1:])
    # Nor at the end: memory is given back as a whole.
    gc.freeze()
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run one command and answer its exit code; never raises but for --traceback."""
    arguments, traceback = _without_traceback(arguments)
    speak(language_of(arguments, os.environ))
    import click

    from flashback.cli.commands import flashback
    from flashback.cli.trouble import explain

    try:
        code = flashback.main(arguments, prog_name="flashback", standalone_mode=False)
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except (click.ClickException, click.Abort, KeyboardInterrupt) as error:
        # A mistake in typing arose nowhere in the program.
        return explain(error)
    except Exception as error:
        if traceback:
            raise
        return explain(error)
    return code if isinstance(code, int) else Exit.DONE


def _without_traceback(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without ``--traceback``, which may stand anywhere before ``--``; was it there.

    People add it at the end of the line that just failed, where Click would not know it.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != _TRACEBACK]
    return [*kept, *arguments[end:]], len(kept) < end


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language to speak to staff: ``--lang``, else the environment's, as POSIX has it."""
    for here, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        if here == "--lang":
            return following if following in STAFF_LANGUAGES else "en"
        if here.startswith("--lang="):
            return here.removeprefix("--lang=")
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(variable, ""):
            first = value.split(":")[0][:2].lower()
            return first if first in STAFF_LANGUAGES else "en"
    return "en"


def speak(language: str) -> None:
    """Make gettext, and with it Click's own words, speak that language."""
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(DOMAIN, LOCALE)
    gettext.textdomain(DOMAIN)
