"""The list of commands, each with the module that holds it and its line in ``--help``."""

from typing import Final

import click

from flashback import __version__
from flashback.cli.house import LazyGroup, mark, option
from flashback.sentences import STAFF_LANGUAGES

#: In the order of a week's work.
COMMANDS: Final = {
    "init": ("flashback.cli.start", mark("Make a folder for a newsletter.")),
    "new": ("flashback.cli.start", mark("Begin the next issue.")),
    "add": ("flashback.cli.add", mark("Add an article from the address of its page.")),
    "import": ("flashback.cli.imports", mark("Begin an issue with a Word file.")),
    "check": ("flashback.cli.issue", mark("Read an issue and say what is wrong with it.")),
    "preview": ("flashback.cli.preview", mark("Show an issue in a browser while you write it.")),
    "compose": ("flashback.cli.issue", mark("Typeset an issue into HTML, text and messages.")),
    "theme": ("flashback.cli.theme", mark("Look after the colours of the mail.")),
    "proof": (
        "flashback.cli.send",
        mark("Send an issue to yourself or a few others, to look at it."),
    ),
    "send": ("flashback.cli.send", mark("Send an issue to its readers.")),
    "status": ("flashback.cli.mailing", mark("Show how the mailings stand.")),
    "pause": ("flashback.cli.control", mark("Stop a mailing for a while.")),
    "resume": ("flashback.cli.control", mark("Go on with a mailing that was interrupted.")),
    "cancel": ("flashback.cli.control", mark("Call a mailing off.")),
    "report": ("flashback.cli.report", mark("Account for every copy of a mailing.")),
    "resend": ("flashback.cli.control", mark("Send to some readers once more.")),
    "archive": ("flashback.cli.archive", mark("Write a site of the issues that were sent.")),
    "subscribers": ("flashback.cli.subscribers", mark("Look after the address book.")),
    "backup": ("flashback.cli.safekeeping", mark("Copy the store into one file.")),
    "restore": ("flashback.cli.safekeeping", mark("Put a backup of the store back.")),
    "store": ("flashback.cli.safekeeping", mark("Look after the store.")),
    "serve": ("flashback.cli.web", mark("Show the page behind the unsubscribe link.")),
    "dkim": ("flashback.cli.dkim", mark("Sign mail, so that receivers know it is yours.")),
    "bounces": ("flashback.cli.bounces", mark("Read reports of failed mail.")),
    "demo": ("flashback.cli.demo", mark("Try it all here, without sending mail to anyone.")),
}


@click.group(
    cls=LazyGroup,
    commands_at=COMMANDS,
    example="flashback check issues/35",
    help=mark("Write a newsletter as a text file, and send it with every copy accounted for."),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@option(
    "-C",
    "--folder",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    help=mark("Work in this folder."),
)
@option("--lang", type=click.Choice(STAFF_LANGUAGES), help=mark("Speak this language to me."))
@option("--traceback", is_flag=True, help=mark("Show where in the program an error arose."))
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def flashback(context: click.Context, folder: str, lang: str | None, traceback: bool) -> None:  # noqa: ARG001  # read before Click is
    """Keep the folder for the command."""
    context.obj = folder
