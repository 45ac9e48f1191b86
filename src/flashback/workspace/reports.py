"""Reports: what the ledger knows of a mailing, gathered into one value, and written as a page."""

from pathlib import Path
from typing import Final

from flashback import files, resources
from flashback.model import DeliveryState, Mailing
from flashback.reporting import Domain, Figures, reasons_of, words
from flashback.workspace.parts import Workspace

#: How many domains a report looks at, by how many copies they get.
_LARGEST: Final = 40


def figures(workspace: Workspace, mailing: Mailing) -> Figures:
    """Everything a report shows."""
    ledger = workspace.ledger
    account = ledger.account(mailing.id)
    return Figures(
        mailing=mailing,
        account=account,
        reasons={
            state: reasons_of(ledger.reasons(mailing.id, state))
            for state in words.TROUBLED
            if account[state]
        },
        domains=_domains(workspace, mailing),
        pace=tuple(ledger.pace(mailing.id)),
        newsletter=workspace.config.newsletter.name,
        made_at=workspace.clock.now(),
        zone=workspace.config.sending.zone,
    )


def _domains(workspace: Workspace, mailing: Mailing) -> tuple[Domain, ...]:
    """The slowest of the large ones first; one reader alone does not make a domain slow."""
    largest = workspace.ledger.domains(mailing.id)[:_LARGEST]
    found = (
        Domain(
            name=one.domain,
            copies=one.account.audience,
            accepted=one.account[DeliveryState.ACCEPTED],
            open=one.account.open,
            seconds=one.seconds,
        )
        for one in largest
        if one.domain
    )
    return tuple(sorted(found, key=lambda d: (-(d.seconds or 0), -d.open, d.name)))


def write_page(shown: Figures, path: Path, *, language: str) -> None:
    """Write the report as a page that needs nothing else, readable only by its owner."""
    from flashback.reporting.page import page

    text = page(shown, resources.templates("web"), language=language)
    files.write(path, text.encode(), mode=0o600)
