"""The seven situations of the sentence on top of Today, in their order."""

import pytest

from healthbox.analytics.verdict import Away, Situation, verdict

UP = Away("resting pulse", above=True)
THIRD = Away("resting pulse", above=True, mornings=3)
DOWN = Away("breathing", above=False)


@pytest.mark.parametrize(
    ("situation", "sentence"),
    [
        (
            Situation(has_night=False, nights=3, last_source="watch", last_sent="23:10", clinical=["x"]),
            "No data for last night yet. Your watch last sent at 23:10.",
        ),
        (Situation(has_night=False, nights=60), "No data for last night yet."),
        (Situation(has_night=True, nights=9, clinical=["x"]), "Getting to know you: 9 of 14 nights."),
        (
            Situation(has_night=True, nights=14, clinical=["Blood oxygen was 91 % twice.", "y"], outside=[UP, DOWN]),
            "Blood oxygen was 91 % twice.",
        ),
        (Situation(has_night=True, nights=14, outside=[UP, DOWN], episodes=[THIRD]), "Several readings are away from your usual."),
        (
            Situation(has_night=True, nights=14, outside=[UP], episodes=[THIRD], changes=["x"]),
            "Mostly your usual self. Your resting pulse is up for the third morning.",
        ),
        (Situation(has_night=True, nights=14, outside=[DOWN]), "Mostly your usual self. Your breathing is down this morning."),
        (Situation(has_night=True, nights=14, episodes=[THIRD]), "Mostly your usual self. Your resting pulse is up for the third morning."),
        (
            Situation(has_night=True, nights=14, changes=["Bedtime has moved 31 minutes later.", "y"]),
            "Usual night. Bedtime has moved 31 minutes later.",
        ),
        (Situation(has_night=True, nights=14), "A usual night."),
    ],
)
def test_the_first_rule_that_holds_speaks(situation: Situation, sentence: str) -> None:
    assert verdict(situation)[0] == sentence


@pytest.mark.parametrize(
    ("readings", "outside", "below"),
    [
        (7, [UP], "Six of seven night readings sit inside your own usual range of the last 42 nights."),
        (7, [], "All seven night readings sit inside your own usual range of the last 42 nights."),
        (2, [UP], "One of two night readings sits inside your own usual range of the last 42 nights."),
        (2, [UP, DOWN], "None of two night readings sit inside your own usual range of the last 42 nights."),
        (1, [], "The one night reading sits inside your own usual range of the last 42 nights."),
        (14, [UP], "13 of 14 night readings sit inside your own usual range of the last 42 nights."),
        (0, [], ""),
    ],
)
def test_the_line_below_counts_the_readings(readings: int, outside: list[Away], below: str) -> None:
    assert verdict(Situation(has_night=True, nights=42, readings=readings, outside=outside))[1] == below


@pytest.mark.parametrize(("mornings", "word"), [(2, "second"), (12, "twelfth"), (13, "13th"), (21, "21st"), (22, "22nd"), (111, "111th")])
def test_long_episodes_are_counted_properly(mornings: int, word: str) -> None:
    sentence, _ = verdict(Situation(has_night=True, nights=42, outside=[Away("resting pulse", above=True, mornings=mornings)]))
    assert sentence.endswith(f"is up for the {word} morning.")
