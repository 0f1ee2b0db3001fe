"""`python -m gateway` is the command `link-gateway`."""

from gateway.cli import main

if __name__ == "__main__":
    main()
