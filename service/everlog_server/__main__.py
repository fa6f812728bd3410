"""The command `everlog`, also as `python -m everlog_server`."""

from everlog_server.cli import everlog


def main() -> None:
    """Runs the command line and exits."""
    everlog(prog_name="everlog")


if __name__ == "__main__":
    main()
