"""The mailroom: editions are planned and opened as mailings, and mailings are found again."""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from flashback import addresses
from flashback.errors import FlashbackError, RepeatedIssueError, UnknownMailingError
from flashback.model import (
    Account,
    Address,
    Claim,
    DeliveryState,
    Edition,
    Mailing,
    MailingState,
    Message,
    Outcome,
    Plan,
)
from flashback.sentences import tr
from flashback.tokens import SigningKey
from flashback.workspace import book, hours, logbook, seal
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from flashback.dispatch.ports import Wait
    from flashback.mime import Sender

#: Signs what is only looked at.
_PREVIEW: Final = SigningKey(bytes(16))
#: How many mailings back one is looked for.
_RECENT: Final = 50
#: Who an edition is addressed to when nobody gets it: compose, rehearsals.
_INVENTED: Final = Address(mailbox="reader@example.org", key="reader@example.org")


def plan(
    workspace: Workspace,
    editions: Sequence[Edition],
    *,
    segment: str | None,
    forced: Sequence[str] = (),
    again: bool = False,
    latecomers: bool = False,
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
) -> Plan:
    """Which editions go to which readers, by a segment's expression or name.

    Raises RepeatedIssueError when the issue was mailed before, unless ``again``.
    """
    from flashback.dispatch.planning import fallback_of

    preferred = workspace.config.newsletter.language
    fallback = fallback_of(editions, preferred=preferred)
    if not again:
        refuse_repetition(workspace, editions[0].issue_number)
    return Plan(
        editions=tuple(editions),
        fallback=fallback,
        segment=book.expression(workspace, segment),
        latecomers=latecomers,
        forced=tuple(forced),
        sender=workspace.sender(workspace.clock.now()).public,
        again=again,
        not_before=not_before,
        not_after=not_after,
    )


def plan_for_latecomers(workspace: Workspace, mailing: Mailing, *, segment: str | None) -> Plan:
    """What a mailing sent, as it was frozen then, for who is in no mailing of its issue."""
    editions = [workspace.ledger.edition(digest) for digest in mailing.editions.values()]
    return plan(workspace, editions, segment=segment, again=True, latecomers=True)


def refuse_repetition(workspace: Workspace, issue_number: str) -> None:
    """Raise RepeatedIssueError when the issue was begun as a mailing, and say how that went."""
    earlier = workspace.ledger.mailing_of(issue_number)
    if earlier is None:
        return
    opened = hours.shown(earlier.opened_at, workspace.config.sending.zone)
    match earlier.state:
        case MailingState.FINISHED:
            sentence = tr(
                "Issue {number} was already sent: mailing {id}, {date}.",
                number=issue_number, id=earlier.id, date=opened,
            )  # fmt: skip
            hint = tr(
                "For readers who have not had it: flashback resend {id} --new. "
                "To send it to everybody once more: add --again.",
                id=earlier.id,
            )
        case MailingState.CANCELLED:
            sentence = tr(
                "Issue {number} was begun and called off: mailing {id}, {date}.",
                number=issue_number, id=earlier.id, date=opened,
            )  # fmt: skip
            hint = tr(
                "Who had it is in flashback report {id}. To send it to everybody: add --again.",
                id=earlier.id,
            )
        case MailingState.SCHEDULED:
            sentence = tr(
                "Issue {number} waits for its hour: mailing {id}, {date}.",
                number=issue_number, id=earlier.id,
                date=hours.shown(earlier.not_before or earlier.opened_at,
                                 workspace.config.sending.zone),
            )  # fmt: skip
            hint = tr(
                "To let it leave: flashback resume {id} --wait. To call it off: "
                "flashback cancel {id}.",
                id=earlier.id,
            )
        case _:
            sentence = tr(
                "Issue {number} was begun on {date} and is not finished: mailing {id}.",
                number=issue_number, id=earlier.id, date=opened,
            )  # fmt: skip
            hint = tr(
                "To go on with it: flashback resume {id}. To send it to everybody once more: "
                "add --again.",
                id=earlier.id,
            )
    raise RepeatedIssueError(sentence, hint=hint)


def audience(workspace: Workspace, plan: Plan) -> Mapping[str, int]:
    """How many readers would get each edition, by its language."""
    return workspace.ledger.audience(plan)


def open_mailing(workspace: Workspace, plan: Plan) -> Mailing:
    """Make all deliveries durable, once relay and log have shown that they let us in."""
    rehearse(workspace, plan)
    with logbook.delivery_log(workspace, lambda _: None), workspace.relay().connected():
        pass
    mailing = workspace.ledger.open(plan, workspace.clock.now())
    # Sealed before the first dot: an older copy of the database is noticed from now on.
    seal.set_on(workspace, mailing.id, Account())
    return mailing


def sender_of(workspace: Workspace, mailing: Mailing) -> "Sender":
    """Who sends a mailing, as it was frozen; dated when it was to leave."""
    from flashback.mime import Sender

    date = mailing.not_before or mailing.opened_at
    return Sender.frozen(mailing.sender, key=workspace.key, date=date)


def rehearse(workspace: Workspace, plan: Plan) -> None:
    """Build the first message of each edition; raises what would stop the mailing."""
    for edition in plan.editions:
        sample(workspace, edition)


def sample(workspace: Workspace, edition: Edition, to: Address = _INVENTED) -> Message:
    """The message of an edition outside of any mailing, as an invented reader would get it."""
    from flashback.mime import build

    sender = workspace.sender(workspace.clock.now())
    return build(edition, _claim_of_nobody(edition, to), sending=sender, signers=workspace.signers)


def preview(
    workspace: Workspace, edition: Edition, to: Address = _INVENTED, name: str = ""
) -> tuple[str, str, bytes]:
    """HTML, text and message as a reader would get them, signed with nothing of value.

    Whoever the reader is, the links are nobody's: to follow them changes nothing.
    """
    from flashback.mime import build, filled

    sender = workspace.sender(workspace.clock.now(), _PREVIEW)
    claim = _claim_of_nobody(edition, to, name)
    html, text = filled(edition, claim, sending=sender)
    return html, text, build(edition, claim, sending=sender).content


def _claim_of_nobody(edition: Edition, to: Address, name: str = "") -> Claim:
    """A claim outside of any mailing. Subscriber 0 exists nowhere: its links change nothing."""
    return Claim(
        delivery_id=0,
        mailing_id=0,
        subscriber_id=0,
        address=to,
        name=name,
        language=edition.language,
        edition_digest=edition.digest,
        attempt=1,
        owner="",
    )


def proof(
    workspace: Workspace, editions: Sequence[Edition], to: Iterable[str]
) -> Iterator[tuple[Edition, Outcome]]:
    """Send each edition to each address once, outside of any mailing.

    Raises FlashbackError, before anything leaves, when one of them is no address.
    """
    people = dict.fromkeys(addresses.parse(text) for text in to)
    messages: list[Message | Wait] = [
        sample(workspace, edition, address) for address in people for edition in editions
    ]
    by_digest = {edition.digest: edition for edition in editions}
    relay = workspace.relay()
    with relay.connected():
        for outcomes in relay.send(iter(messages), lambda _claims: None):
            for outcome in outcomes:
                yield by_digest[outcome.claim.edition_digest], outcome


def next_due(workspace: Workspace, mailing_id: int) -> dt.datetime | None:
    """When the first of the deferred copies may be tried again; None when nothing is deferred."""
    return workspace.ledger.next_due(mailing_id)


def in_doubt(workspace: Workspace, mailing_id: int, *, limit: int) -> list[str]:
    """The first addresses of which nobody knows whether they have their copy."""
    doubtful = workspace.ledger.deliveries(mailing_id, state=DeliveryState.IN_DOUBT)
    return [delivery.address for delivery in itertools.islice(doubtful, limit)]


def waiting(workspace: Workspace) -> list[Mailing]:
    """The mailings with copies that still wait or are in doubt, newest first."""
    recent = workspace.ledger.mailings(limit=_RECENT)
    accounts = ((mailing, workspace.ledger.account(mailing.id)) for mailing in recent)
    return [m for m, counts in accounts if counts.open or counts[DeliveryState.IN_DOUBT]]


def mailing_or_last(workspace: Workspace, mailing_id: int | None) -> Mailing:
    """That mailing, or the newest one. Raises UnknownMailingError."""
    if mailing_id is not None:
        return workspace.ledger.mailing(mailing_id)
    for found in workspace.ledger.mailings(limit=1):
        return found
    raise UnknownMailingError(
        tr("Nothing was ever sent from here."), hint=tr("Send an issue: flashback send")
    )


def mailing_in(
    workspace: Workspace, mailing_id: int | None, states: frozenset[MailingState]
) -> Mailing:
    """That mailing, or the newest one in one of these states.

    Raises UnknownMailingError when there is none, FlashbackError when that one is in another state.
    """
    if mailing_id is None:
        for found in workspace.ledger.mailings(limit=_RECENT):
            if found.state in states:
                return found
        raise UnknownMailingError(
            tr("No mailing is under way."), hint=tr("See how they stand: flashback status")
        )
    named = workspace.ledger.mailing(mailing_id)
    if named.state not in states:
        from flashback.reporting import words

        raise FlashbackError(
            tr("Mailing {number} is {state}.", number=named.id, state=words.MAILING[named.state]),
            hint=tr("See how they stand: flashback status"),
        )
    return named
