"""Compose the golden files again. Look at the difference before you commit it: make golden."""

from editions import editions, files_of


def main() -> None:
    """Write every file that changed, and say so."""
    for edition in editions():
        for path, content in files_of(edition).items():
            old = path.read_bytes() if path.exists() else b""
            if old != content:
                path.write_bytes(content)
                print(f"{path.name}: {len(old)} -> {len(content)} octets")  # noqa: T201


if __name__ == "__main__":
    main()
