-- ARGV: job. Removes a job that has ended, is archived, and whose time is over. Returns 1, or 0 when it must stay.
local job = ARGV[1]
local head = load_head(job)
local time = redis.call('ZSCORE', 'expiry', job)
if not time or tonumber(time) > now_ms() or redis.call('ZSCORE', 'archive', job) then return 0 end
redis.call('ZREM', 'expiry', job)
if head then
  if not TERMINAL[head.state] then return 0 end
  redis.call('ZREM', 'jobs:' .. head.owner, job)
end
redis.call('DEL', 'job:' .. job, 'job:' .. job .. ':ev', 'job:' .. job .. ':spec')
redis.call('ZREM', 'due', job)
return 1
