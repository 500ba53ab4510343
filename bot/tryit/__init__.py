"""The try-it page and, behind it, emulators of the carriers: a newcomer plays customer on three phones.

The page, the tests and the measurements all go through the house's real webhooks and its real carriers: only
Twilio's and Telegram's own servers are replaced. Never mounted outside the demonstration.
"""

from bot.tryit.demo import DemoCustomer, demo_customers
from bot.tryit.emulators import EmulatorConfig, Emulators
from bot.tryit.page import tryit_app

__all__ = ["DemoCustomer", "EmulatorConfig", "Emulators", "demo_customers", "tryit_app"]
