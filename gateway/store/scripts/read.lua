#!lua flags=no-writes
-- read: all that one decision needs about an owner's doors, as of one instant.
-- KEYS: epoch owner room (door in wait)*
-- ARGV: echo offset_ms
--   echo       returned as it came, so that the caller knows the answer for its own
--   offset_ms  added to TIME; zero but in tests
-- Returns: {echo, now_ms, {epoch id, since, pulse, hold_until}, {owner's fields and values}, {room, generation, alias},
--   then for each door {document, {presence, until_ms, ...}, {visitor, heard_ms, ...}}}; instants in ms, nil where nothing is
-- Guarantee: one instant for all of it; changes nothing; works on a full store.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
local answer = {
  ARGV[1], now,
  redis.call('HMGET', KEYS[1], 'id', 'since', 'pulse', 'hold_until'),
  redis.call('HGETALL', KEYS[2]),
  redis.call('HMGET', KEYS[3], 'document', 'generation', 'alias'),
}
for i = 4, #KEYS, 3 do
  answer[#answer + 1] = {
    redis.call('GET', KEYS[i]),
    redis.call('ZRANGE', KEYS[i + 1], 0, -1, 'WITHSCORES'),
    redis.call('ZRANGE', KEYS[i + 2], 0, -1, 'WITHSCORES'),
  }
end
return answer
