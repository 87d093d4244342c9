"""Each image counts once, whatever devices do; a chunk that is lost is another's; chunks shrink as the end comes."""

import heapq
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fleet.book import LOST, Book
from benchmarks.fleet.pace import Pace

IMAGES = 200
PACE = Pace()


def counted(book):
    """Return the images that count, each as often as it does."""
    spans = [entry.chunk.span for entry in book.entries if entry.fate == "counted"]
    return sorted(image for start, stop in spans for image in range(start, stop))


def finish(book, device, now):
    """Have a quick device do what is left."""
    book.come(device)
    while not book.is_done:
        chunk = book.take(device, now)
        now += 0.1
        if chunk:
            book.answer(chunk.number, now)
        assert now < 1e5, "it can be finished"


DEEDS = ("come", "leave", "take", "right", "wrong", "hidden", "broken", "nothing")


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(DEEDS), st.sampled_from((0.0, 0.01, 1.0, 30.0, 100.0)))),
    st.integers(1, 9),
)
def test_each_image_counts_once_whatever_devices_do(deeds, batch):
    book, now, given_to = Book(IMAGES, batch), 0.0, {}
    for device, deed, passes in deeds:
        now += passes
        chunk = given_to.get(device)
        match deed:
            case "come":
                book.come(device)
            case "leave":
                book.leave(device, now)
                given_to.pop(device, None)
            case "take" if chunk is None and device in book._rates:
                if found := book.take(device, now):
                    given_to[device] = found
            case "right" | "hidden" if chunk:
                book.answer(given_to.pop(device).number, now, is_hidden=deed == "hidden")
            case "wrong" if chunk:
                book.answer(given_to.pop(device).number, now, fault="wrong")
            case "broken" if chunk:
                book.fail(given_to.pop(device).number, now, "broken")
        found = counted(book)
        assert len(found) == len({*found}) == IMAGES - book.left
    for device in range(1, 5):
        book.leave(device, now)
    finish(book, 9, now)
    assert counted(book) == [*range(IMAGES)]
    assert {entry.fate for entry in book.entries} <= {"counted", "beaten", *LOST}


@pytest.mark.parametrize("fate", ["left", "hung", "lied", "failed"])
def test_a_chunk_that_is_lost_is_anothers(fate):
    book = Book(IMAGES)
    for device in (1, 2):
        book.come(device)
    lost = book.take(1, 0.0)
    match fate:
        case "left":
            book.leave(1, 1.0)
        case "hung":
            assert [entry.fate for entry in book.expire(lost.due + 0.1)] == ["hung"]
        case "lied":
            assert book.answer(lost.number, 1.0, fault="image 3 is wrong").why == "image 3 is wrong"
        case "failed":
            book.fail(lost.number, 1.0, "it broke")
    assert book.entries[lost.number].fate == fate
    assert book.take(2, 100.0).span == lost.span


@pytest.mark.parametrize(("fault", "is_hidden"), [("", False), ("it is wrong", False), ("", True)])
def test_one_that_is_too_slow_for_its_first_chunk_has_the_time_for_its_next_that_it_needs(fault, is_hidden):
    book = Book(IMAGES, batch=64)
    book.come(1)
    first = book.take(1, 0.0)
    assert book.answer(first.number, 64.0, fault=fault, is_hidden=is_hidden).fate == "late"
    second = book.take(1, 64.0)
    is_known = not fault and not is_hidden
    assert (second.span, second.due - 64.0) == (first.span, 5 * 64.0 if is_known else PACE.unknown)
    assert book.answer(second.number, 128.0 if is_known else 65.0).fate == "counted"


def test_a_late_answer_is_discarded():
    book = Book(IMAGES)
    for device in (1, 2):
        book.come(device)
    slow = book.take(1, 0.0)
    other = book.take(2, slow.due + 1)
    assert (other.span, book.entries[slow.number].fate) == (slow.span, "hung")
    assert book.answer(slow.number, slow.due + 2).fate == "late"
    assert counted(book) == []
    assert book.answer(other.number, slow.due + 3).fate == "counted"
    assert counted(book) == [*range(*slow.span)]


def test_who_comes_back_is_given_a_first_chunk_again():
    book = Book(10_000)
    book.come(1)
    book.answer(book.take(1, 0.0).number, 0.01)
    assert book.take(1, 0.01).images > PACE.first
    book.leave(1, 0.1)
    book.come(1)
    assert (book.rate(1), book.take(1, 50.0).images) == (None, PACE.first)


def test_a_hidden_page_tells_nothing_of_a_devices_speed_and_its_answer_counts():
    book = Book(IMAGES)
    book.come(1)
    assert book.answer(book.take(1, 0.0).number, 40.0, is_hidden=True).fate == "counted"
    assert (book.rate(1), book.left) == (None, IMAGES - PACE.first)


def taken_over():
    """Return a book of whose last chunk a slow device and a quick one have one each, and both chunks."""
    book, pace = Book(24), PACE
    for device in (1, 2):
        book.come(device)
    quick, slow = book.take(1, 0.0), book.take(2, 0.0)
    book.answer(quick.number, 0.01)
    book.answer(book.take(1, 0.01).number, 0.02)
    assert book.left == pace.first
    return book, slow, book.take(1, 1.0)


def test_an_idle_device_takes_the_slowest_chunk_over_and_the_first_answer_counts():
    book, slow, taker = taken_over()
    assert (taker.span, taker.takes_over) == (slow.span, slow.number)
    assert book.answer(taker.number, 1.1).fate == "counted"
    assert book.is_done
    assert book.answer(slow.number, 1.2).fate == "beaten"


def test_what_was_taken_over_is_free_only_where_both_have_lost_it():
    book, slow, taker = taken_over()
    book.come(3)
    book.leave(2, 1.1)
    assert book.take(3, 1.1) is None
    book.answer(taker.number, 1.2, fault="wrong")
    assert book.take(3, 1.2).span == slow.span


def test_a_device_that_would_be_no_earlier_leaves_a_chunk_to_the_other():
    book = Book(16)
    for device in (1, 2):
        book.come(device)
    first, second = book.take(1, 0.0), book.take(2, 0.0)
    book.answer(first.number, 1.0)
    assert book.take(1, 1.0) is None
    assert book.answer(second.number, 1.1).fate == "counted"


@given(
    st.one_of(st.none(), st.floats(1e-3, 1e6)),
    st.floats(1e-6, 1.0),
    st.integers(1, 10**6),
    st.integers(1, 64),
)
def test_a_chunk_is_whole_batches_and_bounded(rate, share, free, batch):
    size = PACE.size(rate, share, free, batch)
    assert 1 <= size <= min(free, PACE.most + batch)
    assert size % batch == 0 or size == free


@given(st.lists(st.floats(5.0, 500.0), min_size=1, max_size=8))
def test_all_devices_are_done_at_about_the_same_time(speeds):
    """Hold the end of a job against the earliest that there can be."""
    images, way, book = 20_000, 0.02, Book(20_000)
    for device in range(len(speeds)):
        book.come(device)
    events, now = [(0.0, device, -1) for device in range(len(speeds))], 0.0
    while not book.is_done:
        now, device, number = heapq.heappop(events)
        if number >= 0:
            book.answer(number, now)
        chunk = book.take(device, now)
        after = now + (0.1 if chunk is None else way + chunk.images / speeds[device])
        heapq.heappush(events, (after, device, -1 if chunk is None else chunk.number))
    chunks = [entry.chunk for entry in book.entries if entry.ended is not None]
    assert now < 1.15 * images / sum(speeds) + 2 * PACE.longest
    assert max(chunk.images / speeds[chunk.device] for chunk in chunks if chunk.expected) < 2 * PACE.longest
    for device in range(len(speeds)):
        own = [chunk.images for chunk in chunks if chunk.device == device and not chunk.takes_over]
        assert all(later <= 4 * earlier for earlier, later in pairwise(own[1:])), "one speed, no leaps"
