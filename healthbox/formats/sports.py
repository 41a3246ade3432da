"""What FIT, TCX and GPX files call a sport, in our words for activities."""

import re

from healthbox.formats.wire import catalogue

# What the catalogue does not know under these names; the rest it does, or keeps as it is.
_SPORTS = {
    "generic": "other", "all": "other", "sport": "other", "training": "other", "fitness_equipment": "other", "workout": "other",
    "alpine_skiing": "downhill_skiing", "backcountry_skiing": "snow_sports", "snowshoeing": "snow_sports", "multisport": "swim_bike_run",
    "triathlon": "swim_bike_run", "horseback_riding": "equestrian_sports", "inline_skating": "skating_sports",
    "stand_up_paddleboarding": "paddle_sports", "kayaking": "paddle_sports", "rafting": "paddle_sports", "windsurfing": "surfing_sports",
    "kitesurfing": "surfing_sports", "floor_climbing": "stair_climbing", "diving": "underwater_diving", "mountaineering": "hiking",
    "hiit": "high_intensity_interval_training", "wheelchair_push_walk": "wheelchair_walk_pace", "disc_golf": "disc_sports",
    "wheelchair_push_run": "wheelchair_run_pace", "mixed_martial_arts": "martial_arts", "meditation": "mind_and_body",
    "breathing": "mind_and_body", "cardio_training": "mixed_cardio", "flexibility_training": "flexibility", "jogging": "running",
    "treadmill": "running", "open_water": "swimming",
}  # fmt: skip
_ENDINGS = {
    "run": "running", "running": "running", "ride": "cycling", "riding": "cycling", "bike": "cycling", "biking": "cycling",
    "cycling": "cycling", "swim": "swimming", "swimming": "swimming", "walk": "walking", "walking": "walking", "hike": "hiking",
}  # fmt: skip
_STRAVA = {"1": "cycling", "4": "hiking", "9": "running", "10": "walking"}


def activity(name: str | None, *further: str | None, creator: str = "") -> str:
    """The first of the names that says more than "other". Bare numbers are one site's own, told by the file's creator."""
    for said in (name, *further):
        word = re.sub(r"[\W_]+", "_", (said or "").casefold()).strip("_")
        if word.isdigit():
            word = _STRAVA.get(word, "") if creator.casefold().startswith("strava") else ""
        found = _SPORTS.get(word) or _ENDINGS.get(word.rpartition("_")[2]) or (catalogue().activity("health_connect", word) if word else "")
        if found not in ("", "other", "unknown"):
            return found
    return "other"
