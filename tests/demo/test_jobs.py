"""One job at a time, measured, watched, and really stopped."""

import threading
import time

import pytest
import torch
from torch import nn

from restorelab.demo.jobs import Desk, Job, Limits, LiveBytes, Refused, Rehearsal, going_on, rehearse, watched
from restorelab.demo.offers import offers
from restorelab.demo.workshop import Cost, Workshop, tiles_of, worked_pixels
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.restore import restore

SMALL = DMPHN(DMPHNConfig(patches=(1, 2), width=4)).eval()
PICTURE = torch.rand(3, 40, 32, generator=torch.Generator().manual_seed(0))


def test_a_stopped_job_stops_between_two_convolutions():
    job, seen = Job(60, ""), []

    def before_each():
        seen.append(1)
        if len(seen) == 5:
            job.stop()
        job.check()

    with pytest.raises(Refused, match="Stopped"), watched(SMALL, before_each):
        restore(SMALL, PICTURE)
    assert len(seen) == 5
    assert not any(layer._forward_pre_hooks for layer in SMALL.modules()), "the hooks are gone afterwards"


def test_a_job_whose_time_is_over_stops():
    job = Job(0.0, "0 s")
    time.sleep(0.01)
    with pytest.raises(Refused, match="0 s allowed"):
        job.check()


def test_watching_changes_no_pixel():
    with watched(SMALL, lambda: None):
        seen = restore(SMALL, PICTURE).image
    assert torch.equal(seen, restore(SMALL, PICTURE).image)


@pytest.mark.parametrize("tile", [None, 16])
def test_progress_rises_to_one(tile):
    shares = []
    rehearsal = rehearse(SMALL, None, "cpu", Job(60, ""))
    tiles = tiles_of((40, 32), tile, SMALL.size_multiple)
    before_each, after_tile = going_on(Job(60, ""), rehearsal, shares.append, tiles)
    with watched(SMALL, before_each):
        tiling = restore(SMALL, PICTURE, tile=tile, progress=after_tile).tiling
    assert tiles == (tiling.tiles if tiling else 1)
    assert shares == sorted(shares) and shares[0] < 0.3 and 0.5 < shares[-1] <= 1
    assert len(set(shares)) >= len(rehearsal.marks)


def test_a_rehearsal_counts_the_convolutions_of_each_stage():
    two = DMPHN(DMPHNConfig(patches=(1, 2), width=4, stacks=2)).eval()
    first, both = (rehearse(two, stage, "cpu", Job(60, "")) for stage in (1, 2))
    assert 2 * len(first.marks) == len(both.marks)
    assert list(both.marks) == sorted(both.marks) and both.seconds > 0


def test_live_bytes_are_those_of_a_row_of_sums():
    x = torch.zeros(1000)
    with LiveBytes() as live:
        y = x + 1  # 4000 bytes
        z = y + 1  # 8000 together
        del y
        z = z + 1  # 8000 again, while the one before it is still there
        z += 1  # in place: nothing new
    assert live.most == 8000 and live.now == 4000


def test_memory_of_a_rehearsal_is_in_proportion():
    class Wide(nn.Module):
        size_multiple = min_size = (1, 1)
        scale, stage_count, condition_channels = 1, 1, 0

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 10, 1)

        def forward(self, x):
            return self.conv(x)

    found = rehearse(Wide(), None, "cpu", Job(60, ""))
    assert found.memory == pytest.approx(40, abs=1)  # ten channels of four bytes


def test_the_desk_has_one_place():
    desk, order = Desk("cpu", Limits()), []

    def work(name):
        with desk.job(name) as job:
            order.append(name)
            time.sleep(0.01)
            assert order[-1] == name
            job.check()

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(order) == 8 and desk.most_at_work == 1 and desk.at_work == 0 and desk.done == 8


def test_only_the_session_that_asked_stops_its_job():
    desk = Desk("cpu", Limits())
    with desk.job("mine") as job:
        assert not desk.stop("yours")
        job.check()
        assert desk.stop("mine")
        with pytest.raises(Refused, match="Stopped"):
            job.check()
    assert not desk.stop("mine")


def test_a_stopped_job_that_waits_never_takes_the_place():
    desk, refused, waiting = Desk("cpu", Limits()), [], threading.Event()

    def wait():
        waiting.set()
        try:
            with desk.job("mine"):
                refused.append("it worked")
        except Refused as refusal:
            refused.append(refusal.key)

    with desk.job("yours") as job:
        thread = threading.Thread(target=wait)
        thread.start()
        waiting.wait()
        while not desk.stop("mine"):
            time.sleep(0.001)
        thread.join(10)
        job.check()
    assert refused == ["stopped"] and (desk.done, desk.most_at_work) == (1, 1)
    assert not desk.stop("mine") and not desk.stop("yours")


def test_time_is_counted_from_the_beginning_of_the_work():
    desk = Desk("cpu", Limits(seconds=0.3))
    with desk.job("first"):
        late = []

        def work():
            with desk.job("second") as job:
                job.check()
                late.append("in time")

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.4)
    thread.join(10)
    assert late == ["in time"]


def test_work_of_tiles_by_counting():
    assert worked_pixels((100, 60), None, None) == (6000, 6000)
    work, most = worked_pixels((100, 60), 50, 10)
    assert work == (60 + 60) * (60 + 20)  # two tiles down, each with one halo; 50 and 10 columns, of which each sees 10 more
    assert most == 60 * 60


def test_too_long_and_too_large_are_refused_beforehand():
    workshop = Workshop(offers(), limits=Limits(seconds=10))
    workshop.check_cost(Cost(9.0, 1.0))
    with pytest.raises(Refused, match="about 11 s, and the demo works at most 10 s"):
        workshop.check_cost(Cost(11.0, 1.0))
    with pytest.raises(Refused, match="cut it into tiles"):
        workshop.check_cost(Cost(1.0, 1e15))


def test_tiles_cost_less_memory_and_more_time():
    workshop = Workshop(offers())
    offer = workshop.offer("udvd_x2")
    workshop._rehearsed[offer.name, None] = Rehearsal((0.0,), 1e-6, 1000.0)
    whole, tiled = (workshop.cost(offer, (600, 600), None, tile, Job(60, "")) for tile in (None, 128))
    assert tiled.seconds > whole.seconds and tiled.memory < whole.memory / 2
