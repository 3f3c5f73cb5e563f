-- ARGV: how many, ms to hold. Takes jobs somebody must look at; whoever took one has `hold` ms before it is due again.
local now = now_ms()
local jobs = redis.call('ZRANGEBYSCORE', 'due', '-inf', now, 'LIMIT', 0, ARGV[1])
for _, job in ipairs(jobs) do
  redis.call('ZADD', 'due', now + tonumber(ARGV[2]), job)
end
return jobs
