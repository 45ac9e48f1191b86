"""Secrets of relays, of tokens and of signatures: where they come from, and why not."""

from pathlib import Path

import pytest

from flashback.config import Config, load
from flashback.credentials import (
    OAuthSecrets,
    dkim_keys,
    keep_refresh_token,
    oauth_secrets,
    relay_password,
)
from flashback.errors import ConfigError

SETTINGS = """
[newsletter]
name = "Flash-back"
sender = "letter@example.org"
list_id = "flash-back.example.org"
[links]
unsubscribe = "https://example.org/u/{token}"
[relay]
username = "letter"
[relay.oauth]
token_url = "https://login.example.org/token"
client_id = "flashback"
client_secret_file = "client.secret"
refresh_token_file = "refresh.token"
[relays.second-one]
host = "second.example.org"
username = "other"
password_file = "second.password"
[dkim]
keys.key1 = "key1.pem"
"""
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings that name a file for every secret; no variable is set."""
    for variable in ("RELAY_PASSWORD", "OAUTH_REFRESH_TOKEN", "OAUTH_CLIENT_SECRET"):
        monkeypatch.delenv(f"FLASHBACK_{variable}", raising=False)
        monkeypatch.delenv(f"FLASHBACK_{variable}_SECOND_ONE", raising=False)
    monkeypatch.delenv("FLASHBACK_DKIM_KEY1", raising=False)
    path = tmp_path / "flashback.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return load(path)


def write(config: Config, name: str, text: str, mode: int = 0o600) -> Path:
    path = config.path(name)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


class TestPasswords:
    """Each relay has its own."""

    def test_a_file_for_each(self, config: Config) -> None:
        """The second relay's file is not the first one's."""
        write(config, "second.password", "second\n")
        assert relay_password(config, "second-one") == "second"

    def test_a_variable_for_each(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        """No relay is shown the password of another."""
        write(config, "second.password", "second\n")
        monkeypatch.setenv("FLASHBACK_RELAY_PASSWORD", "first")
        assert relay_password(config) == "first"
        assert relay_password(config, "second-one") == "second"
        monkeypatch.setenv("FLASHBACK_RELAY_PASSWORD_SECOND_ONE", "from the environment")
        assert relay_password(config, "second-one") == "from the environment"


class TestOAuth:
    """What a token is asked for with."""

    def test_from_files(self, config: Config) -> None:
        """Both secrets, without their line ends."""
        write(config, "refresh.token", "1//refresh\n")
        write(config, "client.secret", "GOCSPX\n")
        found = oauth_secrets(config)
        assert found == OAuthSecrets(refresh_token="1//refresh", client_secret="GOCSPX")

    def test_the_environment_wins(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        """And no file needs to be there then."""
        monkeypatch.setenv("FLASHBACK_OAUTH_REFRESH_TOKEN", "refresh")
        monkeypatch.setenv("FLASHBACK_OAUTH_CLIENT_SECRET", "client")
        found = oauth_secrets(config)
        assert found == OAuthSecrets(refresh_token="refresh", client_secret="client")

    def test_a_client_without_a_secret(
        self, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A public client has a refresh token and nothing else."""
        monkeypatch.setenv("FLASHBACK_OAUTH_REFRESH_TOKEN_SECOND_ONE", "refresh")
        assert oauth_secrets(config, "second-one").client_secret == ""

    def test_no_refresh_token(self, config: Config) -> None:
        """The variable and the key of this relay are named."""
        with pytest.raises(ConfigError, match="no refresh token") as caught:
            oauth_secrets(config, "second-one")
        assert "FLASHBACK_OAUTH_REFRESH_TOKEN_SECOND_ONE" in str(caught.value.hint)
        assert "[relays.second-one.oauth]" in str(caught.value.hint)

    def test_open_to_everyone(self, config: Config) -> None:
        """A token is a password."""
        write(config, "refresh.token", "1//refresh\n", mode=0o644)
        with pytest.raises(ConfigError, match="can be read by everyone"):
            oauth_secrets(config)

    def test_secrets_are_not_shown(self) -> None:
        """Neither in a log nor in a traceback."""
        secrets = OAuthSecrets(refresh_token="1//refresh", client_secret="GOCSPX")
        assert "refresh" not in repr(secrets).replace("refresh_token", "")
        assert "GOCSPX" not in repr(secrets)

    def test_a_new_refresh_token_is_kept(self, config: Config) -> None:
        """RFC 6749 section 6: the old one is thrown away."""
        path = write(config, "refresh.token", "old\n")
        write(config, "client.secret", "GOCSPX\n")
        keep_refresh_token(config, "new")
        assert oauth_secrets(config).refresh_token == "new"
        assert path.stat().st_mode & 0o777 == 0o600

    def test_the_environment_cannot_be_written(
        self, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file that was not used is not written either."""
        path = write(config, "refresh.token", "old\n")
        monkeypatch.setenv("FLASHBACK_OAUTH_REFRESH_TOKEN", "other")
        keep_refresh_token(config, "new")
        assert path.read_text(encoding="utf-8") == "old\n"


class TestSignatures:
    """Private keys by selector."""

    def test_from_files(self, config: Config) -> None:
        """PEM octets as they are."""
        write(config, "key1.pem", PEM)
        assert dkim_keys(config) == {"key1": PEM.encode()}

    @pytest.mark.parametrize("text", [PEM, PEM.replace("\n", "\\n"), f"\n{PEM}\n"])
    def test_the_environment_wins(
        self, config: Config, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        """Also from an environment file, which has one line for each variable."""
        monkeypatch.setenv("FLASHBACK_DKIM_KEY1", text)
        assert dkim_keys(config) == {"key1": PEM.encode()}

    def test_open_to_everyone(self, config: Config) -> None:
        """Whoever reads the key can sign in our name."""
        write(config, "key1.pem", PEM, mode=0o644)
        with pytest.raises(ConfigError, match="can be read by everyone") as caught:
            dkim_keys(config)
        assert "chmod 600" in str(caught.value.hint)

    @pytest.mark.parametrize("kind", ["PUBLIC KEY", "ENCRYPTED PRIVATE KEY", "CERTIFICATE"])
    def test_what_is_no_private_key(self, config: Config, kind: str) -> None:
        """It is told by its place, and none of it is shown."""
        write(config, "key1.pem", PEM.replace("PRIVATE KEY", kind))
        with pytest.raises(ConfigError, match=r"key1\.pem holds no private key") as caught:
            dkim_keys(config)
        assert "MC4CAQ" not in str(caught.value)

    def test_a_missing_file(self, config: Config) -> None:
        """Its path is told."""
        with pytest.raises(ConfigError, match=r"key1\.pem cannot be read"):
            dkim_keys(config)

    def test_a_selector_without_a_key(self, tmp_path: Path) -> None:
        """No file and no variable: both are named."""
        path = tmp_path / "flashback.toml"
        path.write_text(SETTINGS.replace('"key1.pem"', '""'), encoding="utf-8")
        with pytest.raises(ConfigError, match="selector key1") as caught:
            dkim_keys(load(path))
        assert "FLASHBACK_DKIM_KEY1" in str(caught.value.hint)

    def test_none_at_all(self, tmp_path: Path) -> None:
        """Who signs nothing needs no key."""
        path = tmp_path / "flashback.toml"
        path.write_text(SETTINGS.partition("[dkim]")[0], encoding="utf-8")
        assert dkim_keys(load(path)) == {}
