"""Texts, numbers and dates in the reader's language."""

from __future__ import annotations

import io
import math
import string
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from microgrid_lib.errors import UnknownNameError
from microgrid_lib.kpi.model import Note
from microgrid_lib.kpi.notes import decimals_seen

LANGUAGES: tuple[str, ...] = ("en", "fr")
_LOCALES = Path(__file__).resolve().parent.parent / "dashboard" / "locale"
_TERRITORY = {"en": "en_US", "fr": "fr_FR"}
_FIRST = "d'er'"
"""French says the first of a month by its rank."""
_CLAUSES = {"en": "; ", "fr": "\N{NO-BREAK SPACE}; "}


def catalog_paths(language: str) -> list[Path]:
    """Find the `.po` files of a language: `microgrid.po` and one per part of the product."""
    return sorted((_LOCALES / language / "LC_MESSAGES").glob("*.po"))


class Texts:
    """One language: messages by key, and numbers and times as that language writes them.

    Parameters
    ----------
    language
        One of `LANGUAGES`.

    Raises
    ------
    UnknownNameError
        There is no such language.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise UnknownNameError("language", language, list(LANGUAGES))
        self.language = language
        self.locale = Locale.parse(_TERRITORY[language])
        self._translations = Translations()
        for path in catalog_paths(language):
            with path.open("rb") as source:
                catalog = read_po(source, locale=language)
            compiled = io.BytesIO()
            write_mo(compiled, catalog)
            compiled.seek(0)
            self._translations.merge(Translations(compiled))
        self._formatter = _Formatter(self)
        # A page writes hundreds of numbers at every move of a slider; babel takes 0.1 ms for each.
        signs = self.locale.number_symbols["latn"]
        self._symbols = str.maketrans({",": signs["group"], ".": signs["decimal"], "-": "−"})

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process by the language: there the same texts are read."""
        return texts_for, (self.language,)

    def has(self, key: str) -> bool:
        """Whether the catalogue has this message."""
        return self._translations.gettext(key) != key

    def __call__(self, key: str, /, **params: Any) -> str:
        """Give the message of a key with its parameters filled in.

        A field is written `{name}`, `{name:.1}` (decimals), `{name:.1+}` (more where it would read
        zero), `{name:%}` (share as per cent), `{name:cut}` (one decimal, cut), `{name:day}` (date
        of an ISO time), `{name:role}`, `:kpi`, `:channel` or `:reading` (a name that is itself
        translated).
        """
        message = self._translations.gettext(key)
        return self._formatter.format(message, **params) if params else message

    def note(self, note: Note) -> str:
        """Translate a reason or warning; its English text where the code isn't translated yet."""
        also = [code for code in str(note.params.get("also", "")).split(",") if code]
        sentences = []
        for code in (note.code, *also):
            try:
                key = self._note_key(code, note)
                message = self._translations.gettext(key)
                sentences.append(self._formatter.format(message, **note.params))
            except KeyError:
                return note.text
        return self.clauses(sentences)

    def _note_key(self, code: str, note: Note) -> str:
        """Find the message of a code: the one for what or why it names first, then the plain one.

        Raises
        ------
        KeyError
            It has none.
        """
        special = [
            f"note.{code}.{note.params[p]}" for p in ("what", "why", "state") if p in note.params
        ]
        special += [f"note.{code}.{p}" for p in ("why", "others") if p in note.params]
        for key in (*special, f"note.{code}"):
            if self.has(key):
                return key
        raise KeyError(code)

    def share(self, share: float, decimals: int = 1) -> str:
        """Write a share as per cent, cut and not rounded: 94.99 % never reads 95 %."""
        scale = 10**decimals
        return self.number(math.floor(share * 100 * scale + 1e-9) / scale, decimals)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number with grouping and fixed decimals; the minus sign is a real one."""
        text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
        return text.translate(self._symbols)

    def quantity(self, value: float, unit: str) -> tuple[str, str]:
        """Value and unit as a card shows them; shares become per cent.

        Parameters
        ----------
        value
            In `unit`.
        unit
            `1` for shares, else kWh, kW, V, Hz, h.
        """
        if unit == "1":
            return self.number(100 * value, 1), "%"
        return self.number(value, decimals_for(value, unit)), unit

    def day(self, moment: datetime) -> str:
        """Date with month name."""
        return format_date(moment, f"{self._day_number(moment)} MMM y", locale=self.locale)

    def days(self, first: datetime, last: datetime) -> str:
        """Dates of a first and a last day: `5 – 11 Jul 2022`, `28 Jun – 4 Jul 2022`."""
        if first.year != last.year:
            return f"{self.day(first)} – {self.day(last)}"
        form = self._day_number(first)
        if first.month != last.month:
            form += " MMM"
        return f"{format_date(first, form, locale=self.locale)} – {self.day(last)}"

    def day_short(self, moment: datetime) -> str:
        """Day and month name."""
        return format_date(moment, f"{self._day_number(moment)} MMM", locale=self.locale)

    def _day_number(self, moment: datetime) -> str:
        return _FIRST if self.language == "fr" and moment.day == 1 else "d"

    def month(self, moment: datetime) -> str:
        """Month name and year."""
        return format_datetime(moment, "LLL y", tzinfo=moment.tzinfo, locale=self.locale)

    def month_name(self, moment: datetime) -> str:
        """Full month name and year."""
        return format_datetime(moment, "LLLL y", tzinfo=moment.tzinfo, locale=self.locale)

    def clock(self, moment: datetime, seconds: bool = False) -> str:
        """Local time of day, 24 hours."""
        form = "HH:mm:ss" if seconds else "HH:mm"
        return format_time(moment, form, tzinfo=moment.tzinfo, locale=self.locale)

    def moment(self, moment: datetime, seconds: bool = False) -> str:
        """Date and local time."""
        return f"{self.day(moment)} {self.clock(moment, seconds)}"

    def weekday(self, number: int, short: bool = True) -> str:
        """Name of a weekday, Monday being 0."""
        names = self.locale.days["stand-alone"]["abbreviated" if short else "wide"]
        return str(names[number])

    def age(self, age: timedelta) -> str:
        """Write an age in its largest unit, such as `12 min`."""
        return format_timedelta(age, format="short", threshold=1.2, locale=self.locale)

    def listing(self, names: Sequence[str]) -> str:
        """Names joined by commas."""
        return ", ".join(names)

    def clauses(self, said: Sequence[str]) -> str:
        """Clauses joined by semicolons."""
        return _CLAUSES[self.language].join(said)


_FIXED = {"Hz": 2, "V": 1}
"""Decimals of quantities that hardly leave their nominal value."""


def decimals_for(value: float, unit: str) -> int:
    """Decimals that show about three significant digits of a value."""
    if unit in _FIXED:
        return _FIXED[unit]
    if not math.isfinite(value) or value == 0:
        return 0 if unit == "kWh" else 1
    digits = 2 - math.floor(math.log10(abs(value)))
    return max(0, min(digits, 2 if unit in {"kW", "h"} else 1))


class _Formatter(string.Formatter):
    """Fields of messages, formatted by the language's own rules."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs[str(key)]

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in {"role", "kpi", "channel", "reading"}:
            key = f"{format_spec}.{value}"
            return self._texts(key) if self._texts.has(key) else str(value)
        if format_spec == "day":
            return self._texts.day(datetime.fromisoformat(str(value)))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        if format_spec == "%":
            return f"{self._texts.share(value, 0 if (100 * value) % 1 < 1e-9 else 1)} %"
        if format_spec == "cut":
            return self._texts.number(math.floor(value * 10 + 1e-9) / 10, 1)
        if format_spec.startswith("."):
            decimals = int(format_spec[1:].rstrip("+"))
            if format_spec.endswith("+"):
                decimals = decimals_seen(value, decimals)
            return self._texts.number(value, decimals)
        decimals = 0 if float(value).is_integer() else 1
        return self._texts.number(value, decimals)


@lru_cache(maxsize=len(LANGUAGES))
def texts_for(language: str) -> Texts:
    """Return the texts of a language, read once."""
    return Texts(language)
