"""Languages and themes of the pages. English is the language of the message ids."""

from __future__ import annotations

from collections.abc import Iterable
from gettext import NullTranslations
from typing import cast

from flask import Flask, g, request
from flask_babel import Babel, get_locale, get_translations, lazy_gettext

from engine.base.locales import LOCALES, in_language, language
from engine.base.settings import Settings

#: our names of languages → names of the catalogues under ``translations/``
CATALOGUES = {locale: language(locale).catalogue for locale in LOCALES}
NAMES = {locale: language(locale).name for locale in LOCALES}
THEMES = {"auto": lazy_gettext("As the system"), "light": lazy_gettext("Light"), "dark": lazy_gettext("Dark")}


def install(app: Flask, settings: Settings) -> None:
    """Choose language and theme for each request."""

    def chosen() -> str:
        return CATALOGUES[locale()]

    Babel(app, locale_selector=chosen, default_translation_directories="translations")

    @app.before_request
    def choose() -> None:
        cookie = request.cookies.get("locale", "")
        g.locale = cookie if cookie in LOCALES else settings.locale
        theme = request.cookies.get("theme", "auto")
        g.theme = theme if theme in THEMES else "auto"

    # A page asks hundreds of times; its language is found once.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: _catalogue().gettext(text),
        ngettext=lambda one, many, number: _catalogue().ngettext(one, many, number),
        newstyle=True,
    )
    app.jinja_env.globals.update(
        locale=locale, theme=theme, LOCALE_NAMES=NAMES, THEMES=THEMES, babel_locale=get_locale
    )
    app.jinja_env.filters["t"] = pick


def _catalogue() -> NullTranslations:
    """The texts in the language of this page."""
    if "catalogue" not in g:
        g.catalogue = get_translations()
    return cast(NullTranslations, g.catalogue)


def locale() -> str:
    """Language of this page, one of :data:`LOCALES`."""
    return str(g.get("locale", LOCALES[0]))


def theme() -> str:
    """``light``, ``dark`` or ``auto``."""
    return str(g.get("theme", "auto"))


def listed(texts: Iterable[str], spoken: str | None = None) -> str:
    """Texts one after another, as a list within a line: 、 in Chinese. In the language of the page if none is given."""
    return language(spoken or locale()).comma.join(filter(None, texts))


def joined(clauses: Iterable[str]) -> str:
    """Clauses one after another in a line: ； in Chinese."""
    return language(locale()).semicolon.join(filter(None, clauses))


def pick(texts: object) -> str:
    """The text in the language of the page, from a mapping of language → text (plain text stays as it is)."""
    if isinstance(texts, dict):
        return in_language(texts, locale())
    return str(texts or "")
