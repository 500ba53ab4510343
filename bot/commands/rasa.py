"""Rasa's own command line on this project, for designers."""

from __future__ import annotations

import os
import sys
import warnings

from bot.faults import Fault
from bot.settings import PROJECT
from nlu.standins import NotInstalled


def run(arguments: list[str]) -> None:
    """Run `rasa ARGUMENTS` in the project's folder, with our components and without TensorFlow.

    Raises `Fault` for a command that needs what Relève leaves out.
    """
    import bot.engine.assistant  # noqa: F401 - prepares Rasa's imports

    os.chdir(PROJECT)
    warnings.simplefilter("ignore")
    import rasa.utils.log_utils

    # Our own set-up stands: Rasa's would send errors to Sentry.
    rasa.utils.log_utils.configure_structlog = lambda *_args, **_kwargs: None
    from rasa.__main__ import main

    sys.argv = ["rasa", *arguments]
    try:
        main()
    except NotInstalled as error:
        package = str(error).partition(".")[0]
        command = " ".join(arguments[:2])
        raise Fault(
            f"`rasa {command}` needs the package {package}, which is left out here; "
            "`releve chat` talks to the assistant, `releve parse` shows what it understands"
        ) from error
