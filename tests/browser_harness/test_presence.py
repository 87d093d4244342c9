"""Whether a device is here, and what is told of the times when it was not."""

import asyncio

import pytest

from browser_harness.joined.presence import Presence


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def presence(clock):
    """A device that has come and is to be seen."""
    presence = Presence(clock)
    presence.came()
    presence.told(is_visible=True)
    return presence


def test_a_device_is_here_when_it_says_that_its_page_is_seen(clock):
    presence = Presence(clock)
    states = [presence.state]
    for note in (presence.came, lambda: presence.told(is_visible=True), lambda: presence.told(is_visible=False)):
        note()
        states.append(presence.state)
    presence.went()
    assert [*states, presence.state] == ["away", "coming", "here", "paused", "away"]


def test_its_story_tells_how_often_and_how_long_it_was_not_here(presence, clock):
    presence.told(is_visible=False)
    clock.seconds += 5
    presence.told(is_visible=False)  # no second time
    presence.told(is_visible=True)
    clock.seconds += 100
    presence.went()
    clock.seconds += 2.5
    assert presence.story() == {"left": 1, "hidden": 1, "seconds_missed": 7.5}
    presence.came()
    presence.told(is_visible=True)
    clock.seconds += 100
    assert presence.story() == {"left": 1, "hidden": 1, "seconds_missed": 7.5}
    assert presence.interruptions == 2


def test_before_it_was_first_here_it_misses_nothing(clock):
    presence = Presence(clock)
    clock.seconds += 60
    presence.came()
    assert presence.story() == {"left": 0, "hidden": 0, "seconds_missed": 0.0}


def test_the_last_words_of_a_connection_that_has_ended_change_nothing(presence):
    presence.went()
    presence.told(is_visible=True)
    presence.went()
    assert (presence.state, presence.story()["left"]) == ("away", 1)


def test_a_device_is_waited_for_until_it_is_seen_again(presence):
    async def back():
        presence.told(is_visible=False)
        waiting = asyncio.create_task(presence.wait(60))
        await asyncio.sleep(0)
        presence.went()
        presence.came()
        await asyncio.sleep(0)
        assert not waiting.done()  # it is here, and has not said that its page is seen
        presence.told(is_visible=True)
        return await waiting

    assert asyncio.run(back())


def test_a_device_that_stays_away_is_waited_for_once(presence, clock):
    """What follows is given up at once: its patience is that since it was last here."""
    presence.went()
    clock.seconds += 600

    async def asked_twice():
        return [await presence.wait(600), await presence.wait(600)]

    assert asyncio.run(asyncio.wait_for(asked_twice(), 5)) == [False, False]
    presence.came()
    presence.told(is_visible=True)
    assert asyncio.run(presence.wait(0))
