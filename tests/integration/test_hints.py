"""What the broker keeps of hints that are gone."""

from common.messaging.app import UNACKED, UNACKED_INDEX, Hints
from common.settings import Settings
from tests.support.redis_server import RedisServer


def test_notes_of_messages_that_are_gone_are_swept_and_others_stay(quick: Settings, redis_here: RedisServer) -> None:
    hints = Hints(quick)
    with redis_here.client() as client:
        client.zadd(UNACKED_INDEX, {"held": 1.0, "lost": 2.0, "lost-too": 3.0})
        client.hset(UNACKED, "held", "a message")
        assert hints.sweep() == 2
        assert client.zrange(UNACKED_INDEX, 0, -1) == ["held"]
        assert client.hlen(UNACKED) == 1
    assert hints.sweep() == 0


def test_what_a_consumer_holds_is_noted_under_these_keys(quick: Settings, redis_here: RedisServer) -> None:
    """The names are kombu's own; should they change, nothing would be swept any more."""
    hints = Hints(quick)
    hints.send("render", "job_1", "mix")
    with hints._app.connection_for_read() as connection, redis_here.client() as client:
        queue = connection.SimpleQueue("render")
        message = queue.get(timeout=10)
        assert (client.zcard(UNACKED_INDEX), client.hlen(UNACKED)) == (1, 1)
        assert hints.sweep() == 0
        client.delete(UNACKED)
        assert hints.sweep() == 1
        message.ack()
        queue.close()
