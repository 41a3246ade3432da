"""Words for people, and templates that refuse to guess."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, FileSystemLoader, UndefinedError

from healthbox import render
from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.folders import folder
from healthbox.web import charts, timelines

TODAY = date(2026, 11, 20)
NOW = 1_795_163_880_000
NBSP = "\N{NO-BREAK SPACE}"


def equipped() -> Environment:
    return render.equip(Environment(loader=FileSystemLoader(folder("templates")), autoescape=True))  # as Flask makes its own


def metric(key: str) -> Metric:
    found = Catalogue.load().get(key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(408, "6 h 48 min"), (60, "1 h 00 min"), (59.7, "1 h 00 min"), (36, "36 min"), (0, "0 min"), (0.5, "30 s"), (-95, "−1 h 35 min")],
)
def test_durations_are_hours_and_minutes(minutes: float, words: str) -> None:
    assert render.duration(minutes) == words


@pytest.mark.parametrize(("locale", "words"), [("en", "12,345.7"), ("de", "12.345,7"), ("fr", "12\u202f345,7"), ("nonsense", "12,345.7")])
def test_numbers_follow_the_locale(locale: str, words: str) -> None:
    assert render.number(12345.678, 1, locale) == words


def test_minus_is_a_minus_and_zero_has_no_sign() -> None:
    assert render.number(-0.3, 1) == "−0.3"
    assert [render.signed(value, 1) for value in (0.3, -0.3, -0.04, 0.04)] == ["+0.3", "−0.3", "0.0", "0.0"]


@pytest.mark.parametrize(
    ("key", "value", "units", "words"),
    [
        ("resting_heart_rate", 61.2, "metric", "61 bpm"),
        ("respiratory_rate", 14.58, "metric", "14.6 /min"),
        ("oxygen_saturation", 96.4, "metric", "96 %"),
        ("weight", 77.46, "metric", "77.5 kg"),
        ("weight", 77.46, "imperial", "170.8 lb"),
        ("distance_walking_running", 1700, "metric", "1.7 km"),
        ("distance_cycling", 123_400, "metric", "123 km"),
        ("steps", 2314, "metric", "2,314 steps"),
        ("sleep_asleep", 408, "metric", "6 h 48 min"),
        ("exercise_time", 12, "imperial", "12 min"),
        ("skin_temperature_delta", 0.3, "metric", "+0.3 °C"),
        ("sleep_score", 80, "metric", "80 of 100"),
    ],
)
def test_a_value_is_said_in_the_persons_units(key: str, value: float, units: render.Units, words: str) -> None:
    assert str(render.quantity(metric(key), value, units)).replace(NBSP, " ") == words


def test_a_missing_value_is_its_reason_and_never_a_number() -> None:
    missing = render.quantity(metric("steps"), None, missing="phone last sent 23:10")
    assert (str(missing), missing.known) == ("phone last sent 23:10", False)


def test_a_duration_is_set_in_two_sizes() -> None:
    assert render.quantity(metric("sleep_asleep"), 408).parts == (("6", "h"), ("48", "min"))
    assert render.quantity(metric("steps"), 2314).parts == (("2,314", "steps"),)


def test_usual_ranges_take_a_dash_and_signs_take_words() -> None:
    assert render.usual_range(52, 57) == "52–57"
    assert render.usual_range(-0.3, 0.4, 1) == "−0.3 to +0.4"
    assert render.usual(metric("sleep_asleep"), 400, 470).replace(NBSP, " ") == "6 h 40 – 7 h 50 min"
    assert render.usual(metric("sleep_awake"), 18, 46).replace(NBSP, " ") == "18–46 min"
    assert render.usual(metric("sleep_deep"), 48, 78).replace(NBSP, " ") == "48 min – 1 h 18 min"
    assert render.usual(metric("skin_temperature_delta"), 0.1, 0.4) == "+0.1 to +0.4"


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "just now"), (4, "4 min ago"), (61, "1 h ago"), (47 * 60, "47 h ago"), (72 * 60, "3 days ago")]
)
def test_ages_are_relative(minutes: int, words: str) -> None:
    assert render.ago(NOW - minutes * 60_000, NOW) == words


def test_an_old_age_is_a_date_where_a_zone_is_known_and_no_age_is_never() -> None:
    assert render.ago(NOW - 72 * 3_600_000, NOW, ZoneInfo("Europe/Berlin"), "en_GB") == "17 Nov"
    assert render.ago(None, NOW) == "never"


def test_clocks_follow_the_locale() -> None:
    evening = datetime(2026, 11, 20, 20, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    assert render.clock_time(evening, "de") == "20:05"
    assert render.clock_time(evening, "en_US") == f"8:05{NBSP}PM"
    assert render.clock_time(None, missing="not known") == "not known"
    assert (render.hour_word(evening, "de"), render.hour_word(evening, "en_US")) == ("20", f"8{NBSP}PM")


def test_days_are_near_or_named() -> None:
    assert render.day_words(TODAY, TODAY) == "today"
    assert render.day_words(date(2026, 11, 19), TODAY) == "yesterday"
    assert render.day_words(date(2026, 11, 13), TODAY, "de") == "Friday 13 November"
    assert "2025" in render.day_words(date(2025, 11, 13), TODAY)


def test_a_template_that_names_nothing_fails_loudly_and_values_are_escaped() -> None:
    environment = equipped()
    with pytest.raises(UndefinedError):
        environment.from_string("{{ nobody }}").render()
    assert environment.from_string("{{ name }}").render(name="<Alice>") == "&lt;Alice&gt;"


def test_filters_take_units_and_locale_from_the_page() -> None:
    template = equipped().from_string("{{ 77.46|quantity(weight) }}, {{ 1234.5|number(1) }}, {{ pair|usual(weight) }}")
    said = template.render(weight=metric("weight"), pair=(77.0, 79.0), units="imperial", locale="de")
    assert said.replace(NBSP, " ") == "170,8 lb, 1.234,5, 169,8–174,2"


def marks(source: str, **values: object) -> str:
    head = '{% import "marks/words.html" as w %}{% import "marks/usual.html" as u %}{% import "marks/plot.html" as m %}'
    return equipped().from_string(head + source).render(**values)


def test_a_row_without_a_value_shows_the_reason_and_no_mark() -> None:
    said = render.quantity(metric("oxygen_saturation"), None, missing="watch not worn")
    html = marks("{{ u.usual_row('Blood oxygen', said, strip, 'usual 95–98') }}", said=said, strip=charts.strip(None, (95, 98)))
    assert "watch not worn" in html
    assert "<circle" not in html
    assert "None" not in html


def test_a_chart_has_a_name_a_summary_and_a_row_per_point() -> None:
    plot = charts.line([41.0, None, 45.0], (37, 58))
    data = {
        "caption": "Variability",
        "columns": ["Day", "Value"],
        "rows": [("1", "41 ms"), ("2", "not worn"), ("3", "45 ms")],
        "xs": plot.xs,
    }
    html = marks("{{ m.plot('hrv', plot, 'heart', 'Variability <b>', '45 ms today', data) }}", plot=plot, data=data)
    assert html.count("<tr data-x=") == 3
    assert 'aria-describedby="hrv-s"' in html
    assert "Variability &lt;b&gt;" in html
    assert html.count('class="nodata"') == 1


def test_no_mark_needs_an_inline_style_or_script() -> None:
    plot = charts.bars([1.0, None, 2.0], [(1, 2), (1, 2), (2, 3)], partial=True)
    html = marks(
        "{{ m.plot('a', plot, 'move', 't', 's') }}{{ m.hypnogram('c', night, 't', 's') }}"
        "{{ m.nights('d', nights, 't', 's') }}{{ m.calendar('e', calendar, 't', 's') }}{{ m.route('f', route, 't', 's', '1 km') }}"
        "{{ m.lanes('g', 't', 's', [('Watch', lane, '5')]) }}{{ u.spark(spark, 'heart') }}{{ w.message('crit', 'no') }}"
        "{{ w.field('name', 'Name', error='empty') }}{{ w.confirm('/x', 'token', 'Delete?', 'It is gone then.', 'Delete') }}",
        plot=plot, spark=charts.spark([1.0, None, 2.0], (1, 2)),
        night=timelines.hypnogram([("core", 0, 60_000)], 0, 120_000), nights=timelines.nights([(660, 1100), None]),
        calendar=timelines.calendar({TODAY: 1.0}, TODAY), route=timelines.route([(52.5, 13.4), (52.6, 13.5)]),
        lane=timelines.lane([(0, 5, "won")], 0, 10),
    )  # fmt: skip
    for forbidden in (" style=", "<script", "onclick", "None", "nan", "Undefined"):
        assert forbidden not in html
    assert html.count("<svg") == html.count("</svg>")


class Alice:
    name = "Alice"


def framed(template: str, **values: object) -> str:
    environment = equipped()
    environment.globals.update(static=lambda name: f"/static/{name}", href=lambda name, **_: f"/{name}")
    return environment.from_string(f'{{% extends "{template}" %}}{{% block title %}}Sleep{{% endblock %}}').render(theme=None, **values)


def test_the_frame_names_its_tabs_and_marks_the_current_one() -> None:
    html = framed("frame.html", nav="sleep", person=Alice, fresh={"state": "late", "text": "Scale is late"}, findings_open=2)
    assert html.count('aria-current="page"') == 1
    assert html.index('aria-current="page"') < html.index("<span>Sleep</span>") < html.index("<span>Metrics</span>")
    assert "Scale is late" in html
    assert "Findings, 2 open" in html
    assert html.index('class="skip"') < html.index("<header")
    assert html.count("<script") == html.count('<script type="module" src="/static/page.js">') == 1


def test_the_plain_frame_knows_nobody() -> None:
    html = framed("plain.html")
    assert "<nav" not in html
    assert "they do not diagnose" in html
