#!lua
-- settle: write what became of a webhook endpoint's events, if the caller still holds the endpoint; and hold it on.
-- KEYS: hooklease hookat hookdue hooktry hookdead hookask (hooklane)*
-- ARGV: echo offset_ms plan
--   plan JSON: holder, lease_ms (0: let go), ttl_ms, at [[stream, cursor]], asked (how many requests were heeded), grown (events
--   more or fewer), dead [[at_ms, event]], forget_ms (dead before), revived [events], lanes as in KEYS: [{door, drop (how many of the
--   oldest), push [events], tries (-1 = as before), due_ms}]
-- Returns: {echo, 'ok' | 'lost', now_ms}
-- Guarantee: all of it or, for whoever does not hold the endpoint, nothing. A lane that is empty is due no more.
local plan, time = cjson.decode(ARGV[3]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
if redis.call('GET', KEYS[1]) ~= plan.holder then return {ARGV[1], 'lost', now} end
for i, lane in ipairs(plan.lanes) do
  local key, kept = KEYS[6 + i], lane.tries < 0
  if lane.drop > 0 then redis.call('LTRIM', key, lane.drop, -1) end
  for _, event in ipairs(lane.push) do redis.call('RPUSH', key, event) end
  if redis.call('LLEN', key) == 0 then
    redis.call('ZREM', KEYS[3], lane.door)
    redis.call('HDEL', KEYS[4], lane.door)
  else
    if not kept then redis.call('HSET', KEYS[4], lane.door, lane.tries) end
    redis.call('ZADD', KEYS[3], kept and 'NX' or 'XX', lane.due_ms, lane.door)
  end
end
for _, at in ipairs(plan.at) do redis.call('HSET', KEYS[2], at[1], at[2]) end
if plan.grown ~= 0 then redis.call('HINCRBY', KEYS[2], 'pending', plan.grown) end
for _, dead in ipairs(plan.dead) do redis.call('ZADD', KEYS[5], dead[1], dead[2]) end
for _, event in ipairs(plan.revived) do redis.call('ZREM', KEYS[5], event) end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', '(' .. plan.forget_ms)
if plan.asked > 0 then redis.call('LTRIM', KEYS[6], plan.asked, -1) end
for i = 2, #KEYS do redis.call('PEXPIRE', KEYS[i], plan.ttl_ms) end
if plan.lease_ms > 0 then redis.call('PEXPIRE', KEYS[1], plan.lease_ms) else redis.call('DEL', KEYS[1]) end
return {ARGV[1], 'ok', now}
