"""`python -m pairforge`."""

from pairforge.cli import main

if __name__ == "__main__":
    main()
