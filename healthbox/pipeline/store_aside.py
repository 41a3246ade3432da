"""What left another box as set aside: its samples, and the whole exports that lacked them and the stages and workouts."""

from typing import TYPE_CHECKING

from healthbox.domain.records import SetAside, WholeExport
from healthbox.store import reconciling, superseding
from healthbox.store.standing import Incoming

if TYPE_CHECKING:
    from healthbox.pipeline.store_records import Step


class Aside:
    """Of one step."""

    def __init__(self, step: "Step") -> None:
        self._step = step
        self._samples: list[list[Incoming]] = []

    def samples(self, record: SetAside) -> None:
        """Names, units and sources become ours as those of any sample; only then it is told apart from what counts."""
        counted = len(self._step.samples)
        for sample in record.samples:
            self._step.take(sample)
        self._samples.append(self._step.samples[counted:])
        del self._step.samples[counted:]

    def export(self, record: WholeExport) -> None:
        step = self._step
        covers: dict[int, tuple[int, int]] = {}
        for source, first, last in record.covers:
            source_id = step.sources.resolve(source)
            low, high = covers.get(source_id, (first, last))
            covers[source_id] = (min(low, first), max(high, last))
        as_of = min(record.as_of, step.claim.accepted_at)  # as for an export read here: nobody speaks for days to come
        superseding.tell(step.c, step.claim.person_id, step.claim.batch_id, covers, as_of)

    def flush(self) -> None:
        """Before the samples that count: what was said after something was set aside did not meet it either."""
        step = self._step
        given, self._samples = self._samples, []
        if given:
            step.took(reconciling.bring(step.c, step.claim.person_id, step.claim.batch_id, given, step.metric_of))
