"""The workspace's theme, looked at before it is used: colours that cannot be read."""

import re
from typing import Final

from flashback.model import Finding
from flashback.workspace.parts import Workspace

_TOKENS: Final = "tokens.toml"


def faint(workspace: Workspace) -> list[Finding]:
    """A finding for each text of the mail that hardly stands out from its ground."""
    from flashback.compose.contrast import NEEDED, judged
    from flashback.preflight import contrast

    theme = workspace.theme
    file = theme.files[_TOKENS]
    return list(
        contrast.findings(
            (
                contrast.Faint(
                    scheme=one.scheme,
                    ink=one.pair.ink,
                    ground=one.pair.ground,
                    where=one.pair.where,
                    ratio=one.ratio,
                    needed=NEEDED,
                    better=one.better,
                    file=str(file.path),
                    line=_line(file.text, one.scheme, one.pair.ink, one.pair.ground),
                )
                for one in judged(theme.tokens)
                if not one.passes
            ),
            language=workspace.config.newsletter.language,
        )
    )


def _line(text: str, table: str, *keys: str) -> int:
    """Where the first of these keys stands in its table; 0 where the file has none of them."""
    found, current = {}, ""
    for number, line in enumerate(text.split("\n"), start=1):
        if heading := re.match(r"\s*\[([a-z_]+)\]", line):
            current = heading[1]
        elif (key := re.match(r"\s*([a-z_]+)\s*=", line)) and current == table:
            found[key[1]] = number
    return next((found[key] for key in keys if key in found), 0)
