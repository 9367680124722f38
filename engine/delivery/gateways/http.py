"""JSON over HTTP: how a request is posted and its answer is read, for every gateway that speaks it.

The address comes from the operator's settings only; redirects are not followed.
"""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer

_NEVER_ARRIVED = (ConnectionRefusedError, socket.gaierror)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def post(url: str, body: bytes, headers: dict[str, str], timeout: float) -> Answer:
    """POST ``body`` to ``url`` and read the answer as one of the four outcomes.

    2xx sent; 429 and 503 retry; other 4xx failed; a connection that was refused retries; a time-out, a broken
    connection and other 5xx are unknown, because the other side may have done it.
    """
    request = urllib.request.Request(url, data=body, method="POST", headers=headers)  # noqa: S310 - checked in settings
    try:
        with _opener.open(request, timeout=timeout) as response:
            return Answer(SENT, response.read(500).decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        detail = f"HTTP {error.code}"
        if error.code in (429, 503):
            return Answer(RETRY, detail)
        return Answer(FAILED if error.code < 500 else UNKNOWN, detail)
    except urllib.error.URLError as error:
        state = RETRY if isinstance(error.reason, _NEVER_ARRIVED) else UNKNOWN
        return Answer(state, f"{type(error.reason).__name__}: {error.reason}")
    except (OSError, http.client.HTTPException) as error:
        return Answer(UNKNOWN, f"{type(error).__name__}: {error}")


def header(text: str) -> str:
    """``text`` as a header can carry it: what is not ASCII percent-encoded."""
    return urllib.parse.quote(text, safe="/-._~ :[](),'")
