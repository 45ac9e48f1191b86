"""Counts for Prometheus, in its text format 0.0.4: for node_exporter's textfile collector. Pure."""

from collections.abc import Iterable, Iterator

from flashback.model import Account, DeliveryState, Mailing, MailingState


def metrics(mailings: Iterable[tuple[Mailing, Account]]) -> str:
    """Gauges of copies by state and of mailings by state, one line each."""
    counted = list(mailings)
    return "".join(f"{line}\n" for line in [*_copies(counted), *_states(counted)])


def _copies(counted: Iterable[tuple[Mailing, Account]]) -> Iterator[str]:
    yield "# HELP flashback_copies Copies of a mailing in each state; they add up to its audience."
    yield "# TYPE flashback_copies gauge"
    for mailing, account in counted:
        for state in DeliveryState:
            yield f'flashback_copies{{{_labels(mailing)},state="{state}"}} {account[state]}'


def _states(counted: Iterable[tuple[Mailing, Account]]) -> Iterator[str]:
    yield "# HELP flashback_mailing 1 for the state a mailing is in."
    yield "# TYPE flashback_mailing gauge"
    for mailing, _ in counted:
        for state in MailingState:
            here = int(mailing.state is state)
            yield f'flashback_mailing{{{_labels(mailing)},state="{state}"}} {here}'


def _labels(mailing: Mailing) -> str:
    issue = mailing.issue_number.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'mailing="{mailing.id}",issue="{issue}"'
