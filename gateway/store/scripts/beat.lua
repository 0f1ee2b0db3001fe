#!lua flags=allow-oom
-- beat: renew leases and waiting heartbeats of one partition, keep its pulse, and claim what is due there.
-- KEYS: epoch due outbox (in wait door owner)*
-- ARGV: echo offset_ms plan
--   plan JSON: epoch (id for a new one), presence_ttl_ms, hold_ms, pulse_ms (write no oftener), claim (most), claim_ms, keep_ms
--   (lapsed entries), ttl_ms (keys), doors [{renew [members], enter [members], heard [visitors], alive_until_ms}]
-- Returns: {echo, now_ms, epoch id, since_ms, hold_until_ms, outbox length, {claimed members}, {'nth member' not renewed}}
-- Guarantee: a lease only moves up; what was dropped or has lapsed is not renewed but returned; a claim is nobody else's for
--   claim_ms; a new epoch, a gap in the pulse or a clock that stepped back moves hold_until. Works on a full store.
local plan, time = cjson.decode(ARGV[3]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
local e = redis.call('HMGET', KEYS[1], 'id', 'since', 'pulse', 'hold_until')
local since, pulse, hold = tonumber(e[2]) or now, tonumber(e[3]) or 0, tonumber(e[4]) or 0
if not e[1] or now < pulse or now - pulse > plan.presence_ttl_ms then hold = math.max(hold, now + plan.hold_ms) end
if not e[1] or now < pulse or now - pulse >= plan.pulse_ms then
  redis.call('HSET', KEYS[1], 'id', e[1] or plan.epoch, 'since', since, 'pulse', now, 'hold_until', hold)
end
local claimed, missing = {}, {}
if plan.claim > 0 then claimed = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, plan.claim) end
for _, member in ipairs(claimed) do redis.call('ZADD', KEYS[2], 'XX', now + plan.claim_ms, member) end
for i, door in ipairs(plan.doors) do
  local inside, waiting, live = KEYS[4 * i], KEYS[4 * i + 1], #door.enter
  for _, member in ipairs(door.enter) do redis.call('ZADD', inside, now + plan.presence_ttl_ms, member) end
  for _, member in ipairs(door.renew) do
    local score = redis.call('ZSCORE', inside, member)
    local lives = score and tonumber(score) > now
    if lives then redis.call('ZADD', inside, 'XX', now + plan.presence_ttl_ms, member) live = live + 1 end
    if not lives then missing[#missing + 1] = i .. ' ' .. member end
  end
  if live > 0 and door.alive_until_ms > 0 then redis.call('ZADD', inside, 'GT', door.alive_until_ms, '~alive') end
  for _, visitor in ipairs(door.heard) do redis.call('ZADD', waiting, now, visitor) end
  for j = 0, 1 do redis.call('ZREMRANGEBYSCORE', KEYS[4 * i + j], '-inf', now - plan.keep_ms) end
  for j = 0, 3 do if redis.call('PTTL', KEYS[4 * i + j]) < plan.ttl_ms then redis.call('PEXPIRE', KEYS[4 * i + j], plan.ttl_ms) end end
end
return {ARGV[1], now, e[1] or plan.epoch, since, hold, redis.call('XLEN', KEYS[3]), claimed, missing}
