-- ARGV: ms until a step may be hinted again, then queue and how many, queue and how many, ...
-- Picks steps that want a hint: lanes, owners and jobs in turn. Returns {queue, job, step, queue, job, step, ...}.
local again, now, picked = tonumber(ARGV[1]), now_ms(), {}

local function fill(queue, room)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', 'later:' .. queue, '-inf', now, 'LIMIT', 0, 500)) do
    local lane, owner, job, step = member:match('^([^/]+)/([^/]+)/([^/]+)/(.+)$')
    redis.call('ZREM', 'later:' .. queue, member)
    ready_add(queue, lane, owner, job, step, now)
  end
  while room > 0 do
    local lane, owner, job, step = ready_pick(queue)
    if not lane then break end
    local fields = load_step(job, step)
    if fields and fields.state == 'ready' then  -- else the entry is a leftover
      redis.call('ZADD', 'later:' .. queue, now + again, lane .. '/' .. owner .. '/' .. job .. '/' .. step)
      for _, word in ipairs({ queue, job, step }) do table.insert(picked, word) end
      room = room - 1
    end
  end
end

for index = 2, #ARGV, 2 do fill(ARGV[index], tonumber(ARGV[index + 1])) end
return picked
