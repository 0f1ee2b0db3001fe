#!lua
-- commit: write what was decided about an owner's doors, if nothing has changed since it was read.
-- KEYS: owner due outbox (door in wait)*
-- ARGV: echo offset_ms plan
--   plan JSON: revision, now_ms and fresh_ms (how old it may be), ttl_ms, channel, hint ('' = nothing to tell), fields (owner's:
--   [[name, value]], or [[name]] to remove), due [[at_ms or 0, member]], entries [outbox bodies], unrenewed [[nth door, visitor or '', until_ms]], doors as in KEYS:
--   [{document or '', ttl_ms, drop [visitors], forget [members], inside [[until_ms, member]], heard [[at_ms, visitor]]}]
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
  local inside, waiting = KEYS[3 * c[1] + 2], KEYS[3 * c[1] + 3]
  local sign = c[2] == '' and redis.call('ZSCORE', inside, '~alive') or redis.call('ZSCORE', waiting, c[2])
  local renewed = tonumber(sign or 0) > c[3]
  for _, member in ipairs(redis.call('ZRANGE', inside, '(' .. c[3], '+inf', 'BYSCORE')) do renewed = renewed or of(c[2], member) end
  if renewed then return {ARGV[1], 'renewed', now, revision} end
end
for i, door in ipairs(plan.doors) do
  local document, inside, waiting = KEYS[3 * i + 1], KEYS[3 * i + 2], KEYS[3 * i + 3]
  if door.document ~= '' then redis.call('SET', document, door.document, 'PX', door.ttl_ms) end
  for _, visitor in ipairs(door.drop) do
    for _, m in ipairs(redis.call('ZRANGE', inside, 0, -1)) do if of(visitor, m) then redis.call('ZREM', inside, m) end end
  end
  for _, member in ipairs(door.forget) do redis.call('ZREM', inside, member) end
  for _, sign in ipairs(door.inside) do redis.call('ZADD', inside, 'GT', sign[1], sign[2]) end
  for _, sign in ipairs(door.heard) do redis.call('ZADD', waiting, 'GT', sign[1], sign[2]) end
  for j = 2, 3 do extend(KEYS[3 * i + j], door.ttl_ms) end
end
if plan.hint ~= '' then revision = redis.call('HINCRBY', KEYS[1], 'rev', 1) redis.call('PUBLISH', plan.channel, plan.hint) end
for _, field in ipairs(plan.fields) do redis.call(field[2] and 'HSET' or 'HDEL', KEYS[1], unpack(field)) end
for _, due in ipairs(plan.due) do redis.call(due[1] > 0 and 'ZADD' or 'ZREM', KEYS[2], unpack(due, due[1] > 0 and 1 or 2)) end
for _, entry in ipairs(plan.entries) do redis.call('XADD', KEYS[3], '*', 'entry', entry) end
for i = 1, 3 do extend(KEYS[i], plan.ttl_ms) end
return {ARGV[1], 'ok', now, revision}
