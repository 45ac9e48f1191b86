"""The command line: a command parses, calls one Python function, prints.

This module only decides the language and turns errors into sentences; commands are loaded when
they are asked for, so that ``flashback --help`` stays quick.
"""

import gettext
import os
import sys
from collections.abc import Mapping, Sequence

from flashback.errors import Exit
from flashback.sentences import DOMAIN, LOCALE, STAFF_LANGUAGES


def run() -> None:
    """Entry point of the console script."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command and answer its exit code; never raises but for --traceback."""
    speak(language_of(arguments, os.environ))
    import click

    from flashback.cli.commands import flashback
    from flashback.cli.trouble import explain

    try:
        code = flashback.main(list(arguments), prog_name="flashback", standalone_mode=False)
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except Exception as error:
        if "--traceback" in arguments:
            raise
        return explain(error)
    except KeyboardInterrupt as error:
        return explain(error)
    return code if isinstance(code, int) else Exit.DONE


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language to speak to staff: ``--lang``, else the environment's, as POSIX has it."""
    for here, following in zip(arguments, [*arguments[1:], ""], strict=True):
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
