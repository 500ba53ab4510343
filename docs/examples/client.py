"""How a system of the operator's talks to Relève: bring a file in, follow readings, take webhooks.

    RELEVE_URL=https://releve.example.ma RELEVE_KEY=rlv_… python client.py import customers customers.csv
    RELEVE_URL=https://releve.example.ma RELEVE_KEY=rlv_… python client.py follow billing > readings.jsonl

Needs httpx and standardwebhooks.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

MEDIA_TYPES = {".csv": "text/csv", ".json": "application/json", ".jsonl": "application/x-ndjson"}


class Releve:
    """The API of Relève at `url`, called with a `key` that has the scopes `imports` and `readings:read`."""

    def __init__(self, url: str, key: str) -> None:
        retries = httpx.HTTPTransport(retries=3)  # of connections only: what was sent is not sent twice
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=f"{url}/api/v1", headers=headers, transport=retries, timeout=60)

    def import_file(self, kind: str, path: Path, *, dry_run: bool = False) -> dict[str, Any]:
        """Bring a file in and wait for its end; the import with its counts. Sending it again changes nothing."""
        with path.open("rb") as file:
            answer = self._http.post(
                f"/imports/{kind}",
                params={"dry_run": dry_run},
                content=iter(lambda: file.read(65536), b""),
                headers={"Content-Type": MEDIA_TYPES.get(path.suffix, "text/csv")},
            )
        job: dict[str, Any] = _json(answer)
        while job["state"] in ("waiting", "running"):
            time.sleep(0.5)
            job = _json(self._http.get(f"/imports/{job['id']}"))
        return job

    def wrong_lines(self, import_id: int) -> Iterator[dict[str, Any]]:
        """What is wrong with lines of an import, in the order of the file."""
        after = 0
        while page := _json(self._http.get(f"/imports/{import_id}/errors", params={"after": after})):
            yield from page
            after = page[-1]["id"]

    def follow_readings(self, consumer: str, keep: Callable[[list[dict[str, Any]]], None]) -> None:
        """Have `keep` take in all readings that `consumer` has not had, and acknowledge each batch after it.

        When this process dies before the acknowledgement the same batch comes again: `keep` should replace what it
        has under the same `position`, or write it in one transaction with the batch's number.
        """
        path = f"/exports/readings/consumers/{consumer}"
        while True:
            batch = _json(self._http.get(path))
            if batch["lines"]:
                keep(batch["lines"])
                self._http.post(f"{path}/acknowledgement", json={"batch": batch["batch"]}).raise_for_status()
            if batch["is_last"]:
                return


def event_of(secret: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The event of a webhook. Raises `standardwebhooks.WebhookVerificationError` when Relève did not send it.

    The same `webhook-id` may come twice: what was done for it once is not done again.
    """
    event: dict[str, Any] = Webhook(secret).verify(body, dict(headers))
    return event


def _json(answer: httpx.Response) -> Any:
    if answer.is_client_error:
        raise SystemExit(f"{answer.status_code}: {answer.json()['detail']}")
    answer.raise_for_status()
    return answer.json()


def main(action: str, name: str, *file: str) -> None:
    releve = Releve(os.environ["RELEVE_URL"], os.environ["RELEVE_KEY"])
    if action == "import":
        job = releve.import_file(name, Path(file[0]))
        for wrong in releve.wrong_lines(job["id"]):
            print(f"line {wrong['line']}: {wrong['field'] or ''} {wrong['reason']}", file=sys.stderr)
        print(f"{job['state']}: {job['added']} added, {job['changed']} changed, {job['wrong']} wrong")
    else:
        releve.follow_readings(name, lambda lines: print("\n".join(map(json.dumps, lines)), flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
