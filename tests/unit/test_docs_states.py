"""The drawing of the states is the table's."""

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "draw_states.py"


def test_the_drawing_is_up_to_date() -> None:
    """docs/guarantees.md shows exactly the transitions the program allows."""
    spec = importlib.util.spec_from_file_location("draw_states", TOOL)
    assert spec is not None
    assert spec.loader is not None
    draw_states = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw_states)
    page = draw_states.PAGE.read_text(encoding="utf-8")
    assert draw_states.drawn(page) == page, "run: python tools/draw_states.py"
