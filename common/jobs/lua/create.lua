-- ARGV: job, owner, head (JSON without times), job timeout ms, idempotency key ('' for none), body digest, key ttl s
-- Returns {'created' | 'replayed' | 'key_reused', job}.
local job, owner, key, digest = ARGV[1], ARGV[2], ARGV[5], ARGV[6]
local record = 'request:' .. owner .. ':' .. key
if key ~= '' then
  local seen = redis.call('HMGET', record, 'digest', 'job')
  if seen[1] then
    return { seen[1] == digest and 'replayed' or 'key_reused', seen[2] }
  end
end
if redis.call('EXISTS', 'job:' .. job) == 1 then
  return { 'created', job }  -- the same call came twice
end
local now = now_ms()
local head = cjson.decode(ARGV[3])
head.created = now
head.deadline = now + tonumber(ARGV[4])
emit(job, head, 'job', cjson.encode({ state = head.state }), now)
save_head(job, head)
if key ~= '' then
  redis.call('HSET', record, 'digest', digest, 'job', job)
  redis.call('EXPIRE', record, ARGV[7])
end
redis.call('SADD', 'active', job)
redis.call('ZADD', 'jobs:' .. owner, now, job)
wake(job, now)
return { 'created', job }
