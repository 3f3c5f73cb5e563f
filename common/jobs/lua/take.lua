-- ARGV: sorted set, how many, ms to hold. Takes members whose time has come; whoever took one has `hold` ms before it is
-- taken again.
local now = now_ms()
local taken = redis.call('ZRANGEBYSCORE', ARGV[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, member in ipairs(taken) do
  redis.call('ZADD', ARGV[1], now + tonumber(ARGV[3]), member)
end
return taken
