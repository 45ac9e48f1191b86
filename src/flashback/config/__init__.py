"""flashback.toml to a frozen ``Config``; unknown keys are refused with the nearest known one.

Secrets never stand in the file: they come from the environment, from a file named there, or from
the system's keyring. All paths are relative to the file's folder, the workspace. ``tables`` says
what there is to set, ``reading`` makes it from TOML, ``checks`` refuses what cannot be meant.
"""

from flashback.config.reading import FILENAME, find, load, read_text
from flashback.config.tables import (
    MAIN,
    Config,
    DkimConfig,
    Kind,
    LinksConfig,
    Login,
    NewsletterConfig,
    OAuthConfig,
    RelayConfig,
    RetentionConfig,
    Security,
    SendingConfig,
    StoreConfig,
)

__all__ = [
    "FILENAME",
    "MAIN",
    "Config",
    "DkimConfig",
    "Kind",
    "LinksConfig",
    "Login",
    "NewsletterConfig",
    "OAuthConfig",
    "RelayConfig",
    "RetentionConfig",
    "Security",
    "SendingConfig",
    "StoreConfig",
    "find",
    "load",
    "read_text",
]
