#!lua
-- append: copy outbox entries into a clinic's event stream.
-- KEYS: events moved
-- ARGV: echo offset_ms plan
--   plan JSON: entries [[event id, body]], retention_ms, most (entries kept, about)
-- Returns: {echo, how many were new}
-- Guarantee: an event id is appended once within the retention, however often the copy is repeated; order is kept.
local plan, time = cjson.decode(ARGV[3]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local new = 0
for _, entry in ipairs(plan.entries) do
  if redis.call('ZADD', KEYS[2], 'NX', now, entry[1]) == 1 then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', plan.most, '*', 'id', entry[1], 'entry', entry[2])
    new = new + 1
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - plan.retention_ms)
redis.call('XTRIM', KEYS[1], 'MINID', '~', now - plan.retention_ms)
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], plan.retention_ms) end
return {ARGV[1], new}
