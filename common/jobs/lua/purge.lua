-- ARGV: job. A job that has ended, or whose record is not there, needs no look. Returns 1 when it was removed.
local job = ARGV[1]
local head = load_head(job)
if head and not TERMINAL[head.state] then return 0 end
redis.call('ZREM', 'due', job)
redis.call('SREM', 'active', job)
if not head then redis.call('ZREM', 'archive', job) end
for lane, _ in pairs(WEIGHT) do redis.call('SREM', 'running:' .. lane, job) end
return 1
