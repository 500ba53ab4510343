"""Sends the Twilio SDK of the stock side to the bench's local carrier instead of api.twilio.com.

Python imports this module at start because the bench puts this folder on the PYTHONPATH of `rasa run`. Rasa's
Twilio channel has no setting for the address; its code and the SDK's stay untouched on disk, and only the scheme
and host of each request change. The SDK is imported by Rasa at start anyway, so this costs no start-up time.
"""

import os
from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient

_api_url = urlsplit(os.environ["TWILIO_API_URL"])
_request = TwilioHttpClient.request


def _request_locally(self: TwilioHttpClient, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
    local = urlsplit(url)._replace(scheme=_api_url.scheme, netloc=_api_url.netloc).geturl()
    return _request(self, method, local, *args, **kwargs)


TwilioHttpClient.request = _request_locally
