"""Events to the operator's own address, signed."""

from __future__ import annotations

import hashlib
import hmac

import orjson

from engine.base.errors import ConfigurationError
from engine.base.sending import Answer, Entry, Gateway
from engine.base.settings import Settings

from .http import header, post


def gateway(settings: Settings) -> Gateway | None:
    """The address of the settings, if there is one. Raises :class:`ConfigurationError` without a key."""
    if not settings.webhook_url:
        return None
    if not settings.webhook_key:
        raise ConfigurationError("GONGDAN_WEBHOOK_URL is set, but GONGDAN_WEBHOOK_KEY is not")
    return WebhookGateway(settings.webhook_url, settings.webhook_key, settings.sms_timeout_seconds)


class WebhookGateway:
    """Posts events to the operator's address, signed with HMAC-SHA-256 over the body."""

    def __init__(self, url: str, key: bytes, timeout: float) -> None:
        self._url, self._key, self._timeout = url, key, timeout

    def send(self, entry: Entry) -> Answer:
        """Post ``entry``; the header ``Gongdan-Signature`` is ``sha256=<hex>``."""
        body = orjson.dumps(
            {
                "id": entry.id,
                "case": entry.case_id,
                "event": entry.key,
                "to": entry.recipient,
                "text": entry.body,
            }
        )
        signature = hmac.new(self._key, body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": header(entry.id),
            "Gongdan-Signature": f"sha256={signature}",
        }
        return post(self._url, body, headers, self._timeout)
