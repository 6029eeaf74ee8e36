"""`python -m microgrid_lib`: the same as `microgrid`."""

from microgrid_lib.cli import main

if __name__ == "__main__":
    main()
