-- ARGV: active jobs. Gives each what it may have lost: its next look, and its place inside or in front of the door.
local now = now_ms()
for _, job in ipairs(ARGV) do
  local head = load_head(job)
  if head and not TERMINAL[head.state] then
    redis.call('ZADD', 'due', 'NX', now, job)
    redis.call('SADD', circle(head), job)
    redis.call('SADD', 'owners', head.owner)
    if head.started > 0 then
      redis.call('SADD', 'running:' .. head.lane, job)
    else
      ready_add('lobby:' .. head.lane, head.lane, head.owner, job, 'start', head.created)
    end
  else
    redis.call('ZADD', 'due', 'NX', now, job)  -- whoever looks finds that it needs none
  end
end
return 1
