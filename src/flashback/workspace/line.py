"""The line of a running mailing: all its parts, put together from settings, and set going."""

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from flashback.config import MAIN, SendingConfig
from flashback.errors import StoreError
from flashback.model import Claim, Mailing, Message, Settlement
from flashback.sentences import Sentence
from flashback.workspace import logbook, mailroom, seal, tracing
from flashback.workspace.parts import Workspace

if TYPE_CHECKING:
    from flashback.dispatch.breaker import BreakerRule
    from flashback.dispatch.limits import Limits
    from flashback.dispatch.retry import RetryPolicy

#: Stands before the reason of a mailing that stopped by itself: a person must look at it.
_BY_ITSELF: Final = "⚠ "


def dispatch(
    workspace: Workspace,
    mailing_id: int,
    *,
    limit: int | None,
    wait: bool,
    tell: Callable[[Sequence[Settlement]], None],
    warn: Callable[[Sentence], None],
    word: Callable[[Sentence], str],
    stop: Callable[[], bool],
) -> dt.datetime | None:
    """Send what is planned or due of a mailing; with ``wait``, until nothing is deferred.

    ``word`` puts the reason of a mailing that stops by itself in words for staff. Answers the hour
    before which nothing leaves, when quiet hours or a spent day ended it; else None.
    """
    from flashback.dispatch.line import Line
    from flashback.dispatch.pace import Pace
    from flashback.dispatch.worker import dispatch as run
    from flashback.smtp import is_dead_address
    from flashback.store import new_owner

    sending = workspace.config.sending
    ledger = workspace.ledger
    pace = Pace(limits(workspace), ledger.draw)
    sealing = seal.Sealing(workspace, mailing_id, ledger.account(mailing_id))
    with (
        contextlib.closing(ledger),
        logbook.delivery_log(workspace, warn) as log,
        tracing.run(ledger.mailing(mailing_id), ledger) as traced,
    ):

        def tell_all(settlements: Sequence[Settlement]) -> None:
            log(settlements)
            sealing.tell(settlements)
            tell(settlements)

        line = Line(
            ledger=traced,
            transport=workspace.relay(),
            build=_builder(workspace, ledger.mailing(mailing_id)),
            clock=workspace.clock,
            owner=new_owner(),
            is_dead_address=is_dead_address,
            policy=_policy(sending),
            pace=pace,
            breaker=_breaker(sending),
            window=sending.window,
            patience=dt.timedelta(hours=sending.give_up_after_hours) if wait else dt.timedelta(),
            stop=stop,
            tell=tell_all,
            word=lambda sentence: _BY_ITSELF + word(sentence),
        )
        try:
            account = run(line, mailing_id, limit=limit)
        finally:
            with contextlib.suppress(StoreError):
                pace.give_back(workspace.clock.now())
    seal.set_on(workspace, mailing_id, account)
    return pace.closed_until(workspace.clock.now())


def paused_itself(mailing: Mailing) -> bool:
    """Whether the circuit breaker, not a person, paused it."""
    return mailing.reason.startswith(_BY_ITSELF)


def limits(workspace: Workspace) -> "Limits":
    """How fast, and when, as the settings have it; zero there means no limit."""
    from flashback.dispatch.limits import Limits, QuietHours

    sending = workspace.config.sending
    quiet = sending.quiet
    # Of several relays each has its own, at its own door.
    relay = 0.0 if workspace.has_several_relays else workspace.config.relay.messages_per_minute
    return Limits(
        per_minute=sending.messages_per_minute or None,
        relay=MAIN,
        relay_per_minute=relay or None,
        per_domain=sending.per_domain,
        quiet=QuietHours(*quiet) if quiet else None,
        zone=sending.zone,
        warm_up=sending.warm_up,
        warm_up_since=sending.first_day,
    )


def _policy(sending: SendingConfig) -> "RetryPolicy":
    from flashback.dispatch.retry import RetryPolicy

    return RetryPolicy(
        first_wait=dt.timedelta(minutes=sending.first_retry_minutes),
        longest_wait=dt.timedelta(hours=sending.longest_retry_hours),
        give_up_after=dt.timedelta(hours=sending.give_up_after_hours),
    )


def _breaker(sending: SendingConfig) -> "BreakerRule":
    from flashback.dispatch.breaker import BreakerRule

    return BreakerRule(share=sending.pause_at_share, at_least=sending.pause_at_least)


def _builder(workspace: Workspace, mailing: Mailing) -> Callable[[Claim], Message]:
    """Build from the editions and the sender that were frozen when the mailing opened."""
    from flashback.mime import builder

    editions = {digest: workspace.ledger.edition(digest) for digest in mailing.editions.values()}
    return builder(editions, mailroom.sender_of(workspace, mailing), workspace.signers)
