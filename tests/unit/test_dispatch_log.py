"""The delivery log's lines."""

import datetime as dt
import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from flashback.dispatch.log import line_of, lines_of, without_address
from flashback.model import Address, Claim, DeliveryState, Outcome, Reply, Result, Settlement

AT = dt.datetime(2011, 9, 2, 9, 0, 0, 123456, tzinfo=dt.UTC)
READER = Address("Reader1@example.org", "reader1@example.org")


def settled(*lines: str, detail: str = "", due_at: dt.datetime | None = None) -> Settlement:
    claim = Claim(
        delivery_id=3, mailing_id=2, subscriber_id=1, address=READER, name="", language="fr",
        edition_digest="", attempt=1, owner="me",
    )  # fmt: skip
    outcome = Outcome(
        claim=claim, result=Result.ACCEPTED, at=AT, host="relay.example.org", stage="dot",
        reply=Reply(code=250, enhanced="2.0.0", lines=lines) if lines else None, detail=detail,
        queue_id="4F1",
    )  # fmt: skip
    return Settlement(outcome=outcome, state=DeliveryState.ACCEPTED, due_at=due_at)


def test_a_line_has_every_key_in_order() -> None:
    """Keys are stable: machines read them."""
    assert json.loads(line_of(settled("Ok", "queued"), addresses=False)) == {
        "at": "2011-09-02T09:00:00.123+00:00", "mailing": 2, "delivery": 3, "attempt": 1,
        "address": "R***@example.org", "language": "fr", "state": "accepted",
        "host": "relay.example.org", "stage": "dot", "code": 250, "enhanced": "2.0.0",
        "reply": "Ok queued", "queue_id": "4F1", "detail": None, "due_at": None,
    }  # fmt: skip


def test_without_a_reply_its_keys_are_null() -> None:
    """What was not said is null, not empty; a due time is there when deferred."""
    event = json.loads(line_of(settled(detail="connection lost", due_at=AT), addresses=False))
    assert [event[key] for key in ("code", "enhanced", "reply")] == [None] * 3
    assert event["detail"] == "connection lost"
    assert event["due_at"] == AT.isoformat()


def test_addresses_are_hidden_unless_asked_for() -> None:
    """Relays quote the address, in whatever case, in reply and detail; the log does not."""
    loud = settled(
        "<READER1@Example.org> unknown", "reader1@example.org", detail="to Reader1@example.org"
    )
    assert "reader1" not in line_of(loud, addresses=False).lower()
    assert line_of(loud, addresses=True).lower().count("reader1") == 4


@given(
    words=st.lists(st.text(max_size=20), min_size=6, max_size=6),
    code=st.none() | st.integers(200, 599),
    due_at=st.none() | st.datetimes(timezones=st.just(dt.UTC)),
)
def test_a_line_is_what_the_json_encoder_writes(
    words: list[str], code: int | None, due_at: dt.datetime | None
) -> None:
    """Whatever relays say, a line is one line, and the very JSON that the library would write."""
    language, host, stage, said, detail, queue_id = words
    one = settled(detail=detail, due_at=due_at)
    reply = Reply(code=code, enhanced="5.1.1", lines=(said,)) if code else None
    claim = replace(one.outcome.claim, language=language)
    outcome = replace(
        one.outcome, claim=claim, host=host, stage=stage, reply=reply, queue_id=queue_id
    )
    line = line_of(replace(one, outcome=outcome), addresses=True)
    assert json.dumps(json.loads(line), ensure_ascii=False) == line
    assert "\n" not in line


def test_lines_keep_their_order() -> None:
    """A batch is written as one piece, a line for each outcome."""
    lines = lines_of([settled("first"), settled("second")], addresses=False)
    assert [json.loads(line)["reply"] for line in lines.splitlines()] == ["first", "second"]


def test_other_addresses_stay() -> None:
    """Only the reader is hidden: whom to write to about a refusal is not."""
    line = line_of(settled("see postmaster@example.org"), addresses=False)
    assert "postmaster@example.org" in line


def test_letters_stay_letters() -> None:
    """French and Arabic replies are readable in the log."""
    assert "Refusé" in line_of(settled("Refusé"), addresses=False)


@given(
    said=st.text(alphabet="aAbBſK\u212a@.xéÉ <>", max_size=30),
    mailbox=st.from_regex(r"\A[abkKséſ]{1,3}@[abxé]{1,2}\.x\Z"),
)
def test_the_quick_way_finds_what_the_slow_one_finds(said: str, mailbox: str) -> None:
    """The expression is only spared where it would find nothing."""
    address = Address(mailbox, mailbox.casefold())
    for text in (said, f"{said}{mailbox.swapcase()}{said}"):
        pattern = f"{re.escape(address.mailbox)}|{re.escape(address.key)}"
        slow = re.sub(pattern, lambda _: address.masked, text, flags=re.IGNORECASE)
        assert without_address(text, address) == slow
