"""``flashback dkim new``: a key that stays secret, and lines to copy that fit together."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flashback import founding
from flashback.cli.dkim import dkim
from flashback.config import FILENAME
from flashback.errors import ConfigError
from flashback.mime import dkim_keys, load_signers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    founding.found(
        tmp_path,
        founding.settings(name="Flash-back", sender="letter@news.example.org", language="fr"),
    )
    return tmp_path


def new(folder: Path, *arguments: str) -> None:
    dkim.main(["new", *arguments], obj=str(folder), standalone_mode=False)


def settings_in(out: str) -> str:
    """The lines for flashback.toml at the end of what was said."""
    return out[out.index("[dkim]") :]


def test_a_new_key_signs_and_its_record_is_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only its owner can read the file; both forms of the record are the same."""
    new(folder)
    out = capsys.readouterr().out
    file = folder / "subscribers" / "dkim-flashback.key"
    assert file.stat().st_mode & 0o777 == 0o600
    (signer,) = load_signers("", {"flashback": file.read_bytes()})
    assert signer.algorithm == "rsa-sha256"
    record = dkim_keys.dns_record("flashback", file.read_bytes())
    assert f"\nflashback._domainkey\n{record}\n" in out
    zone = out[out.index("flashback._domainkey.news.example.org. IN TXT (") :].partition(")")[0]
    assert "".join(re.findall('"([^"]*)"', zone)) == record
    assert tomllib.loads(settings_in(out)) == {
        "dkim": {"keys": {"flashback": "subscribers/dkim-flashback.key"}}
    }


def test_two_keys_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of each kind, each under its own name."""
    new(folder, "--type", "both", "--selector", "key1")
    keys = tomllib.loads(settings_in(capsys.readouterr().out))["dkim"]["keys"]
    assert list(keys) == ["key1", "key1-ed"]
    signers = load_signers("", {name: (folder / path).read_bytes() for name, path in keys.items()})
    assert [s.algorithm for s in signers] == ["rsa-sha256", "ed25519-sha256"]


def test_the_lines_to_copy_keep_what_was_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second key stands beside the first, and the domain stays."""
    with (folder / FILENAME).open("a") as file:
        file.write('\n[dkim]\ndomain = "example.org"\nkeys = { "a.b" = "old.key" }\n')
    new(folder, "--type", "ed25519", "--selector", "key2")
    out = capsys.readouterr().out
    assert "key2._domainkey.example.org. IN TXT (" in out
    assert tomllib.loads(settings_in(out))["dkim"] == {
        "domain": "example.org",
        "keys": {"a.b": "old.key", "key2": "subscribers/dkim-key2.key"},
    }


def test_a_selector_in_use_is_taken(folder: Path) -> None:
    """Also when its key lies elsewhere: the record in the DNS is that of the other key."""
    with (folder / FILENAME).open("a") as file:
        file.write('\n[dkim]\nkeys = { old = "elsewhere.key" }\n')
    with pytest.raises(ConfigError, match="“old” already"):
        new(folder, "--selector", "old")


def test_a_key_is_never_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even one of two: then neither is made."""
    new(folder, "--type", "ed25519", "--selector", "a-ed")
    before = (folder / "subscribers" / "dkim-a-ed.key").read_bytes()
    with pytest.raises(ConfigError, match="“a-ed” already"):
        new(folder, "--type", "both", "--selector", "a")
    assert (folder / "subscribers" / "dkim-a-ed.key").read_bytes() == before
    assert not (folder / "subscribers" / "dkim-a.key").exists()


@pytest.mark.parametrize("selector", ["", "Key", "a.b", "../x", "-a", "a_b"])
def test_a_selector_is_a_name_in_the_dns(folder: Path, selector: str) -> None:
    """Nothing else becomes a file's name."""
    with pytest.raises(ConfigError, match="no selector"):
        new(folder, "--selector", selector)


def test_who_does_not_sign_waits_for_nothing() -> None:
    """The package that signs is heavy; only a key loads it."""
    look = "import sys, flashback.mime, flashback.cli.dkim; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
