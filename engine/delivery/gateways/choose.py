"""Which gateway sends what, by the settings."""

from __future__ import annotations

from engine.base.errors import ConfigurationError
from engine.base.sending import Gateway
from engine.base.settings import Settings

from .console import ConsoleGateway
from .http import HttpSmsGateway, WebhookGateway
from .mail import SmtpGateway


def gateways(settings: Settings) -> dict[str, Gateway]:
    """Gateways by kind of message. What is not configured goes to the console."""
    console = ConsoleGateway()
    chosen: dict[str, Gateway] = {"sms": console, "mail": console, "webhook": console}
    if settings.sms_gateway == "http":
        if not settings.sms_url:
            raise ConfigurationError("GONGDAN_SMS_GATEWAY is http, but GONGDAN_SMS_URL is not set")
        chosen["sms"] = HttpSmsGateway(settings.sms_url, settings.sms_token, settings.sms_timeout_seconds)
    if settings.smtp_host:
        chosen["mail"] = SmtpGateway(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_from,
            starttls=settings.smtp_starttls,
            user=settings.smtp_user,
            password=settings.smtp_password,
        )
    if settings.webhook_url:
        if not settings.webhook_key:
            raise ConfigurationError("GONGDAN_WEBHOOK_URL is set, but GONGDAN_WEBHOOK_KEY is not")
        chosen["webhook"] = WebhookGateway(
            settings.webhook_url, settings.webhook_key, settings.sms_timeout_seconds
        )
    return chosen
