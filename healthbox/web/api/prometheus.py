"""/metrics: how the server does, for Prometheus. It holds no health value and no name of a person."""

from collections.abc import Iterable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from healthbox import __version__
from healthbox.store import disk, ledger, sources
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.house import house, now

routes = Blueprint("api_prometheus", __name__)


class Ledger(Collector):
    """Read at each scrape: the ledger knows, so nothing needs to be counted beside it."""

    def collect(self) -> Iterable[Metric]:
        waiting, oldest = ledger.depth(reading())
        yield GaugeMetricFamily("healthbox_chunks_waiting", "Chunks accepted and not worked off yet", waiting)
        age = 0.0 if oldest is None else max(0.0, (now() - oldest) / 1000)
        yield GaugeMetricFamily("healthbox_oldest_waiting_seconds", "Age of the oldest waiting chunk", age)
        yield GaugeMetricFamily("healthbox_dead_letters", "Chunks that failed for good", ledger.dead_count(reading()))
        yield GaugeMetricFamily("healthbox_disk_free_bytes", "Free bytes on the data volume", disk.room(house().settings.data).free)
        last = GaugeMetricFamily("healthbox_source_newest_timestamp_seconds", "Newest instant measured", labels=["source", "kind"])
        for source_id, kind, newest in sources.newest(reading()):
            last.add_metric([str(source_id), kind], newest / 1000)
        yield last
        version = GaugeMetricFamily("healthbox_build_info", "Always 1; the version is the label", labels=["version"])
        version.add_metric([__version__], 1)
        yield version


_ledger = CollectorRegistry()
_ledger.register(Ledger())


@routes.get("/metrics")
@opens("admin", networks="metrics_networks")
def index() -> Response:
    return Response(generate_latest(REGISTRY) + generate_latest(_ledger), content_type=CONTENT_TYPE_LATEST)
