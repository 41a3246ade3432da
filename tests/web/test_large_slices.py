"""Two gigabytes of nothing at the door for files: announced they take no room, sent at once they are refused unread."""

import io
import tracemalloc

import pytest
from place import Place

from healthbox.pipeline import slices

GIGABYTES = 2 << 30


class Nothing(io.RawIOBase):
    """Two gigabytes of zeros; ``given`` counts those that were asked for."""

    given = at = 0

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = GIGABYTES if whence == io.SEEK_END else offset
        return self.at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        buffer[:] = bytes(len(buffer))
        self.given += len(buffer)
        return len(buffer)


def occupied(place: Place) -> int:
    return sum(path.stat().st_blocks * 512 for path in place.settings.data.rglob("*") if path.is_file())


def test_gigabytes_are_announced_for_nothing_and_never_read_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "room_for", lambda _settings, size: {"needed": 2 * size, "free": 8 * size})
    client, bearer, before = place.client(), place.bearer(), occupied(place)
    begun = client.post("/api/v1/files", json={"name": "export.xml", "size": GIGABYTES}, headers=bearer)
    assert begun.status_code == 201
    assert occupied(place) - before < 1 << 20
    sent = Nothing()
    tracemalloc.start()
    answer = client.put(
        f"/api/v1/files/{begun.json['id']}?offset=0", input_stream=sent, headers=bearer | {"Content-Length": str(GIGABYTES)}
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
    assert answer.json["error"]["hint"]
    assert sent.given <= slices.SLICE
    assert peak < 32 << 20


def test_gigabytes_for_which_there_is_no_room_are_refused_before_anything_is_sent(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "room_for", lambda _settings, size: {"needed": 2 * size, "free": size})
    answer = place.client().post("/api/v1/files", json={"name": "export.xml", "size": GIGABYTES}, headers=place.bearer())
    assert (answer.status_code, answer.json["error"]["code"], answer.json["needed"]) == (507, "disk_full", 2 * GIGABYTES)
