"""What the server asks the ledger all day long (is anything due, can a batch close, what says the pill), with few and with many
processed bodies kept: three months of hourly syncs are thousands."""

import os

from house import House, Row, house, median, now_ms, ratio_row, timed

from healthbox.store import freshness, ledger

BAR, BODY, A_BATCH = 1.5, 40_000, 500


def run(*, few: int, many: int, rounds: int) -> list[Row]:
    with house() as little, house() as big:
        _keep(little, few)
        _keep(big, many)
        took: dict[str, list[float]] = {"few": [], "many": []}
        for _ in range(rounds):
            for name, place in (("few", little), ("many", big)):
                took[name].append(_ask(place))
    return [
        ratio_row(
            f"asking the ledger with {many:,} processed bodies kept against {few:,}", BAR, median(took["many"]) / median(took["few"]),
            note=f"CPU; {median(took['many']) * 1000:.1f} ms",
        )
    ]  # fmt: skip


def _ask(place: House) -> float:
    """CPU seconds for all of it, once."""
    with place.database.writing() as c:
        return timed(lambda: (ledger.claim(c, now_ms()), ledger.next_due(c), ledger.closable(c, now_ms()), _pill(place)))[1]


def _pill(place: House) -> None:
    with place.database.reading() as c:
        freshness.pill(c, place.person_id, now_ms())


def _keep(place: House, chunks: int) -> None:
    body = os.urandom(BODY)
    for at in range(0, chunks, A_BATCH):
        with place.database.writing() as c:
            batch = ledger.add_batch(
                c, person_id=place.person_id, device_id=place.device.id, client=f"{at}", format="native-sync", headers={}, zone="UTC",
                anchor=None, metric=None, now=0,
            )  # fmt: skip
            for index in range(min(A_BATCH, chunks - at)):
                ledger.add_chunk(
                    c, batch, index, sha=os.urandom(32), body=body, spool=None, size=BODY, final=False, anchor=None, now=0
                )  # fmt: skip
            c.exec_driver_sql("UPDATE chunk SET status='done' WHERE batch_id=?", (batch.id,))
    place.database.checkpoint()
