"""Which gateway sends what, by the settings."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from engine.base.sending import Gateway
from engine.base.services import OUTSIDE
from engine.base.settings import Settings

from .console import ConsoleGateway


class Channel(Protocol):
    """A module of this package that is named as the service whose messages it sends."""

    def gateway(self, settings: Settings) -> Gateway | None:
        """The gateway that the settings ask for, or None where they name none."""
        ...


def gateways(settings: Settings) -> dict[str, Gateway]:
    """Gateways by kind of service. What is not configured goes to the console."""
    console = ConsoleGateway()
    return {kind: channel(kind).gateway(settings) or console for kind in OUTSIDE}


def channel(kind: str) -> Channel:
    """The module that sends what a service of this kind asks for."""
    return cast(Channel, import_module(f"{__package__}.{kind}"))
