"""Who comes three hundred times at one moment is behind who comes once.

300 bodies that were held, given up and begun again held the event loop for 400 ms: of all that came
at one moment everything was begun before anybody else was heard.
"""

import asyncio

from api.http.transport.turns import Turns


def order_of(coming: list[str], at_once: int = 2) -> list[list[str]]:
    """Who begins, by rounds of the event loop."""

    async def come() -> list[list[str]]:
        turns, rounds = Turns(at_once), [list[str]()]

        async def one(who: str) -> None:
            await turns.wait(who)
            rounds[-1].append(who)

        waiting = [asyncio.ensure_future(one(who)) for who in coming]
        while not all(each.done() for each in waiting):
            await asyncio.sleep(0)
            if rounds[-1]:
                rounds.append([])
        return [each for each in rounds if each]

    return asyncio.run(come())


def test_a_few_begin_at_once_and_then_others_are_heard() -> None:
    begun = order_of(["a"] * 7)
    assert [who for each in begun for who in each] == ["a"] * 7
    assert max(map(len, begun)) == 2


def test_each_takes_his_turn_among_the_others() -> None:
    begun = [who for each in order_of(["flood"] * 300 + ["clerk", "clerk"]) for who in each]
    assert begun.index("clerk") < 5, "not behind three hundred"
    assert begun[:8].count("clerk") == 2
    assert begun.count("flood") == 300


def test_who_has_gone_takes_nobody_s_turn() -> None:
    async def come() -> list[str]:
        turns, begun = Turns(1), list[str]()

        async def one(who: str) -> None:
            await turns.wait(who)
            begun.append(who)

        first, gone, last = (asyncio.ensure_future(one(who)) for who in ("first", "gone", "last"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(first, last)
        return begun

    assert asyncio.run(come()) == ["first", "last"]
