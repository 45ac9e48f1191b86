"""Compose the golden files again. Look at the difference before you commit it: make golden."""

from editions import editions, files_of


def main() -> None:
    """Write every file that changed, and say so."""
    for edition in editions():
        for path, text in files_of(edition).items():
            old = path.read_bytes() if path.exists() else b""
            if old != text.encode():
                path.write_bytes(text.encode())
                print(f"{path.name}: {len(old)} -> {len(text.encode())} octets")  # noqa: T201


if __name__ == "__main__":
    main()
