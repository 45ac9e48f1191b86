"""Reports of failed mail: what is read of them, what follows, and what is left alone."""

import base64
import quopri
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.bounces import Action, Notice, Report, Verdict, delivery_of, read, verdict
from flashback.tokens import SigningKey, bounce_tag

KEY = SigningKey(b"a key of more than sixteen octets")
OTHER_KEY = SigningKey(b"somebody else's key, just as long")
TAG = bounce_tag(KEY, delivery_id=1742)

STATUS_PART = """\
Reporting-MTA: dns; mx.example.net
Arrival-Date: Fri, 2 Sep 2011 09:00:00 +0000

Original-Recipient: rfc822;nadia@example.net
Final-Recipient: rfc822; <nadia@example.net>
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <nadia@example.net>: Recipient
 address rejected: User unknown
"""


def mail(
    status_part: str = STATUS_PART,
    *,
    to: str = f"bounces+{TAG}@example.org",
    container: str = 'multipart/report; report-type=delivery-status;\n\tboundary="b/1"',
    kind: str = "message/delivery-status",
    boundary: str = "b/1",
) -> bytes:
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: {container}

This is a MIME-encapsulated message.

--{boundary}
Content-Type: text/plain; charset=us-ascii

<nadia@example.net>: User unknown

--{boundary}
Content-Description: Delivery report
Content-Type: {kind}

{status_part}
--{boundary}
Content-Type: message/rfc822

To: nadia@example.net
Action: failed
Content-Type: multipart/report; boundary=x

--{boundary}--
""".encode()


def notice(**changes: str) -> Notice:
    action = Action(changes.pop("action", "failed"))
    return Notice(action=action, recipient="nadia@example.net", **changes)


def only(report: Report | None) -> Notice:
    assert report is not None
    (found,) = report.notices
    return found


def test_a_standard_report_is_read() -> None:
    """Recipient, action, both codes, and the words of the other host, unfolded."""
    assert only(read(mail())) == Notice(
        action=Action.FAILED,
        recipient="nadia@example.net",
        original="nadia@example.net",
        status="5.1.1",
        reply_status="5.1.1",
        diagnostic="smtp; 550 5.1.1 <nadia@example.net>: Recipient address rejected: User unknown",
    )


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"], ids=["crlf", "cr", "lf"])
def test_any_line_end_is_a_line_end(end: bytes) -> None:
    """Mailboxes keep mail with one kind, the wire with another."""
    assert read(mail().replace(b"\n", end)) == read(mail())


@pytest.mark.parametrize(
    "container",
    [
        "multipart/report; boundary=b1",
        'Multipart/Report; BOUNDARY = "b1"; report-type=delivery-status',
        "multipart/mixed;boundary=b1",
    ],
)
def test_containers_as_they_are_found(container: str) -> None:
    """OpenSMTPD and McAfee send a multipart/mixed."""
    assert only(read(mail(container=container, boundary="b1"))).status == "5.1.1"


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        ("base64", base64.encodebytes(STATUS_PART.encode())),
        ("Quoted-Printable", quopri.encodestring(STATUS_PART.encode())),
        ("base64", STATUS_PART.encode() + b"x"),
        ("7bit", STATUS_PART.encode()),
    ],
    ids=["base64", "quoted-printable", "not-base64", "plain"],
)
def test_an_encoded_status_part_is_decoded(encoding: str, encoded: bytes) -> None:
    """What is badly encoded is read as it stands."""
    kind = f"message/delivery-status\nContent-Transfer-Encoding: {encoding}"
    assert only(read(mail(encoded.decode(), kind=kind))).status == "5.1.1"


def test_two_recipients_are_two_notices() -> None:
    """Each with its own action; the group about the message is none of them."""
    second = "\nFinal-Recipient: rfc822; jean@example.net\nAction: delayed\nStatus: 4.4.1\n"
    report = read(mail(STATUS_PART + second))
    assert report is not None
    assert [(n.recipient, n.action.value, n.status) for n in report.notices] == [
        ("nadia@example.net", "failed", "5.1.1"),
        ("jean@example.net", "delayed", "4.4.1"),
    ]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"Subject: hello\n\nHello.",
        mail(kind="text/plain"),
        mail(container="text/plain"),
        mail(container="multipart/report"),
        mail(boundary="other"),
        mail("Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; a@example.net\n"),
        mail(STATUS_PART.replace("failed", "exploded")),
        mail(kind="text/plain") + b"--b/1\nContent-Type: message/delivery-status\n\nAction: failed",
    ],
    ids=[
        "empty", "letter", "no-status-part", "not-multipart", "no-boundary", "other-boundary",
        "no-action", "strange-action", "after-the-end",
    ],
)  # fmt: skip
def test_what_is_no_report_is_none(octets: bytes) -> None:
    """Nothing is guessed from a mail that does not say it."""
    assert read(octets) is None


# The delivery -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "to",
    [
        f"bounces+{TAG}@example.org",
        f"<Bounces+{TAG.upper()}@example.org>",
        f'"x" <a@example.org>, <bounces+1742-0000000000@x.example>, <b+{TAG}@x.example>',
    ],
)
def test_the_tag_names_the_delivery(to: str) -> None:
    """Whatever stands around it, and however the letters of the tag came through."""
    report = read(mail(to=to))
    assert report is not None
    assert delivery_of(report, KEY) == 1742
    assert delivery_of(report, OTHER_KEY) is None


@pytest.mark.parametrize("field", ["Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_tag_is_found_where_mailboxes_put_it(field: str) -> None:
    """To often names somebody else."""
    head = f"{field}: bounces+{TAG}@example.org\n".encode()
    report = read(head + mail(to="postmaster@example.org"))
    assert report is not None
    assert delivery_of(report, KEY) == 1742


def test_the_envelope_wins() -> None:
    """What SMTP said is surer than what the mail says."""
    other = bounce_tag(KEY, delivery_id=1743)
    report = read(mail(), envelope=f"bounces+{other}@example.org")
    assert report is not None
    assert delivery_of(report, KEY) == 1743


def test_a_report_without_our_tag_is_about_nothing() -> None:
    """A forged bounce moves no delivery."""
    report = read(mail(to="bounces+1742-0123456789@example.org"))
    assert report is not None
    assert delivery_of(report, KEY) is None


# The verdict --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["5.1.1", "5.1.3", "5.1.6", "5.1.10"])
def test_only_a_code_that_says_so_is_a_dead_address(code: str) -> None:
    """In the Status field, in the host's reply, or in both."""
    assert verdict(notice(status=code)) is Verdict.DEAD
    assert verdict(notice(status="5.0.0", reply_status=code)) is Verdict.DEAD
    assert verdict(notice(status=code, reply_status=code)) is Verdict.DEAD


@pytest.mark.parametrize(
    ("status", "reply_status", "expected"),
    [
        ("5.0.0", "", Verdict.UNCERTAIN),
        ("", "", Verdict.UNCERTAIN),
        ("5.1.1", "5.7.1", Verdict.UNCERTAIN),
        ("5.7.1", "5.1.1", Verdict.UNCERTAIN),
        ("5.1.1", "4.1.1", Verdict.UNCERTAIN),
        ("5.1.2", "", Verdict.UNCERTAIN),
        ("5.2.1", "", Verdict.UNCERTAIN),
        ("5.4.4", "", Verdict.UNCERTAIN),
        ("5.7.17", "", Verdict.UNCERTAIN),
        ("5.2.2", "5.2.2", Verdict.FULL),
        ("5.7.1", "", Verdict.BLOCKED),
        ("5.1.8", "", Verdict.BLOCKED),
        ("4.4.7", "", Verdict.LATER),
        ("5.0.0", "4.4.1", Verdict.LATER),
    ],
)
def test_everything_else_suppresses_nobody(
    status: str, reply_status: str, expected: Verdict
) -> None:
    """Two in three permanent failures are no dead address; two codes that disagree are none."""
    assert verdict(notice(status=status, reply_status=reply_status)) is expected


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_no_failure_is_none_whatever_its_code(action: str) -> None:
    """The action is read first."""
    assert verdict(notice(action=action, status="5.1.1")) is Verdict.NO_FAILURE


@pytest.mark.parametrize(
    "words",
    [
        "550 5.1.1 you have sent to too many recipients this hour",
        "550 5.1.1 Blocked by our SPAM filter",
        "550 5.1.1 mailbox over quota",
        "550 5.1.1 Relay access denied",
    ],
)
def test_words_can_save_an_address(words: str) -> None:
    """Some hosts say 5.1.1 to whom they do not like."""
    assert verdict(notice(status="5.1.1", diagnostic=words)) is Verdict.UNCERTAIN


# Hostile octets -----------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_octets_are_answered(octets: bytes) -> None:
    """Nothing that arrives in a mailbox stops the reading of the next."""
    judge(octets)
    judge(mail() + octets)
    judge(b"Content-Type: multipart/report; boundary=b\n\n--b\n" + octets)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_mutation_of_a_report_is_answered(data: st.DataObject) -> None:
    """Cut, doubled, and overwritten at any place."""
    octets = bytearray(mail())
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(octets)))
        end = data.draw(st.integers(start, min(len(octets), start + 60)))
        octets[start:end] = data.draw(
            st.one_of(
                st.binary(max_size=20),
                st.just(bytes(octets[start:end]) * 3),
                st.sampled_from([b"\n\n", b"--b/1", b"\r", b";", b"\xff\xfe", b"=?x?b?", b'"']),
            )
        )
    judge(bytes(octets))


def judge(octets: bytes) -> None:
    report = read(octets)
    if report is not None:
        delivery_of(report, KEY)
        assert {verdict(n) for n in report.notices} <= set(Verdict)


@pytest.mark.parametrize(
    "octets",
    [
        b"A: b\n" * 400_000,
        b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 500_000,
        b"Content-Type: multipart/report;" + b" boundary=" * 200_000 + b"\n\n",
        mail("Action: failed\n\n" * 100_000),
        b"To: " + b"+1-" * 600_000 + b"\n" + mail(),
        b"To: x\n" + b" +111111111111111111-0123456789" * 30_000 + b"\n" + mail(),
    ],
    ids=["fields", "parts", "boundaries", "notices", "tag", "tags"],
)  # fmt: skip
def test_large_mails_take_no_long_time(octets: bytes) -> None:
    """A mail made to be slow is read in the time of its first mebibyte."""
    began = time.process_time()
    judge(octets)
    assert time.process_time() - began < 2
