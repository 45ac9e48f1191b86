"""Logins of every kind against a server that checks them, and tokens from an endpoint."""

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flashback.config import Login, OAuthConfig, RelayConfig
from flashback.credentials import OAuthSecrets
from flashback.errors import FlashbackError, RelayUnreachableError, TransportError
from flashback.sentences import tr
from flashback.smtp import trust
from flashback.smtp.oauth import AccessTokens
from flashback.smtp.opening import open_dialogue

from fixtures import certificates
from fixtures.logins import PASSWORD, USER, Answer, LoginServer, TokenEndpoint, given, refused

SECRETS = OAuthSecrets(refresh_token="1//refresh", client_secret="client-s3cret")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[certificates.Certificate, Path]:
    """An authority of our own, and its file."""
    found = certificates.authority()
    return found, found.write(tmp_path_factory.mktemp("ca") / "ca.pem")


@pytest.fixture
def context(authority: tuple[certificates.Certificate, Path], tmp_path: Path) -> ssl.SSLContext:
    """What a server with a good certificate for 127.0.0.1 talks TLS with."""
    return certificates.certificate("127.0.0.1", by=authority[0]).server_context(tmp_path)


@pytest.fixture
def trusting(authority: tuple[certificates.Certificate, Path]) -> ssl.SSLContext:
    """What a client that trusts our authority talks TLS with."""
    return trust.context(authority[1])


def log_in(
    server: LoginServer,
    trusting: ssl.SSLContext,
    *,
    login: Login = "auto",
    password: str = PASSWORD,
    tokens: AccessTokens | None = None,
    security: str = "tls",
    require_tls: bool = False,
) -> None:
    """Open a connection, and hang up."""
    config = RelayConfig(
        host="127.0.0.1",
        port=server.port,
        security="tls" if security == "tls" else "none",
        username=USER,
        login=login,
        require_tls=require_tls,
        connect_seconds=5,
        command_seconds=5,
    )
    open_dialogue(config, context=trusting, password=lambda: password, tokens=tokens).close()


def tokens_from(
    endpoint: TokenEndpoint,
    trusting: ssl.SSLContext,
    *,
    keep: Callable[[str], None] = lambda _token: None,
    now: Callable[[], float] = lambda: 0.0,
    scope: str = "",
    seconds: float = 5.0,
) -> AccessTokens:
    """The tokens of an endpoint, asked for by a client that it knows."""
    config = OAuthConfig(token_url=endpoint.url, client_id="flashback", scope=scope)
    return AccessTokens(
        config, lambda: SECRETS, keep=keep, context=trusting, seconds=seconds, monotonic=now
    )


class TestPasswords:
    """By password."""

    @pytest.mark.parametrize("way", ["PLAIN", "LOGIN", "CRAM-MD5"])
    def test_each_way(self, way: str, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        """Each is taken where it is the only one, also with letters beyond ASCII."""
        with LoginServer(context, way) as server:
            log_in(server, trusting)
        assert server.heard[1].startswith(f"AUTH {way}")

    @pytest.mark.parametrize("login", ["plain", "login", "cram-md5"])
    def test_a_wrong_password(
        self, login: Login, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        """It is refused, and not shown."""
        with (
            LoginServer(context, "PLAIN", "LOGIN", "CRAM-MD5") as server,
            pytest.raises(TransportError, match=f"refused the login of {USER}") as caught,
        ):
            log_in(server, trusting, login=login, password="wr0ng")
        assert "wr0ng" not in str(caught.value)

    def test_nothing_secret_in_the_clear(self, trusting: ssl.SSLContext) -> None:
        """A server without encryption hears our name and no more."""
        with (
            LoginServer(None, "PLAIN", "LOGIN") as server,
            pytest.raises(TransportError, match="in the clear"),
        ):
            log_in(server, trusting, security="none")
        assert [line[:4] for line in server.heard] == ["EHLO"]


class TestRequiredEncryption:
    """RFC 8689."""

    def test_a_relay_without_it(self, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        """It is refused before it hears who we are."""
        with (
            LoginServer(context, "PLAIN") as server,
            pytest.raises(TransportError, match="REQUIRETLS"),
        ):
            log_in(server, trusting, require_tls=True)
        assert [line[:4] for line in server.heard] == ["EHLO"]

    def test_a_relay_with_it(self, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        """It is told who we are."""
        with LoginServer(context, "PLAIN") as server:
            server.extensions = ["REQUIRETLS"]
            log_in(server, trusting, require_tls=True)
        assert server.heard[1].startswith("AUTH PLAIN")


class TestTokens:
    """By access token."""

    @pytest.mark.parametrize("way", ["OAUTHBEARER", "XOAUTH2"])
    def test_each_way(self, way: str, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        """A token is got and shown; two connections cost one token."""
        with (
            TokenEndpoint(context, given("ya29.a")) as endpoint,
            LoginServer(context, "PLAIN", way, tokens=["ya29.a"]) as server,
        ):
            tokens = tokens_from(endpoint, trusting, scope="mail.send")
            log_in(server, trusting, tokens=tokens)
            log_in(server, trusting, tokens=tokens)
        assert endpoint.asked == [
            {
                "grant_type": "refresh_token",
                "refresh_token": "1//refresh",
                "client_id": "flashback",
                "client_secret": "client-s3cret",
                "scope": "mail.send",
            }
        ]

    @pytest.mark.parametrize("way", ["OAUTHBEARER", "XOAUTH2"])
    def test_a_token_that_was_withdrawn(
        self, way: str, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        """Another is got, once, on the same connection."""
        with (
            TokenEndpoint(context, given("old"), given("new")) as endpoint,
            LoginServer(context, way, tokens=["new"]) as server,
        ):
            log_in(server, trusting, tokens=tokens_from(endpoint, trusting))
        assert len(endpoint.asked) == 2
        assert sum(line.startswith("AUTH") for line in server.heard) == 2
        assert sum(line.startswith("EHLO") for line in server.heard) == 1

    def test_a_mailbox_that_is_not_ours(
        self, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        """The server's reason is told in words; the tokens are not."""
        with (
            TokenEndpoint(context, given("first"), given("second")) as endpoint,
            LoginServer(context, "OAUTHBEARER") as server,
            pytest.raises(TransportError, match="invalid_token send") as caught,
        ):
            log_in(server, trusting, tokens=tokens_from(endpoint, trusting))
        assert "second" not in str(caught.value)
        assert len(endpoint.asked) == 2

    @pytest.mark.parametrize(
        ("answer", "asked"),
        [
            (given("t"), [0, 3539, 3541]),
            (given("t", expires_in=100), [0, 49, 51]),
            (given("t", expires_in="soon"), [0, 239, 241]),
        ],
    )
    def test_a_token_is_renewed_before_it_ends(
        self,
        answer: Answer,
        asked: list[float],
        context: ssl.SSLContext,
        trusting: ssl.SSLContext,
    ) -> None:
        """A minute before, or halfway for short ones; five minutes when nothing is told."""
        at = [0.0]
        with TokenEndpoint(context, answer) as endpoint:
            tokens = tokens_from(endpoint, trusting, now=lambda: at[0])
            counts = []
            for at[0] in asked:
                assert tokens.token() == "t"
                counts.append(len(endpoint.asked))
        assert counts == [1, 1, 2]

    def test_many_connections_ask_once(
        self, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        """Threads that need a token at the same moment share one."""
        found: list[str] = []
        with TokenEndpoint(context, given("a"), given("b")) as endpoint:
            tokens = tokens_from(endpoint, trusting)
            threads = [
                threading.Thread(target=lambda: found.append(tokens.token())) for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            tokens.refused("a")
            tokens.refused("a")
            assert tokens.token() == "b"
        assert found == ["a"] * 8
        assert len(endpoint.asked) == 2

    def test_a_new_refresh_token(self, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        """RFC 6749 section 6: it replaces the old one, and is kept."""
        kept: list[str] = []
        answers = given("a", refresh_token="1//new"), given("b", refresh_token="1//new")
        with TokenEndpoint(context, *answers) as endpoint:
            tokens = tokens_from(endpoint, trusting, keep=kept.append)
            tokens.refused(tokens.token())
            tokens.token()
        assert [told["refresh_token"] for told in endpoint.asked] == ["1//refresh", "1//new"]
        assert kept == ["1//new"]

    def test_a_new_refresh_token_that_cannot_be_kept(
        self, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        """A secret of a service manager is read-only: this run has the new one all the same."""

        def keep(_token: str) -> None:
            raise FlashbackError(tr("It cannot be written."))

        with TokenEndpoint(context, given("a", refresh_token="1//new")) as endpoint:
            tokens = tokens_from(endpoint, trusting, keep=keep)
            assert tokens.token() == "a"


class TestEndpoints:
    """What the endpoint may say instead."""

    @pytest.mark.parametrize(
        ("answer", "told", "way_out"),
        [
            (refused("invalid_grant", "Token revoked."), "400 invalid_grant", "Get a new one"),
            (refused("invalid_client", status=401), "401 invalid_client", "client_secret_file"),
            (refused("invalid_scope"), "invalid_scope", "Check scope"),
            (refused("access_denied", "a\nb"), "access_denied a b", ""),
            ((403, b"<html>"), "no access token: 403", ""),
            ((302, b""), "no access token: 302", ""),
            ((200, b"<html>"), "is no access token", "token_url"),
            ((200, b"[" * 60_000), "is no access token", "token_url"),
            ((200, b"[]"), "is no access token", "token_url"),
            ((200, b"{}"), "is no access token", "token_url"),
            (given("with space"), "is no access token", "token_url"),
            (given("line\r\nend"), "is no access token", "token_url"),
            (given("t", token_type="mac"), "is no access token", "token_url"),
        ],
    )
    def test_never(
        self,
        answer: Answer,
        told: str,
        way_out: str,
        context: ssl.SSLContext,
        trusting: ssl.SSLContext,
    ) -> None:
        """What it says is told with a way out; nobody is redirected."""
        with (
            TokenEndpoint(context, answer) as endpoint,
            pytest.raises(TransportError, match=told) as caught,
        ):
            tokens_from(endpoint, trusting).token()
        assert not isinstance(caught.value, RelayUnreachableError)
        assert way_out in str(caught.value.hint)
        assert len(endpoint.asked) == 1

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_not_now(self, status: int, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        """A later try may succeed."""
        with (
            TokenEndpoint(context, (status, b"")) as endpoint,
            pytest.raises(RelayUnreachableError, match="no access token now"),
        ):
            tokens_from(endpoint, trusting).token()

    def test_an_endpoint_that_repeats_secrets(
        self, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        """What it repeats is blotted out."""
        answer = refused("invalid_grant", "1//refresh with client-s3cret is unknown")
        with (
            TokenEndpoint(context, answer) as endpoint,
            pytest.raises(TransportError, match=r"\*\*\* with \*\*\* is unknown"),
        ):
            tokens_from(endpoint, trusting).token()

    def test_an_untrusted_endpoint(
        self, context: ssl.SSLContext, authority: tuple[certificates.Certificate, Path]
    ) -> None:
        """The system does not know our authority: no secret is said."""
        with (
            TokenEndpoint(context, given("t")) as endpoint,
            pytest.raises(TransportError, match=r"certificate of 127\.0\.0\.1") as caught,
        ):
            tokens_from(endpoint, trust.context(None)).token()
        assert not isinstance(caught.value, RelayUnreachableError)
        assert "token_url" in str(caught.value.hint)
        assert endpoint.asked == []

    def test_nobody_there(self, context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
        """An endpoint that is down is a reason to try later."""
        with TokenEndpoint(context, given("t")) as endpoint:
            pass
        with pytest.raises(RelayUnreachableError, match="Connection refused"):
            tokens_from(endpoint, trusting).token()

    def test_nobody_answers(self, trusting: ssl.SSLContext, context: ssl.SSLContext) -> None:
        """It has a deadline."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            with TokenEndpoint(context, given("t")) as endpoint:
                endpoint.url = f"https://127.0.0.1:{silent.getsockname()[1]}/token"
            with pytest.raises(RelayUnreachableError, match=r"timed out|in time"):
                tokens_from(endpoint, trusting, seconds=0.2).token()

    def test_an_answer_that_is_not_http(
        self, context: ssl.SSLContext, trusting: ssl.SSLContext
    ) -> None:
        """A server of another kind is told as such."""
        with LoginServer(context) as server, TokenEndpoint(context, given("t")) as endpoint:
            endpoint.url = f"https://127.0.0.1:{server.port}/token"
            with pytest.raises(RelayUnreachableError, match=r"is not HTTP|connection was lost"):
                tokens_from(endpoint, trusting).token()
