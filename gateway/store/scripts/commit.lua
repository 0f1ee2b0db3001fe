#!lua
-- commit: write what was decided about an owner's doors, if nothing has changed since it was read.
-- KEYS: owner due outbox (door in wait)*
-- ARGV: echo offset_ms plan
--   plan JSON: revision, now_ms and fresh_ms (how old now_ms may be), ttl_ms, channel, hint ('' = tell nobody), set and unset
--   (fields of the owner), due [[member, at_ms or 0]], entries [outbox bodies], unrenewed [[nth door, visitor or '', until_ms]],
--   doors [{document or '', ttl_ms, drop [visitors]}] in the order of KEYS
-- Returns: {echo, 'ok' | 'conflict' | 'stale' | 'renewed', now_ms, revision}
-- Guarantee: all of the plan or nothing; its entries are in the outbox if and only if its documents are written.
local plan, time = cjson.decode(ARGV[3]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
local revision = tonumber(redis.call('HGET', KEYS[1], 'rev') or 0)
local function extend(key, ttl) if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end end
local function of(visitor, member) return string.sub(member, 1, #visitor + 1) == visitor .. '|' end
if math.abs(now - plan.now_ms) > plan.fresh_ms then return {ARGV[1], 'stale', now, revision} end
if revision ~= plan.revision then return {ARGV[1], 'conflict', now, revision} end
for _, c in ipairs(plan.unrenewed) do
  local newest = tonumber(redis.call('ZSCORE', KEYS[3 * c[1] + (c[2] == '' and 2 or 3)], c[2] == '' and '~alive' or c[2]) or 0)
  for _, member in ipairs(redis.call('ZRANGE', KEYS[3 * c[1] + 2], '(' .. c[3], '+inf', 'BYSCORE')) do
    if c[2] ~= '' and of(c[2], member) then newest = math.huge end
  end
  if newest > c[3] then return {ARGV[1], 'renewed', now, revision} end
end
for i, door in ipairs(plan.doors) do
  if door.document ~= '' then redis.call('SET', KEYS[3 * i + 1], door.document, 'PX', door.ttl_ms) end
  for _, member in ipairs(#door.drop > 0 and redis.call('ZRANGE', KEYS[3 * i + 2], 0, -1) or {}) do
    for _, visitor in ipairs(door.drop) do if of(visitor, member) then redis.call('ZREM', KEYS[3 * i + 2], member) end end
  end
end
if plan.hint ~= '' then revision = redis.call('HINCRBY', KEYS[1], 'rev', 1) end
for _, field in ipairs(plan.set) do redis.call('HSET', KEYS[1], field, 1) end
for _, field in ipairs(plan.unset) do redis.call('HDEL', KEYS[1], field) end
for _, d in ipairs(plan.due) do redis.call(d[2] > 0 and 'ZADD' or 'ZREM', KEYS[2], unpack(d[2] > 0 and {d[2], d[1]} or {d[1]})) end
for _, entry in ipairs(plan.entries) do redis.call('XADD', KEYS[3], '*', 'entry', entry) end
for i = 1, 3 do extend(KEYS[i], plan.ttl_ms) end
if plan.hint ~= '' then redis.call('PUBLISH', plan.channel, plan.hint) end
return {ARGV[1], 'ok', now, revision}
