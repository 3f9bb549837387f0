"""`python -m hwmodel`: the same as `hwmodel`."""

from hwmodel.cli import main

main()
