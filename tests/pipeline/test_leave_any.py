"""Whatever was sent, changed and deleted before: what leaves shows the same days elsewhere, and leaves again as the same."""

from hypothesis import given, settings
from hypothesis import strategies as st
from test_leave import bring, export, said
from test_properties import SLOW, accept_all, cut, pieces


@settings(deadline=None, suppress_health_check=SLOW, max_examples=25)
@given(records=pieces, cuts=st.lists(st.integers(1, 23), max_size=6))
def test_any_history_is_the_same_in_another_box(build, tmp_path_factory, records, cuts):
    build.clear()
    folder = tmp_path_factory.mktemp("zips")
    old, new = build(), build()
    accept_all(old, cut(records, cuts), frozen=False)
    old.run()
    path = export(old, folder)
    bring(new, path)
    assert new.all_days() == old.all_days()
    assert said(export(new, folder)) == said(path)
    bring(new, path)
    assert new.all_days() == old.all_days(), "also by a second import"
