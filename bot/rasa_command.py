"""Rasa's own command line on this project, for designers."""

from __future__ import annotations

import sys
import warnings

from bot.settings import PROJECT


def run(arguments: list[str]) -> None:
    """Run `rasa ARGUMENTS` in the project's folder, with our components and without TensorFlow."""
    import os

    import bot.engine.assistant  # noqa: F401 - prepares Rasa's imports

    os.chdir(PROJECT)
    warnings.simplefilter("ignore")
    from rasa.__main__ import main

    sys.argv = ["rasa", *arguments]
    main()
