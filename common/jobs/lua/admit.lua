-- ARGV: how many jobs of a lane may run at once (0: any number). Lets in whoever waits, owners in turn, some at a time: a
-- script keeps everybody else waiting. Returns how many were let in.
local AT_ONCE = 200
local most, count = tonumber(ARGV[1]), 0
local now = now_ms()
for lane, _ in pairs(WEIGHT) do
  while count < AT_ONCE and (most == 0 or redis.call('SCARD', 'running:' .. lane) < most) do
    local _, _, job = ready_pick('lobby:' .. lane)
    if not job then break end
    local head = load_head(job)
    if head and not TERMINAL[head.state] and head.started == 0 then
      head.started = now
      head.deadline = now + head.timeout
      head.rev = head.rev + 1
      save_head(job, head)
      redis.call('SADD', 'running:' .. lane, job)
      redis.call('ZADD', 'due', now, job)
      count = count + 1
    end
  end
end
return count
