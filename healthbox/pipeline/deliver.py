"""Sends what is due, one delivery at a time, outside any transaction, and keeps what became of it.

1. claim: the row says ``sending``, durably, before the first byte leaves;
2. send, with no lock held;
3. mark: sent, due again after 30, 90, 270 s, or dead.

``resume`` belongs to the boot, before the first claim. A kill between 2 and 3 is the one moment in which a message can be sent
a second time: the service has it and the row does not say so. At least once is the better half of that choice for a warning.
"""

import logging
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

import msgspec

from healthbox.analytics.rules.contract import ASLEEP
from healthbox.analytics.trouble import TROUBLES
from healthbox.config import Settings
from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.errors import Problem
from healthbox.notify import channels as services
from healthbox.notify import messages, troubles
from healthbox.notify.channels import Outcome
from healthbox.pipeline.analyse import Evidence
from healthbox.render import Units
from healthbox.store import channels, deliveries, findings, people
from healthbox.store.channels import Channel, Detail
from healthbox.store.deliveries import Delivery
from healthbox.store.engine import Database
from healthbox.store.vault import Vault

log = logging.getLogger(__name__)

Send = Callable[[str, str, str, Settings], Outcome]
MARK_TRIES = 5
ASLEEP_METRIC = Metric(ASLEEP, "Time asleep", unit="min", display_unit="min")


class Gone(Problem):
    code = "gone"


def resume(database: Database, now: int) -> int:
    """At boot: make due again what a killed process was sending; how many."""
    with database.writing() as c:
        return deliveries.resume(c, now)


def deliver(database: Database, vault: Vault, settings: Settings, catalogue: Catalogue, now: int, *, send: Send = services.send) -> bool:
    """Send the delivery that is due longest; False when none is due. ``now`` in ms."""
    with database.reading() as c:
        due = deliveries.next_due(c)
    if due is None or due > now:
        return False
    with database.writing() as c:
        claimed = deliveries.claim(c, now)
    if claimed is None:
        return False
    try:
        url, title, body = _message(database, vault, settings, catalogue, claimed)
    except Problem as problem:
        outcome = Outcome(False, problem.message, problem.message, problem.permanent)
    else:
        outcome = send(url, title, body, settings)
    _mark(database, claimed, outcome, now)
    log.info("delivery id=%d channel=%d attempt=%d ok=%s", claimed.id, claimed.channel_id, claimed.attempts, outcome.ok)
    return True


def _message(database: Database, vault: Vault, settings: Settings, catalogue: Catalogue, claimed: Delivery) -> tuple[str, str, str]:
    with database.reading() as c:
        channel = channels.get(c, claimed.channel_id)
        url = channels.address(c, vault, channel.id)
        finding = findings.get(c, channel.person_id, claimed.finding_id)
        person = people.get_person(c, channel.person_id)
    told = msgspec.json.decode(finding.json, type=Evidence).findings
    if url is None:
        raise Gone("The channel's address must be entered again.")
    if not told or not channel.enabled:
        raise Gone("There is nothing to say any more." if not told else "The channel was switched off.")
    if finding.rule in TROUBLES:
        return url, *troubles.message(told[-1], channel.detail, ZoneInfo(person.zone), person.locale, settings.base_url)
    metric = ASLEEP_METRIC if finding.metric == ASLEEP else catalogue.get(finding.metric) or Metric(finding.metric, finding.metric)
    units: Units = "imperial" if person.units == "imperial" else "metric"
    return url, *messages.message(told[-1], metric, channel.detail, units=units, locale=person.locale, base_url=settings.base_url)


def _mark(database: Database, claimed: Delivery, outcome: Outcome, now: int) -> None:
    """Keep the outcome; a disk that is full for a moment must not make the message go out twice."""
    for tried in range(MARK_TRIES):
        try:
            with database.writing() as c:
                if outcome.ok:
                    deliveries.mark_sent(c, claimed.id, now)
                else:
                    deliveries.mark_failed(c, claimed.id, outcome.reason, now, permanent=outcome.permanent)
            return
        except Problem as problem:
            if problem.permanent or tried == MARK_TRIES - 1:
                raise
            time.sleep(1 + tried)


def add_channel(
    database: Database, vault: Vault, settings: Settings, person_id: int, *, name: str, url: str, detail: Detail, least: str, now: int
) -> Channel:
    """Check an address (service, arguments, address guard) and keep it sealed. Raises as ``notify.channels.check`` does."""
    service = services.check(url, settings)
    with database.writing() as c:
        added = channels.add(
            c, vault, person_id, name=name.strip() or service.label, service=service.label, url=url, detail=detail, least=least, now=now
        )
        return channels.get(c, added)


def send_test(database: Database, vault: Vault, settings: Settings, channel_id: int, *, send: Send = services.send) -> Outcome:
    """Send a message about nothing, now, and give the service's own answer, redacted."""
    with database.reading() as c:
        url = channels.address(c, vault, channel_id)
    if url is None:
        return Outcome(False, "", "The channel's address must be entered again.", permanent=True)
    return send(url, *messages.test_message(settings.base_url), settings)
