"""``python -m server`` is ``tingban``, for machines where the command is not on the path."""

from server.cli import main

if __name__ == "__main__":
    main()
