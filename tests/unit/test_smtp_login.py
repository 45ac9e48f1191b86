"""The exchange that shows who we are: what is said, in which way, and what is never told."""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from flashback.config import Login, RelayConfig
from flashback.errors import RelayUnreachableError, TransportError
from flashback.model import Reply
from flashback.smtp.login import Proof, log_in

ALL = frozenset({"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"})


@dataclass
class FakeLine:
    """Answers with these replies in turn and remembers what was said."""

    replies: Sequence[Reply]
    said: list[str] = field(default_factory=list)

    def command(self, line: str, /) -> Reply:
        self.said.append(line)
        return self.replies[len(self.said) - 1]


@dataclass
class FakeTokens:
    """Hands out these tokens in turn: the next one when one was refused."""

    tokens: list[str]

    def token(self) -> str:
        return self.tokens[0]

    def refused(self, token: str) -> None:
        self.tokens.remove(token)


WELCOME = Reply(code=235, lines=("Welcome",))
NEVER = Reply(code=535, enhanced="5.7.8", lines=("No",))
GO_ON = Reply(code=334, lines=("",))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def said(
    *replies: Reply,
    offered: frozenset[str] = ALL,
    login: Login = "auto",
    tokens: list[str] | None = None,
    password: str = "open sesame",
    is_secret: bool = True,
) -> list[str]:
    """What is said to a server that answers so."""
    line = FakeLine(replies)
    config = RelayConfig(host="mail.example.org", username="letter", login=login)
    proof = Proof(password=lambda: password, tokens=FakeTokens(tokens) if tokens else None)
    log_in(line, config, proof, offered=offered, is_secret=is_secret)
    return line.said


class TestWays:
    """Which way is taken."""

    def test_plain_first(self) -> None:
        """RFC 4616, the answer with the command."""
        assert said(WELCOME) == ["AUTH PLAIN " + encoded("\0letter\0open sesame")]

    def test_login_next(self) -> None:
        """Word by word."""
        commands = said(GO_ON, GO_ON, WELCOME, offered=frozenset({"LOGIN", "CRAM-MD5"}))
        assert commands == ["AUTH LOGIN", encoded("letter"), encoded("open sesame")]

    def test_cram_last(self) -> None:
        """RFC 2195, with the challenge of its section 2."""
        challenge = Reply(code=334, lines=(encoded("<1896.697170952@postoffice.example>"),))
        commands = said(challenge, WELCOME, offered=frozenset({"CRAM-MD5"}))
        digest = hmac.digest(b"open sesame", b"<1896.697170952@postoffice.example>", "md5").hex()
        assert commands == ["AUTH CRAM-MD5", encoded(f"letter {digest}")]

    def test_the_example_of_the_standard(self) -> None:
        """RFC 2195 section 2: tim, tanstaaftanstaaf."""
        challenge = "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
        line = FakeLine([Reply(code=334, lines=(challenge,)), WELCOME])
        proof = Proof(password=lambda: "tanstaaftanstaaf")
        config = RelayConfig(username="tim", login="cram-md5")
        log_in(line, config, proof, offered=ALL, is_secret=True)
        assert line.said[1] == "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"

    @pytest.mark.parametrize("login", ["plain", "login", "cram-md5"])
    def test_as_set(self, login: Login) -> None:
        """What staff chose comes before what we would choose."""
        assert said(WELCOME, login=login)[0].startswith(f"AUTH {login.upper()}")

    def test_by_token(self) -> None:
        """RFC 7628 section 3.1, before any password."""
        commands = said(WELCOME, tokens=["ya29"])
        bearer = "n,a=letter,\1host=mail.example.org\1port=587\1auth=Bearer ya29\1\1"
        assert commands == ["AUTH OAUTHBEARER " + encoded(bearer)]

    def test_by_token_the_older_way(self) -> None:
        """Where the standard one is not offered."""
        commands = said(WELCOME, tokens=["ya29"], offered=frozenset({"XOAUTH2", "PLAIN"}))
        assert commands == ["AUTH XOAUTH2 " + encoded("user=letter\1auth=Bearer ya29\1\1")]

    @pytest.mark.parametrize(
        ("offered", "login", "tokens", "listed"),
        [
            (frozenset({"GSSAPI"}), "auto", None, "PLAIN, LOGIN, CRAM-MD5"),
            (frozenset({"PLAIN"}), "auto", ["ya29"], "OAUTHBEARER, XOAUTH2"),
            (frozenset({"PLAIN"}), "cram-md5", None, "CRAM-MD5"),
            (frozenset[str](), "auto", None, "PLAIN, LOGIN, CRAM-MD5"),
        ],
    )
    def test_no_way(
        self, offered: frozenset[str], login: Login, tokens: list[str] | None, listed: str
    ) -> None:
        """A server that offers none of ours hears nothing; staff learn what it should offer."""
        with pytest.raises(TransportError, match="no login that flashback knows") as caught:
            said(offered=offered, login=login, tokens=tokens)
        assert f"It must offer {listed};" in str(caught.value.hint)

    def test_nothing_to_show(self) -> None:
        """Without password and token nothing is said."""
        line = FakeLine([])
        log_in(line, RelayConfig(username="x"), Proof(), offered=ALL, is_secret=True)
        assert line.said == []


class TestSecrets:
    """What never leaves, and is never shown."""

    @pytest.mark.parametrize("tokens", [None, ["ya29"]])
    def test_nothing_in_the_clear(self, tokens: list[str] | None) -> None:
        """Without encryption neither password nor token is said."""
        offered = ALL - {"CRAM-MD5"}
        with pytest.raises(TransportError, match="in the clear"):
            said(is_secret=False, tokens=tokens, offered=offered)

    def test_a_proof_that_holds_no_password(self) -> None:
        """CRAM-MD5 shows that we know the password without saying it."""
        challenge = Reply(code=334, lines=(encoded("<1@example.org>"),))
        commands = said(challenge, WELCOME, is_secret=False)
        assert commands[0] == "AUTH CRAM-MD5"
        assert "open sesame" not in base64.b64decode(commands[1]).decode()

    @pytest.mark.parametrize(
        "echo", ["open sesame", encoded("open sesame"), encoded("\0letter\0open sesame")]
    )
    def test_a_server_that_repeats_the_password(self, echo: str) -> None:
        """What it repeats is blotted out."""
        with pytest.raises(TransportError) as caught:
            said(Reply(code=535, lines=(f"I do not know {echo}, sorry",)))
        assert echo not in str(caught.value)
        assert "I do not know ***, sorry" in str(caught.value)
        assert caught.value.__cause__ is None

    def test_a_server_that_repeats_the_token(self) -> None:
        """In its challenge or in its answer."""
        challenge = Reply(code=334, lines=(encoded('{"status": "ya29 is bad"}'),))
        echo = Reply(code=534, lines=("ya29",))
        with pytest.raises(TransportError) as caught:
            said(challenge, echo, tokens=["ya29"])
        assert "ya29" not in str(caught.value)
        assert "*** is bad" in str(caught.value)

    def test_a_password_that_is_no_text(self) -> None:
        """Octets of the environment that are no UTF-8 travel as they are."""
        commands = said(WELCOME, password="cl\udce9")
        assert base64.b64decode(commands[0].split()[2]) == b"\0letter\0cl\xe9"


class TestRefusals:
    """Not now, never, and answers that make no sense."""

    def test_never(self) -> None:
        """Host, user and answer are named, and what to check."""
        with pytest.raises(TransportError) as caught:
            said(NEVER)
        assert "mail.example.org:587 refused the login of letter: 535 5.7.8 No" in str(caught.value)
        assert "and the password" in str(caught.value.hint)
        assert not isinstance(caught.value, RelayUnreachableError)

    def test_not_now(self) -> None:
        """A later try may succeed."""
        with pytest.raises(RelayUnreachableError, match="cannot check the login now"):
            said(Reply(code=454, enhanced="4.7.0", lines=("Not now",)))

    def test_refused_at_the_name(self) -> None:
        """No password is said to a server that did not like the name."""
        line = FakeLine([GO_ON, NEVER])
        config = RelayConfig(username="letter", login="login")
        with pytest.raises(TransportError):
            log_in(line, config, Proof(password=lambda: "x"), offered=ALL, is_secret=True)
        assert line.said == ["AUTH LOGIN", encoded("letter")]

    def test_an_answer_that_is_no_challenge(self) -> None:
        """RFC 4954 section 4: the exchange is called off."""
        line = FakeLine([Reply(code=334, lines=("¿?",)), Reply(code=501, lines=("Called off",))])
        config = RelayConfig(username="letter", login="cram-md5")
        with pytest.raises(TransportError, match="Called off"):
            log_in(line, config, Proof(password=lambda: "x"), offered=ALL, is_secret=True)
        assert line.said[-1] == "*"

    def test_cram_refused_before_the_challenge(self) -> None:
        """Nothing is shown to whoever does not ask."""
        with pytest.raises(TransportError, match="refused the login"):
            said(NEVER, offered=frozenset({"CRAM-MD5"}))

    def test_a_token_that_was_withdrawn(self) -> None:
        """One more is asked for and shown, on the same line."""
        commands = said(NEVER, WELCOME, tokens=["old", "new"], login="xoauth2")
        assert [base64.b64decode(c.split()[2]) for c in commands] == [
            b"user=letter\1auth=Bearer old\1\1",
            b"user=letter\1auth=Bearer new\1\1",
        ]

    def test_no_third_token(self) -> None:
        """Who refuses a fresh one refuses the mailbox."""
        with pytest.raises(TransportError, match="refused the login") as caught:
            said(NEVER, NEVER, tokens=["old", "new", "newest"])
        assert "refresh token" in str(caught.value.hint)

    @pytest.mark.parametrize(("login", "end"), [("oauthbearer", "AQ=="), ("xoauth2", "")])
    def test_the_reason_is_told(self, login: Login, end: str) -> None:
        """RFC 7628 section 3.2.3: it comes as a challenge, which is answered to end."""
        challenge = Reply(code=334, lines=(encoded('{"status":"401","scope":"mail.send"}'),))
        line = FakeLine([challenge, Reply(code=534, lines=("No",))])
        config = RelayConfig(username="letter", login=login)
        with pytest.raises(TransportError, match=r"534 No \(401 mail\.send\)"):
            log_in(line, config, Proof(tokens=FakeTokens(["x"])), offered=ALL, is_secret=True)
        assert line.said[1] == end

    @pytest.mark.parametrize("text", ["no base64!", encoded("no JSON"), encoded("[1]"), ""])
    def test_a_reason_that_cannot_be_read(self, text: str) -> None:
        """The answer is told without it."""
        with pytest.raises(TransportError, match="534 No") as caught:
            said(Reply(code=334, lines=(text,)), Reply(code=534, lines=("No",)), tokens=["x"])
        assert "(" not in str(caught.value.sentence)

    def test_a_name_with_the_separators_of_the_header(self) -> None:
        """RFC 5801 section 4: "," and "=" are spelt otherwise."""
        line = FakeLine([WELCOME])
        config = RelayConfig(username="a=b,c")
        log_in(line, config, Proof(tokens=FakeTokens(["x"])), offered=ALL, is_secret=True)
        assert base64.b64decode(line.said[0].split()[2]).startswith(b"n,a=a=3Db=2Cc,\1")
