-- ARGV: job, owner, ms until it is forgotten again, field, value, field, value, ...
-- Makes the record of an archived job anew. Returns 1, or 0 when it is there.
local job = ARGV[1]
if redis.call('EXISTS', 'job:' .. job) == 1 then return 0 end
redis.call('DEL', 'job:' .. job .. ':ev')
for index = 4, #ARGV, 2 do redis.call('HSET', 'job:' .. job, ARGV[index], ARGV[index + 1]) end
redis.call('ZADD', 'jobs:' .. ARGV[2], 0, job)
redis.call('ZADD', 'expiry', now_ms() + tonumber(ARGV[3]), job)
return 1
