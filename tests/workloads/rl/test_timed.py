"""The emulated device: takes the time it says, one after another, and no processor."""

import threading
import time

import pytest

from circuits.errors import InputError
from workloads.rl.settings import Service, parse_service
from workloads.rl.timed import TimedDevice


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("2ms+0.1ms", Service(2e-3, 1e-4)),
        ("1s", Service(1.0)),
        ("0+5us", Service(0.0, 5e-6)),
        (" 3ms + 0 ", Service(3e-3)),
    ],
)
def test_a_service_is_read(text, service):
    found = parse_service(text)
    assert (found.fixed_s, found.each_s) == pytest.approx((service.fixed_s, service.each_s))


@pytest.mark.parametrize("text", ["", "2", "2ms+", "1ms+1ms+1ms", "-1ms", "fast"])
def test_what_is_no_service_is_refused(text):
    with pytest.raises(InputError, match="service"):
        parse_service(text)


def test_it_never_takes_less_and_tells_by_how_much_it_took_more():
    device, service = TimedDevice(), Service(2e-3, 1e-4)
    begin, processor = time.perf_counter(), time.thread_time()
    for size in range(40):
        device.serve(service, size)
    took, used = time.perf_counter() - begin, time.thread_time() - processor
    wanted = sum(2e-3 + 1e-4 * size for size in range(40))
    assert device.busy_s == pytest.approx(wanted)
    error = device.errors()
    assert error["max_s"] >= abs(error["mean_s"])
    assert took >= wanted + 40 * error["mean_s"] - 1e-3  # what it tells is what it took
    assert used < took / 2


def test_those_who_share_it_wait_for_their_turn():
    device, service = TimedDevice(), Service(5e-3)
    begin = time.perf_counter()
    threads = [threading.Thread(target=lambda: [device.serve(service, 1) for _ in range(5)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.perf_counter() - begin >= 0.95 * 15 * 5e-3
    assert device.busy_s == pytest.approx(15 * 5e-3)
