"""How fast, and at what cost: figures, not promises."""
