"""The carrier emulators and the page on their own, for tests and measurements; see `--help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from pathlib import Path

import uvicorn

from bot.tryit import EmulatorConfig, demo_customers, tryit_app
from bot.tryit.faults import AbortingProtocol
from bot.tryit.twilio_content import APPROVED, ApprovedTemplate


def main() -> None:
    """Serve until interrupted. The address is printed on one line once connections are accepted."""
    options = _parser().parse_args()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    listener.listen(2048)
    address = f"http://{options.host}:{listener.getsockname()[1]}"
    config = EmulatorConfig(
        webhook_base=options.webhook_base,
        connect_base=options.connect_base,
        own_base=address,
        twilio_account_sid=options.twilio_account_sid,
        twilio_auth_token=options.twilio_auth_token,
        sms_from=options.sms_from,
        whatsapp_from=options.whatsapp_from,
        telegram_token=options.telegram_token,
        telegram_secret=options.telegram_secret,
        telegram_polling=options.telegram_polling,
        receipts=options.receipts,
        receipt_pause=options.receipt_pause,
        retries=options.retries,
        retries_5xx=options.retry_5xx,
        ledger=options.ledger,
        approved=APPROVED + _approved(options.templates),
        keeps_opt_outs=not options.no_opt_outs,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            tryit_app(config, demo_customers()),
            http=AbortingProtocol,
            lifespan="on",
            ws="none",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    print(address, flush=True)
    asyncio.run(server.serve([listener]))


def _approved(file: Path | None) -> tuple[ApprovedTemplate, ...]:
    if file is None:
        return ()
    return tuple(ApprovedTemplate(sid, body) for sid, body in json.loads(file.read_text(encoding="utf-8")).items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot.tryit",
        description="Twilio and Telegram in memory, with phones to play customer.",
        epilog="example: python -m bot.tryit --port 9000 --webhook-base http://127.0.0.1:8000",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen at")
    add("--port", type=int, default=0, help="port to listen at; 0 takes a free one")
    add("--webhook-base", required=True, help="public address of the house; webhooks are signed for it")
    add("--connect-base", help="where to connect instead, when the house listens elsewhere")
    add("--twilio-account-sid", default="AC" + "0" * 32, help="account SID")
    add("--twilio-auth-token", default="demo-twilio-auth-token", help="auth token; signs the webhooks")
    add("--sms-from", default="+212500000000", help="our SMS number, or a messaging service (MG…)")
    add("--whatsapp-from", default="+212500000001", help="our WhatsApp number")
    add("--telegram-token", default="1000000001:demo-telegram-token", help="bot token")
    add("--telegram-secret", default="demo-telegram-secret", help="secret of the webhook's header")
    add("--telegram-polling", action="store_true", help="keep updates for getUpdates; no webhook")
    add("--receipts", choices=("off", "delivered", "read"), default="read", help="delivery states reported")
    add("--receipt-pause", type=float, default=0.4, help="seconds between two delivery states")
    add("--retries", type=int, default=1, help="times a failed webhook is posted again")
    add("--retry-5xx", action="store_true", help="post again after a 5xx too, as Twilio does where rp=all is set")
    add(
        "--ledger",
        type=Path,
        help="file that also gets every accepted send, one JSON object a line",
    )
    add(
        "--templates",
        type=Path,
        help='file of further templates that WhatsApp has approved: {"HX…": "text with {{1}}"}',
    )
    add("--no-opt-outs", action="store_true", help="let STOP pass as a word like any other")
    return parser


if __name__ == "__main__":
    main()
