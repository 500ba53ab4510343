"""`python -m bot` is the `releve` command."""

from bot.cli import main

main()
