"""``python -m flashback``."""

from flashback.cli import run

if __name__ == "__main__":
    run()
