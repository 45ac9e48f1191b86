"""The mailroom: editions are planned, mailings opened, dispatched and resumed."""

import datetime as dt
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from flashback import addresses
from flashback.errors import StoreError, UnknownMailingError
from flashback.model import (
    Account,
    Address,
    Claim,
    DeliveryState,
    Edition,
    Mailing,
    Message,
    Outcome,
    Plan,
    Settlement,
)
from flashback.sentences import Sentence, tr
from flashback.tokens import SigningKey
from flashback.workspace import book
from flashback.workspace.parts import Workspace

#: Signs what is only looked at.
_PREVIEW: Final = SigningKey(bytes(16))
#: How many mailings back a waiting one is looked for.
_RECENT: Final = 50
#: Who an edition is addressed to when nobody gets it: compose, rehearsals.
_INVENTED: Final = Address(mailbox="reader@example.org", key="reader@example.org")


def plan(
    workspace: Workspace,
    editions: Sequence[Edition],
    *,
    segment: str | None,
    forced: Sequence[str],
    again: bool,
) -> Plan:
    """Who of the mailable readers gets which edition, by a segment's expression or name.

    Raises RepeatedIssueError when the issue was mailed before, unless ``again``.
    """
    from flashback.dispatch import plan as planned

    if not again:
        workspace.ledger.refuse_repetition(editions[0].issue_number)
    readers = workspace.subscribers.audience(condition=book.condition(workspace, segment))
    return planned(
        editions,
        readers,
        fallback=workspace.config.newsletter.language,
        forced=forced,
        sender=workspace.sender(workspace.clock.now()).public,
        again=again,
    )


def open_mailing(workspace: Workspace, plan: Plan) -> Mailing:
    """Make all deliveries durable, once relay and log have shown that they let us in."""
    rehearse(workspace, plan)
    with _delivery_log(workspace, lambda _: None), workspace.relay().connected():
        pass
    return workspace.ledger.open(plan, workspace.clock.now())


def rehearse(workspace: Workspace, plan: Plan) -> None:
    """Build the first message of each edition; raises what would stop the mailing."""
    for edition in plan.editions:
        sample(workspace, edition)


def sample(workspace: Workspace, edition: Edition, to: Address = _INVENTED) -> Message:
    """The message of an edition outside of any mailing, as an invented reader would get it."""
    from flashback.mime import build

    sender = workspace.sender(workspace.clock.now())
    return build(edition, _claim_of_nobody(edition, to), sending=sender)


def preview(workspace: Workspace, edition: Edition) -> tuple[str, str, bytes]:
    """HTML, text and message as an invented reader would get them, signed with nothing of value."""
    from flashback.mime import build, filled

    sender = workspace.sender(workspace.clock.now(), _PREVIEW)
    claim = _claim_of_nobody(edition, _INVENTED)
    html, text = filled(edition, claim, sending=sender)
    return html, text, build(edition, claim, sending=sender).content


def _claim_of_nobody(edition: Edition, to: Address) -> Claim:
    """A claim outside of any mailing. Subscriber 0 exists nowhere: its links change nothing."""
    return Claim(
        delivery_id=0,
        mailing_id=0,
        subscriber_id=0,
        address=to,
        name="",
        language=edition.language,
        edition_digest=edition.digest,
        attempt=1,
        owner="",
    )


def dispatch(
    workspace: Workspace,
    mailing_id: int,
    *,
    limit: int | None,
    tell: Callable[[Settlement], None],
    warn: Callable[[Sentence], None],
    stop: Callable[[], bool],
) -> Account:
    """Send what is planned or due of a mailing."""
    from flashback.dispatch import Line, RetryPolicy
    from flashback.dispatch import dispatch as run
    from flashback.smtp import is_dead_address
    from flashback.store import new_owner

    sending = workspace.config.sending
    with _delivery_log(workspace, warn) as log:

        def tell_both(settlement: Settlement) -> None:
            log(settlement)
            tell(settlement)

        line = Line(
            ledger=workspace.ledger,
            transport=workspace.relay(),
            build=_builder(workspace, workspace.ledger.mailing(mailing_id)),
            clock=workspace.clock,
            owner=new_owner(),
            is_dead_address=is_dead_address,
            policy=RetryPolicy(
                first_wait=dt.timedelta(minutes=sending.first_retry_minutes),
                longest_wait=dt.timedelta(hours=sending.longest_retry_hours),
                give_up_after=dt.timedelta(hours=sending.give_up_after_hours),
            ),
            window=sending.window,
            stop=stop,
            tell=tell_both,
        )
        return run(line, mailing_id, limit=limit)


def _builder(workspace: Workspace, mailing: Mailing) -> Callable[[Claim], Message]:
    """Build from the editions and the sender that were frozen when the mailing opened."""
    from flashback.mime import Sender, builder

    editions = {digest: workspace.ledger.edition(digest) for digest in mailing.editions.values()}
    sender = Sender.frozen(mailing.sender, key=workspace.key, date=mailing.opened_at)
    return builder(editions, sender)


@contextmanager
def _delivery_log(
    workspace: Workspace, warn: Callable[[Sentence], None]
) -> Iterator[Callable[[Settlement], None]]:
    """The file of delivery events; opened for appending, flushed with every line.

    Raises StoreError when it cannot be opened. When it cannot be written later, that is told once
    and sending goes on: the store is the truth.
    """
    from flashback.dispatch import line_of

    sending = workspace.config.sending
    if not sending.log:
        yield lambda _settlement: None
        return
    path = workspace.config.path(sending.log)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            tr(
                "The delivery log {file} cannot be written: {reason}.",
                file=path,
                reason=error.strerror,
            ),
            hint=tr('Name another under [sending] log, or write log = "" for none.'),
        ) from error
    broken = False

    def write(settlement: Settlement) -> None:
        nonlocal broken
        if broken:
            return
        line = line_of(settlement, addresses=sending.log_addresses) + "\n"
        try:
            os.write(handle, line.encode())
        except OSError as error:
            broken = True
            warn(
                tr(
                    "The delivery log {file} cannot be written ({reason}); sending goes on.",
                    file=path,
                    reason=error.strerror,
                )
            )

    try:
        yield write
    finally:
        os.close(handle)


def next_due(workspace: Workspace, mailing_id: int) -> dt.datetime | None:
    """When the first of the deferred copies may be tried again; None when nothing is deferred."""
    deferred = workspace.ledger.deliveries(mailing_id, state=DeliveryState.DEFERRED)
    return min((d.due_at for d in deferred if d.due_at), default=None)


def in_doubt(workspace: Workspace, mailing_id: int, *, limit: int) -> list[str]:
    """The first addresses of which nobody knows whether they have their copy."""
    doubtful = workspace.ledger.deliveries(mailing_id, state=DeliveryState.IN_DOUBT)
    return [delivery.address for delivery in itertools.islice(doubtful, limit)]


def proof(
    workspace: Workspace, editions: Sequence[Edition], to: str
) -> Iterator[tuple[Edition, Outcome]]:
    """Send each edition to one address, outside of any mailing."""
    address = addresses.parse(to)
    messages = [sample(workspace, edition, address) for edition in editions]
    by_digest = {edition.digest: edition for edition in editions}
    relay = workspace.relay()
    with relay.connected():
        for outcome in relay.send(messages, lambda _claim: None):
            yield by_digest[outcome.claim.edition_digest], outcome


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
