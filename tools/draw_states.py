"""Draw the states of a delivery into docs/guarantees.md, from the table the program uses."""

import re
from pathlib import Path

from flashback.model import TRANSITIONS, DeliveryState

PAGE = Path(__file__).parent.parent / "docs" / "guarantees.md"
PLACE = re.compile(r"(<!-- states:[^\n]*-->\n).*(<!-- states end -->)", re.DOTALL)


def drawing() -> str:
    """A Mermaid state diagram of the lawful transitions."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {DeliveryState.PLANNED}"]
    for state in DeliveryState:
        lines += [f"    {state} --> {to}" for to in DeliveryState if to in TRANSITIONS[state]]
        lines += [f"    {state} --> [*]"] if not TRANSITIONS[state] else []
    return "\n".join([*lines, "```", ""])


def drawn(page: str) -> str:
    """The page with the drawing in its place."""
    return PLACE.sub(lambda found: found[1] + drawing() + found[2], page)


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
