"""``calendar-data``: writes ``bpmn/calendars/cn.json`` of the project again, after the libraries know a new year.

The days come from ``chinesecalendar`` (MIT) and must agree with ``holidays`` (MIT) on every single day; both
are needed only here and in the tests, so they are imported inside the functions.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import click

from engine.base.atomic_files import SHARED, write_all
from engine.base.locales import WRITTEN
from engine.base.settings import project_folder
from engine.sla.calendar_days import WEEKDAYS

from .project import FOLDER, files_of, release_option

CHINA = "bpmn/calendars/cn.json"
FIRST_YEAR = 2004

#: Days ``chinesecalendar`` misses. 国办发明电〔2005〕35号: 「12月31日(星期六)上班」; ``holidays`` has it.
CORRECTIONS = {"make_up_days": {date(2005, 12, 31): "new_years_day"}}

NAMES = {
    "new_years_day": ("元旦", "元旦", "New Year's Day"),
    "spring_festival": ("春节", "春節", "Spring Festival"),
    "tomb_sweeping_day": ("清明节", "清明節", "Tomb-Sweeping Day"),
    "labour_day": ("劳动节", "勞動節", "Labour Day"),
    "dragon_boat_festival": ("端午节", "端午節", "Dragon Boat Festival"),
    "mid_autumn_festival": ("中秋节", "中秋節", "Mid-Autumn Festival"),
    "national_day": ("国庆节", "國慶節", "National Day"),
    "anti_fascist_70th_day": (
        "抗战胜利70周年纪念日", "抗戰勝利70周年紀念日", "70th anniversary of the victory in 1945",
    ),
}  # fmt: skip


@click.command("calendar-data")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the file differs.")
@release_option("the folder")
def calendar_data(check: bool, which: str | None) -> None:
    """Write the project's Chinese business calendar from the libraries that know the government's notices."""
    if which not in (None, FOLDER) and not check:
        raise click.UsageError("a release is never written; --release goes with --check")
    made = render(generate()).encode()
    if check:
        source = files_of(which or FOLDER)
        if source.files.get(CHINA) != made:
            mend = (
                "run calendar-data" if source.where.startswith(FOLDER) else "publish the one of calendar-data"
            )
            raise click.ClickException(f"{CHINA} of {source.where} is not what the generator writes; {mend}")
        click.echo(f"{CHINA} of {source.where} is up to date")
        return
    path = project_folder() / CHINA
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {path.parent}; see GONGDAN_PROJECT")
    write_all({path: made}, SHARED)
    click.echo(f"wrote {path}")


def generate() -> dict[str, Any]:
    """The calendar file as plain data. Raises :class:`click.ClickException` when the two sources disagree."""
    import chinese_calendar
    from chinese_calendar.constants import holidays, workdays

    last_year = max(holidays).year
    days = {"holidays": holidays, "make_up_days": workdays}
    years: dict[str, dict[str, dict[str, str]]] = {}
    for year in range(FIRST_YEAR, last_year + 1):
        years[str(year)] = {}
        for kind, known in days.items():
            merged = {day: chinese_calendar.Holiday(name).name for day, name in known.items()}
            merged.update(CORRECTIONS.get(kind, {}))
            # A holiday on a Saturday or Sunday closes nothing, but an explanation should name it.
            years[str(year)][kind] = {d.isoformat(): n for d, n in sorted(merged.items()) if d.year == year}
    disagreements = cross_check(years)
    if disagreements:
        raise click.ClickException(f"the sources disagree on {', '.join(disagreements)}; read the notice")
    office: list[list[str]] = [["09:00", "12:00"], ["13:00", "18:00"]]
    return {
        "name": "cn",
        "title": _words("工作日历（中国大陆）", "工作日曆（中國內地）", "Business days (mainland China)"),
        "zone": "Asia/Shanghai",
        "source": "Holiday notices of the State Council's General Office, by way of chinesecalendar (MIT), "
        "checked day by day against holidays (MIT)",
        "week": dict.fromkeys(WEEKDAYS[:5], office) | {day: [] for day in WEEKDAYS[5:]},
        "make_up": office,
        "names": {key: _words(*words) for key, words in NAMES.items()},
        "years": years,
    }


def cross_check(years: dict[str, dict[str, dict[str, str]]]) -> list[str]:
    """Dates (ISO) on which ``holidays`` and the given years disagree whether people work."""
    import holidays

    found = []
    for text, special in years.items():
        # Neighbours too: a make-up day of December may be announced with the next year's holidays.
        other = holidays.country_holidays("CN", years=[int(text) - 1, int(text), int(text) + 1])
        day = date(int(text), 1, 1)
        while day.year == int(text):
            iso, usual = day.isoformat(), day.weekday() < 5
            ours = iso in special["make_up_days"] or (usual and iso not in special["holidays"])
            theirs = day in other.weekend_workdays or (usual and day not in other)
            if ours != theirs:
                found.append(iso)
            day += timedelta(days=1)
    return found


def render(data: dict[str, Any]) -> str:
    """The file's text, one short list a line, so that a new year is a short difference."""
    years = ",\n".join(
        f'  "{year}": {{\n'
        + ",\n".join(f'   "{kind}": {json.dumps(days)}' for kind, days in special.items())
        + "\n  }"
        for year, special in data["years"].items()
    )
    week = ",\n".join(f'  "{day}": {json.dumps(hours)}' for day, hours in data["week"].items())
    parts = [
        f' "{key}": {json.dumps(value, ensure_ascii=False)}'
        for key, value in data.items()
        if key not in ("week", "years")
    ]
    return "{\n" + ",\n".join([*parts, f' "week": {{\n{week}\n }}', f' "years": {{\n{years}\n }}']) + "\n}\n"


def _words(*words: str) -> dict[str, str]:
    return dict(zip(WRITTEN, words, strict=True))
