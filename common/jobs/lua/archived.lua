-- ARGV: job, rev of the record that was archived, ms until it is forgotten. Returns 1, or 0 when it has changed since.
local job = ARGV[1]
local head = load_head(job)
if not head or not TERMINAL[head.state] or head.rev ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', 'archive', job)
redis.call('ZADD', 'expiry', now_ms() + tonumber(ARGV[3]), job)
return 1
